#include "store/hot_jobs.h"

#include <fmt/format.h>

namespace store {

std::size_t HotJob::bytes() const {
  constexpr std::size_t kNode = 64;
  std::size_t sum = sizeof(HotJob) + 1024 + recorded.bytes() + notes.size() * kNode;
  sum += job.spec.metadata_json.size() + job.spec.operations_json.size();
  for (const auto& [reducer, partial] : aggregates) sum += kNode + reducer.size() + partial.size();
  return sum;
}

base::Result<HotJob*> HotJobs::Find(const job::JobKey& key) {
  if (const auto found = index_.find(key); found != index_.end()) {
    order_.splice(order_.begin(), order_, found->second);
    found->second->second.used_in_group = group_number_;
    return &found->second->second.hot;
  }
  UT_TRY_ASSIGN(const auto index, group_.Get(JobIndexKey(key)));
  if (!index) return nullptr;
  UT_TRY_ASSIGN(const Uid uid, DecodeNumber(*index, "job index entry"));
  UT_TRY_ASSIGN(const auto spec_bytes, group_.Get(SpecKey(uid)));
  UT_TRY_ASSIGN(const auto state_bytes, group_.Get(StateKey(uid)));
  if (!spec_bytes || !state_bytes) {
    return base::Fail(base::Code::kCorrupt, fmt::format("job {} has an index entry but no rows", key.job.str()));
  }
  UT_TRY_ASSIGN(auto spec, DecodeSpec(*spec_bytes));
  UT_TRY_ASSIGN(auto state, DecodeState(*state_bytes));
  order_.emplace_front(key, Entry{.hot = {}, .bytes = 0, .used_in_group = group_number_});
  HotJob& hot = order_.front().second.hot;
  hot.uid = uid;
  hot.job = {.spec = std::move(spec.spec), .state = std::move(state.state), .counters = state.counters};
  index_[key] = order_.begin();
  return &hot;
}

base::Status HotJobs::LoadRecorded(HotJob& hot) {
  if (hot.recorded_loaded) return {};
  Database& database = group_.database();
  const job::Generation generation = hot.job.state.generation;
  std::uint64_t count = 0;
  const auto from = OutcomeKey(hot.uid, generation, 0);
  const auto to = OutcomeKey(hot.uid, generation + 1, 0);
  hot.recorded.Clear();
  if (hot.job.counters.processed() != 0) {
    UT_TRY(database.Scan(database.rows(), from, to, [&](std::string_view key, std::string_view) {
      hot.recorded.Add(PositionOf(key));
      ++count;
      return Database::Walk::kOn;
    }));
  }
  if (count != hot.job.counters.processed()) {
    return base::Fail(base::Code::kCorrupt,
                      fmt::format("job {} has {} outcomes, but its counters say {}", hot.job.spec.key.job.str(), count,
                                  hot.job.counters.processed()));
  }
  hot.notes.clear();
  UT_TRY(database.Scan(database.main(), NoteKey(hot.uid, generation, 0), NoteKey(hot.uid, generation + 1, 0),
                       [&](std::string_view key, std::string_view) {
                         hot.notes.insert(PositionOf(key));
                         return Database::Walk::kOn;
                       }));
  hot.aggregates.clear();
  const std::string prefix = AggregatePrefix(hot.uid);
  UT_TRY(database.Scan(database.main(), prefix, AfterPrefix(prefix), [&](std::string_view key, std::string_view value) {
    hot.aggregates.emplace(key.substr(prefix.size()), value);
    return Database::Walk::kOn;
  }));
  hot.recorded_loaded = true;
  return {};
}

void HotJobs::Forget(const job::JobKey& key) {
  const auto found = index_.find(key);
  if (found == index_.end()) return;
  bytes_ -= found->second->second.bytes;
  order_.erase(found->second);
  index_.erase(found);
}

void HotJobs::Flush() {
  for (auto& [key, entry] : order_) {
    if (entry.used_in_group != group_number_) break;
    HotJob& hot = entry.hot;
    if (hot.state_dirty) {
      group_.Put(StateKey(hot.uid), EncodeState({.state = hot.job.state, .counters = hot.job.counters}));
      hot.state_dirty = false;
    }
    for (const std::string& reducer : hot.dirty_aggregates) {
      group_.Put(AggregateKey(hot.uid, reducer), hot.aggregates[reducer]);
    }
    hot.dirty_aggregates.clear();
  }
}

void HotJobs::EndGroup() {
  for (auto& [key, entry] : order_) {
    if (entry.used_in_group != group_number_) break;
    bytes_ -= entry.bytes;
    entry.bytes = entry.hot.bytes();
    bytes_ += entry.bytes;
  }
  ++group_number_;
  while (bytes_ > max_bytes_ && !order_.empty()) Forget(job::JobKey(order_.back().first));
}

void HotJobs::Clear() {
  order_.clear();
  index_.clear();
  bytes_ = 0;
}

}  // namespace store
