#include "reducers/registry.h"

#include <fmt/format.h>

#include "reducers/contact_sheet.h"
#include "reducers/playlist.h"
#include "reducers/summary.h"
#include "reducers/timeline.h"

namespace reducers {

namespace {

class Registry final : public ports::ReducerRegistry {
 public:
  Registry() {
    reducers_.push_back(NewSummary());
    reducers_.push_back(NewTimeline());
    reducers_.push_back(NewContactSheet());
    reducers_.push_back(NewPlaylist());
  }
  [[nodiscard]] const ports::Reducer* Find(std::string_view name) const override {
    for (const auto& reducer : reducers_) {
      if (reducer->name() == name) return reducer.get();
    }
    return nullptr;
  }
  [[nodiscard]] std::vector<std::string> Names() const override {
    std::vector<std::string> names;
    for (const auto& reducer : reducers_) names.emplace_back(reducer->name());
    return names;
  }

 private:
  std::vector<std::unique_ptr<ports::Reducer>> reducers_;
};

class Merger final : public ports::PartialMerger {
 public:
  explicit Merger(const ports::ReducerRegistry& registry) : registry_(registry) {}
  [[nodiscard]] base::Result<std::string> Merge(std::string_view reducer, std::string_view a,
                                                std::string_view b) const override {
    const ports::Reducer* found = registry_.Find(reducer);
    if (found == nullptr) return base::Fail(base::Code::kUnsupported, fmt::format("no reducer is named {}", reducer));
    return found->Merge(a, b);
  }

 private:
  const ports::ReducerRegistry& registry_;
};

}  // namespace

std::unique_ptr<ports::ReducerRegistry> NewReducers() {
  return std::make_unique<Registry>();
}

std::unique_ptr<ports::PartialMerger> NewMerger(const ports::ReducerRegistry& registry) {
  return std::make_unique<Merger>(registry);
}

}  // namespace reducers
