// Adds up a commit as DynamoDB would and refuses what it would refuse.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "fakes/store.h"

namespace fakes {

class FakeStore::Bill {
 public:
  explicit Bill(const ports::StoreLimits& limits) : limits_(limits) {}
  void Item(std::size_t bytes) {
    constexpr std::size_t kNamesOfAttributes = 64;
    ++items_;
    bytes_ += bytes + kNamesOfAttributes;
    largest_ = std::max(largest_, bytes + kNamesOfAttributes);
  }
  void Events(const std::vector<ports::OutboxEvent>& events) {
    for (const ports::OutboxEvent& event : events) Item(event.body_json.size() + event.id.size() + event.type.size());
  }
  void State(const job::JobState& state) {
    std::size_t bytes = 256 + state.reason.size();
    for (const base::FieldError& problem : state.problems) bytes += problem.pointer.size() + problem.detail.size();
    for (const job::ReduceResult& result : state.reduced) {
      bytes += result.reducer.size() + (result.error ? result.error->code.size() + result.error->message.size() : 0);
      for (const job::Artifact& artifact : result.artifacts) {
        bytes += artifact.name.size() + artifact.content_type.size() + artifact.sha256.size() + sizeof(artifact.bytes);
      }
    }
    Item(bytes);
  }
  void Page(const std::vector<job::Segment>& segments) {
    std::size_t bytes = 0;
    for (const job::Segment& segment : segments) bytes += 24 + segment.work_class.size();
    Item(bytes);
  }
  [[nodiscard]] base::Status Check() const {
    if (items_ > limits_.max_items_per_commit) {
      return Refuse("items", items_, limits_.max_items_per_commit);
    }
    if (bytes_ > limits_.max_bytes_per_commit) return Refuse("bytes", bytes_, limits_.max_bytes_per_commit);
    if (largest_ > limits_.max_item_bytes) return Refuse("bytes in one item", largest_, limits_.max_item_bytes);
    return {};
  }

 private:
  [[nodiscard]] static base::Status Refuse(std::string_view what, std::size_t has, std::size_t limit) {
    return base::Fail(base::Code::kInternal, fmt::format("a commit of {} {} is over the store's {}", has, what, limit),
                      "over-store-limits");
  }

  const ports::StoreLimits& limits_;
  std::size_t items_ = 0;
  std::size_t bytes_ = 0;
  std::size_t largest_ = 0;
};

// What every call of the fake starts with.
[[nodiscard]] inline std::unexpected<base::Error> ToldToFail() {
  return base::Fail(base::Code::kUnavailable, "the store is told to fail");
}
[[nodiscard]] inline std::unexpected<base::Error> NoSuchJob(const job::JobKey& key) {
  return base::Fail(base::Code::kNotFound, "no job " + key.job.str());
}

}  // namespace fakes
