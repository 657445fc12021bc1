// "summary" as simple as a reducer can be: a partial is the decimal number of successes.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ports/job_store.h"
#include "ports/reducer.h"

namespace fakes {

// The sum of two decimal numbers; "" counts as 0; kCorrupt for anything else.
[[nodiscard]] base::Result<std::string> AddDecimal(std::string_view a, std::string_view b);

class FakePartialMerger final : public ports::PartialMerger {
 public:
  [[nodiscard]] base::Result<std::string> Merge(std::string_view /*reducer*/, std::string_view a,
                                                std::string_view b) const override {
    return AddDecimal(a, b);
  }
};

// Counts successes. Artifact at the end: NAME.txt with the number.
class CountingReducer final : public ports::Reducer {
 public:
  explicit CountingReducer(std::string name = "summary") : name_(std::move(name)) {}
  [[nodiscard]] std::string_view name() const override { return name_; }
  [[nodiscard]] std::vector<base::FieldError> CheckParams(std::string_view params_json) const override;
  [[nodiscard]] std::string Fold(std::span<const job::Outcome> outcomes) const override;
  [[nodiscard]] base::Result<std::string> Merge(std::string_view a, std::string_view b) const override {
    return AddDecimal(a, b);
  }
  [[nodiscard]] base::Result<std::string> Render(std::string_view partial) const override;
  [[nodiscard]] base::Result<std::vector<ports::ArtifactBytes>> Finish(const ports::ReduceInput& input) const override;

 private:
  std::string name_;
};

// "summary" and whatever a test adds.
class FakeReducerRegistry final : public ports::ReducerRegistry {
 public:
  FakeReducerRegistry() { Add(std::make_unique<CountingReducer>()); }
  void Add(std::unique_ptr<ports::Reducer> reducer) {
    const std::string name(reducer->name());
    reducers_[name] = std::move(reducer);
  }
  [[nodiscard]] const ports::Reducer* Find(std::string_view name) const override {
    const auto found = reducers_.find(name);
    return found == reducers_.end() ? nullptr : found->second.get();
  }
  [[nodiscard]] std::vector<std::string> Names() const override;

 private:
  std::map<std::string, std::unique_ptr<ports::Reducer>, std::less<>> reducers_;
};

}  // namespace fakes
