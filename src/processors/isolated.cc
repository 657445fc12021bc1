#include "processors/isolated.h"

namespace processors {

namespace {

class IsolatedProcessor final : public ports::Processor {
 public:
  explicit IsolatedProcessor(ports::Executor& executor) : executor_(executor) {}
  [[nodiscard]] std::string version() const override { return executor_.version(); }
  [[nodiscard]] std::expected<ports::ProcessorOutput, ports::ProcessorFailure> Process(
      const ports::ToonInput& input) override {
    return executor_.Run(
        {.tenant = input.tenant, .verb = input.type, .operations = input.operations, .inputs = {input.bytes}});
  }

 private:
  ports::Executor& executor_;
};

}  // namespace

std::unique_ptr<ports::Processor> NewIsolatedProcessor(ports::Executor& executor) {
  return std::make_unique<IsolatedProcessor>(executor);
}

}  // namespace processors
