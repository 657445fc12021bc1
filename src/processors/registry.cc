#include "processors/registry.h"

#include <map>
#include <string>

#include "processors/binary.h"
#include "processors/isolated.h"
#include "processors/message.h"
#include "processors/table_processor.h"

namespace processors {

namespace {

class Registry final : public ports::ProcessorRegistry {
 public:
  explicit Registry(const Executors& executors) {
    by_type_.emplace("telemetry", NewTableProcessor(job::BuiltinType::kTelemetry));
    by_type_.emplace("gameplay", NewTableProcessor(job::BuiltinType::kGameplay));
    by_type_.emplace("message", NewMessageProcessor());
    by_type_.emplace("binary", NewBinaryProcessor());
    if (executors.image != nullptr) by_type_.emplace("image", NewIsolatedProcessor(*executors.image));
    if (executors.media != nullptr) {
      by_type_.emplace("audio", NewIsolatedProcessor(*executors.media));
      by_type_.emplace("video", NewIsolatedProcessor(*executors.media));
    }
  }
  [[nodiscard]] ports::Processor* Find(std::string_view type) override {
    const auto found = by_type_.find(type);
    return found == by_type_.end() ? nullptr : found->second.get();
  }

 private:
  std::map<std::string, std::unique_ptr<ports::Processor>, std::less<>> by_type_;
};

}  // namespace

std::unique_ptr<ports::ProcessorRegistry> NewProcessors(const Executors& executors) {
  return std::make_unique<Registry>(executors);
}

}  // namespace processors
