#include <algorithm>
#include <set>

#include "fakes/bill.h"
#include "fakes/store.h"
#include "job/limits.h"
#include "wire/outcome_codec.h"

namespace fakes {

namespace {

// A caller's defects: said loudly, since a test is watching.
base::Status CheckCommit(const job::Job& job, const ports::RecordCommit& commit) {
  const std::uint64_t end = job.state.toon_count.value_or(job::Limits{}.max_toons);
  std::set<job::Position> seen;
  const auto check = [&](job::Position position) -> base::Status {
    if (position >= end) return base::Fail(base::Code::kInternal, fmt::format("position {} is past the job", position));
    if (!seen.insert(position).second) {
      return base::Fail(base::Code::kInternal, fmt::format("position {} is twice in one commit", position));
    }
    return {};
  };
  for (const ports::OutcomeRow& row : commit.outcomes) {
    UT_TRY(check(row.position));
    if (row.state == job::ToonState::kPending) return base::Fail(base::Code::kInternal, "an outcome is pending");
  }
  for (const job::RetryNote& note : commit.retries) UT_TRY(check(note.position));
  std::set<job::QuarantineKey> keys;
  for (const job::Quarantined& entry : commit.quarantined) {
    if (!job::IsLethal(entry.error.code)) return base::Fail(base::Code::kInternal, "a harmless error is quarantined");
    if (!keys.insert(entry.bytes).second) return base::Fail(base::Code::kInternal, "bytes are quarantined twice");
  }
  return {};
}

}  // namespace

void FakeStore::BetweenRows(std::function<void()> hook) {
  const std::lock_guard lock(mutex_);
  hook_ = std::move(hook);
}

void FakeStore::CallHook() {
  std::function<void()> hook;
  {
    const std::lock_guard lock(mutex_);
    hook = hook_;
  }
  if (hook) hook();
}

base::Result<std::map<std::string, std::string>> FakeStore::MergeLocked(
    const Stored& stored, const std::vector<ports::Partial>& partials) const {
  std::map<std::string, std::string> merged;
  for (const ports::Partial& partial : partials) {
    if (!merged.contains(partial.reducer)) {
      const auto old = stored.aggregates.find(partial.reducer);
      merged[partial.reducer] = old == stored.aggregates.end() ? std::string() : old->second;
    }
    std::string& sum = merged[partial.reducer];
    if (sum.empty()) {
      sum = partial.bytes;
      continue;
    }
    UT_TRY_ASSIGN(sum, merger_.Merge(partial.reducer, sum, partial.bytes));
  }
  return merged;
}

base::Status FakeStore::AddOutcomeLocked(Stored& stored, job::Generation generation, const ports::OutcomeRow& row) {
  const GenerationAndPosition place{generation, row.position};
  if (row.has_references) {
    UT_TRY_ASSIGN(const job::Outcome outcome, wire::DecodeOutcome(row.row));
    const job::JobKey& key = stored.job.spec.key;
    AddReferencesLocked(key, outcome.artifacts);
    if (outcome.reuse_key && row.state == job::ToonState::kSucceeded) {
      reuse_[{key.tenant, *outcome.reuse_key}] = {.key = key, .place = place};
    }
  }
  stored.outcomes[place] = row;
  stored.retries.erase(place);
  job::Counters& counters = stored.job.counters;
  (row.state == job::ToonState::kSucceeded ? counters.succeeded : counters.failed) += 1;
  return {};
}

base::Result<ports::RecordAnswer> FakeStore::RecordLocked(Stored& stored, const ports::RecordCommit& commit) {
  const job::JobState& state = stored.job.state;
  if (state.phase == job::Phase::kEnded || state.cancelled || state.generation != commit.generation) {
    return base::Fail(base::Code::kConflict,
                      fmt::format("job {} is not running generation {}", commit.key.job.str(), commit.generation),
                      "not-running");
  }
  UT_TRY(CheckCommit(stored.job, commit));
  ports::RecordAnswer answer;
  const auto look = [&](job::Position position) {
    if (stored.outcomes.contains({commit.generation, position})) answer.already_recorded.push_back(position);
  };
  for (const ports::OutcomeRow& row : commit.outcomes) look(row.position);
  for (const job::RetryNote& note : commit.retries) look(note.position);
  std::ranges::sort(answer.already_recorded);
  answer.job = stored.job;
  if (!answer.already_recorded.empty()) return answer;

  UT_TRY_ASSIGN(const auto merged, MergeLocked(stored, commit.partials));
  Bill bill(limits_);
  bill.Item(64);  // the counters
  for (const auto& [reducer, bytes] : merged) bill.Item(bytes.size());
  for (const ports::OutcomeRow& row : commit.outcomes) bill.Item(row.row.size());
  for (const job::RetryNote& note : commit.retries)
    bill.Item(note.last_error.code.size() + note.last_error.message.size());
  for (const job::Quarantined& entry : commit.quarantined) {
    bill.Item(entry.bytes.type.size() + sizeof entry.bytes.sha256 + entry.error.code.size() +
              entry.error.message.size() + entry.job.str().size() + entry.toon.str().size());
  }
  if (!commit.quarantined.empty()) bill.Item(64);  // how many there are
  UT_TRY(bill.Check());
  for (const ports::OutcomeRow& row : commit.outcomes) {
    if (row.has_references) UT_TRY(wire::DecodeOutcome(row.row));  // all or nothing
  }
  for (const ports::OutcomeRow& row : commit.outcomes) UT_TRY(AddOutcomeLocked(stored, commit.generation, row));
  for (const job::RetryNote& note : commit.retries) stored.retries[{commit.generation, note.position}] = note;
  for (const auto& [reducer, bytes] : merged) stored.aggregates[reducer] = bytes;
  answer.quarantined = AddQuarantinedLocked(commit);
  UT_TRY(Committed());
  answer.job = stored.job;
  return answer;
}

base::Result<ports::RecordAnswer> FakeStore::Record(const ports::RecordCommit& commit) {
  if (commit_fault.Strikes()) return ToldToFail();
  const std::lock_guard lock(mutex_);
  const auto found = jobs_.find(commit.key);
  if (found == jobs_.end()) return NoSuchJob(commit.key);
  return RecordLocked(found->second, commit);
}

base::Result<std::vector<ports::OutcomeRow>> FakeStore::Read(const job::JobKey& key, job::Generation generation,
                                                             job::Position from, std::size_t limit,
                                                             std::size_t max_bytes) {
  if (read_fault.Strikes()) return ToldToFail();
  std::vector<ports::OutcomeRow> rows;
  std::size_t bytes = 0;
  while (rows.size() < limit && (rows.empty() || bytes < max_bytes)) {
    if (!rows.empty()) CallHook();
    const std::lock_guard lock(mutex_);
    const auto found = jobs_.find(key);
    if (found == jobs_.end()) break;
    const auto at = found->second.outcomes.lower_bound({generation, from});
    if (at == found->second.outcomes.end() || at->first.first != generation) break;
    if (!rows.empty() && bytes + at->second.row.size() > max_bytes) break;
    rows.push_back(at->second);
    bytes += at->second.row.size();
    from = at->first.second + 1;
  }
  return rows;
}

base::Result<std::vector<bool>> FakeStore::Recorded(const job::JobKey& key, job::Generation generation,
                                                    job::Position first, std::uint32_t count) {
  if (read_fault.Strikes()) return ToldToFail();
  std::vector<bool> recorded(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    if (i != 0) CallHook();
    const std::lock_guard lock(mutex_);
    const auto found = jobs_.find(key);
    recorded[i] = found != jobs_.end() && found->second.outcomes.contains({generation, first + i});
  }
  return recorded;
}

base::Result<std::vector<job::RetryNote>> FakeStore::Retries(const job::JobKey& key, job::Generation generation,
                                                             job::Position from, std::size_t limit) {
  if (read_fault.Strikes()) return ToldToFail();
  std::vector<job::RetryNote> notes;
  while (notes.size() < limit) {
    if (!notes.empty()) CallHook();
    const std::lock_guard lock(mutex_);
    const auto found = jobs_.find(key);
    if (found == jobs_.end()) break;
    const auto at = found->second.retries.lower_bound({generation, from});
    if (at == found->second.retries.end() || at->first.first != generation) break;
    notes.push_back(at->second);
    from = at->first.second + 1;
  }
  return notes;
}

base::Result<std::vector<ports::Partial>> FakeStore::Aggregates(const job::JobKey& key) {
  if (read_fault.Strikes()) return ToldToFail();
  const std::lock_guard lock(mutex_);
  std::vector<ports::Partial> partials;
  if (const auto found = jobs_.find(key); found != jobs_.end()) {
    for (const auto& [reducer, bytes] : found->second.aggregates)
      partials.push_back({.reducer = reducer, .bytes = bytes});
  }
  return partials;
}

}  // namespace fakes
