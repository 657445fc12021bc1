// Processors that do what a test scripts, and a catalog that accepts everything it was not told to refuse.
#pragma once

#include <fmt/format.h>

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "ports/processor.h"

namespace fakes {

class FakeProcessor final : public ports::Processor {
 public:
  using Answer = std::expected<ports::ProcessorOutput, ports::ProcessorFailure>;
  using Script = std::function<Answer(const ports::ToonInput&)>;
  explicit FakeProcessor(Script script = &FakeProcessor::CountBytes) : script_(std::move(script)) {}
  [[nodiscard]] std::string version() const override { return version_; }
  [[nodiscard]] Answer Process(const ports::ToonInput& input) override {
    ++calls_;
    return script_(input);
  }
  void set_version(std::string version) { version_ = std::move(version); }
  [[nodiscard]] std::size_t calls() const { return calls_; }

  // {"bytes":<length of the input>}
  [[nodiscard]] static Answer CountBytes(const ports::ToonInput& input) {
    return ports::ProcessorOutput{.result_json = fmt::format(R"({{"bytes":{}}})", input.bytes.size())};
  }
  [[nodiscard]] static Answer Failure(std::string code, ports::Blame blame) {
    return std::unexpected(
        ports::ProcessorFailure{.error = {.code = std::move(code), .message = "the script says so"}, .blame = blame});
  }

 private:
  Script script_;
  std::string version_ = "1";
  std::size_t calls_ = 0;
};

// Unless told otherwise, every type has one FakeProcessor that counts bytes. One thread at a time.
class FakeProcessorRegistry final : public ports::ProcessorRegistry {
 public:
  void Set(std::string_view type, FakeProcessor::Script script) {
    processors_[std::string(type)] = std::make_unique<FakeProcessor>(std::move(script));
  }
  void Remove(std::string_view type) { processors_[std::string(type)] = nullptr; }
  [[nodiscard]] FakeProcessor* Find(std::string_view type) override {
    const auto [found, added] = processors_.try_emplace(std::string(type));
    if (added) found->second = std::make_unique<FakeProcessor>();
    return found->second.get();
  }

 private:
  std::map<std::string, std::unique_ptr<FakeProcessor>> processors_;  // null: not processed
};

class FakeCatalog final : public ports::OperationCatalog {
 public:
  void ForgetType(std::string_view type) { unknown_.emplace(type); }
  void Refuse(std::string_view operation, base::FieldError error) {
    refused_[std::string(operation)].push_back(std::move(error));
  }
  [[nodiscard]] bool KnowsType(std::string_view type) const override { return !unknown_.contains(std::string(type)); }
  [[nodiscard]] std::vector<base::FieldError> Check(std::string_view /*type*/,
                                                    const ports::Operation& operation) const override {
    const auto found = refused_.find(operation.name);
    return found == refused_.end() ? std::vector<base::FieldError>{} : found->second;
  }

 private:
  std::set<std::string> unknown_;
  std::map<std::string, std::vector<base::FieldError>> refused_;
};

}  // namespace fakes
