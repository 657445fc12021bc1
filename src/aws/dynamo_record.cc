// OutcomeStore::Record: one transaction, guarded by the version of one shard of the job's counters.
#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "aws/dynamo_outcomes.h"
#include "job/limits.h"
#include "wire/outcome_codec.h"
#include "wire/row_codec.h"

namespace aws {

namespace {

// Each loses to a commit that went through: of W writers on one shard one in W succeeds, and W is small.
constexpr int kRecordTries = 60;

// The caller's defects.
base::Status CheckCommit(const ports::RecordCommit& commit, std::uint64_t end) {
  std::set<job::Position> seen;
  const auto check = [&](job::Position position) -> base::Status {
    if (position >= end) {
      return base::Fail(base::Code::kInternal,
                        fmt::format("position {} is past the end of job {}", position, commit.key.job.str()));
    }
    if (seen.insert(position).second) return {};
    return base::Fail(base::Code::kInternal,
                      fmt::format("a position is twice in one commit of job {}", commit.key.job.str()));
  };
  for (const ports::OutcomeRow& row : commit.outcomes) UT_TRY(check(row.position));
  for (const job::RetryNote& note : commit.retries) UT_TRY(check(note.position));
  return {};
}

base::Status CheckRunning(const job::Job& job, const ports::RecordCommit& commit) {
  const job::JobState& state = job.state;
  if (state.phase != job::Phase::kEnded && !state.cancelled && state.generation == commit.generation) return {};
  return base::Fail(base::Code::kConflict,
                    fmt::format("job {} is not running generation {}", commit.key.job.str(), commit.generation),
                    "not-running");
}

base::Result<Named> NamedBy(const ports::RecordCommit& commit) {
  Named named;
  for (const ports::OutcomeRow& row : commit.outcomes) {
    if (!row.has_references) continue;
    UT_TRY_ASSIGN(job::Outcome outcome, wire::DecodeOutcome(row.row));
    if (outcome.reuse_key && row.state == job::ToonState::kSucceeded) {
      named.reuse.push_back({.key = *outcome.reuse_key, .generation = commit.generation, .position = row.position});
    }
    std::ranges::move(outcome.artifacts, std::back_inserter(named.artifacts));
  }
  return named;
}

job::Counters CountersOf(const std::vector<ports::OutcomeRow>& rows) {
  job::Counters counters;
  for (const ports::OutcomeRow& row : rows) {
    (row.state == job::ToonState::kSucceeded ? counters.succeeded : counters.failed) += 1;
  }
  return counters;
}

}  // namespace

// One try: its transaction, whose first actions are the outcomes.
struct DynamoOutcomes::Try {
  std::vector<WriteAction> actions;
  std::uint64_t quarantined = 0;
};

base::Status DynamoOutcomes::Fold(const std::vector<ports::Partial>& partials, Merged& merged) const {
  for (const ports::Partial& partial : partials) {
    std::string& sum = merged[partial.reducer];
    if (sum.empty()) {
      sum = partial.bytes;
      continue;
    }
    UT_TRY_ASSIGN(sum, parts_.merger.Merge(partial.reducer, sum, partial.bytes));
  }
  return {};
}

// What the shard has of these reducers, with the partials. Read after the shard's version, which guards it.
base::Result<DynamoOutcomes::Merged> DynamoOutcomes::MergeShard(const JobUid& uid, const job::JobKey& key,
                                                                std::uint32_t shard,
                                                                const std::vector<ports::Partial>& partials) {
  std::map<std::string, std::string> reducers;  // by row
  std::vector<Item> keys;
  for (const ports::Partial& partial : partials) {
    const std::string row = PartialRow(uid, shard, partial.reducer);
    if (reducers.emplace(row, partial.reducer).second) keys.push_back(KeyItem(JobPartition(key), row));
  }
  UT_TRY_ASSIGN(const std::vector<Item> rows, table_.GetMany(keys));
  Merged merged;
  for (const Item& item : rows) {
    UT_TRY_ASSIGN(const std::string row, TextAt(item, "sk"));
    UT_TRY_ASSIGN(merged[reducers[row]], BytesAt(item, "v"));
  }
  UT_TRY(Fold(partials, merged));
  return merged;
}

// Positions of the commit that have an outcome, ascending.
base::Result<std::vector<job::Position>> DynamoOutcomes::AlreadyRecorded(const JobUid& uid,
                                                                         const ports::RecordCommit& commit) {
  std::vector<Item> keys;
  for (const ports::OutcomeRow& row : commit.outcomes) {
    keys.push_back(OutcomeKey(uid, commit.generation, row.position));
  }
  for (const job::RetryNote& note : commit.retries) keys.push_back(OutcomeKey(uid, commit.generation, note.position));
  UT_TRY_ASSIGN(const std::vector<Item> rows, table_.GetMany(keys));
  std::vector<job::Position> already;
  for (const Item& row : rows) {
    UT_TRY_ASSIGN(already.emplace_back(), PositionOfRow(row));
  }
  std::ranges::sort(already);
  return already;
}

// One shard's counters and partials; for notes alone only that the job still runs.
base::Status DynamoOutcomes::AddTally(const StoredJob& stored, const ports::RecordCommit& commit, Try& attempt) {
  const std::size_t chosen = stored.tallies.size() == 1 ? 0 : table_.random().Next() % stored.tallies.size();
  Tally tally = stored.tallies[chosen];
  Item values{{":uid", TextValue(stored.uid)}, {":generation", NumberValue(commit.generation)}};
  std::string condition = "#uid = :uid AND #generation = :generation AND attribute_not_exists(#closed)";
  if (commit.outcomes.empty() && commit.partials.empty()) {
    Item key = KeyItem(JobPartition(commit.key), TallyRow(tally.shard));
    attempt.actions.push_back(table_.CheckAction(std::move(key), std::move(condition), std::move(values)));
    return {};
  }
  condition += " AND #version = :version";
  values[":version"] = NumberValue(static_cast<std::int64_t>(tally.version));
  tally.version += 1;
  tally.counters += CountersOf(commit.outcomes);
  for (const ports::OutcomeRow& row : commit.outcomes) tally.end = std::max(tally.end, row.position + 1);
  attempt.actions.push_back(
      table_.PutAction(TallyItem(commit.key, stored.uid, tally), std::move(condition), std::move(values)));
  UT_TRY_ASSIGN(Merged merged, MergeShard(stored.uid, commit.key, tally.shard, commit.partials));
  for (auto& [reducer, bytes] : merged) {
    Item item = KeyItem(JobPartition(commit.key), PartialRow(stored.uid, tally.shard, reducer));
    item["v"] = BinaryValue(std::move(bytes));
    attempt.actions.push_back(table_.PutAction(std::move(item)));
  }
  return {};
}

base::Result<DynamoOutcomes::Try> DynamoOutcomes::Prepare(const StoredJob& stored, const ports::RecordCommit& commit) {
  Try attempt;
  for (const ports::OutcomeRow& row : commit.outcomes) {
    Item item = OutcomeKey(stored.uid, commit.generation, row.position);
    item["v"] = BinaryValue(wire::OutcomeFlags(row) + row.row);
    attempt.actions.push_back(table_.PutAction(std::move(item), "attribute_not_exists(pk)"));
  }
  UT_TRY(AddTally(stored, commit, attempt));
  for (const job::RetryNote& note : commit.retries) {
    Item item = KeyItem(NotePartition(stored.uid, commit.generation), PositionRow(note.position));
    item["v"] = BinaryValue(wire::EncodeNote(note));
    attempt.actions.push_back(table_.PutAction(std::move(item)));
  }
  UT_TRY_ASSIGN(attempt.quarantined, parts_.quarantine.AddTo(commit.key.tenant, commit.quarantined, attempt.actions));
  UT_TRY(CheckLimits(attempt.actions, ports::StoreLimits{}));
  return attempt;
}

// Whole, with the counters as they are now, so that whoever records the last outcome sees that it is the last.
base::Result<job::Job> DynamoOutcomes::JobNow(const job::JobKey& key, const JobUid& uid) {
  UT_TRY_ASSIGN(auto now, ReadJob(table_, key));
  if (!now || now->going || now->uid != uid) return NoSuchJob(key);
  return std::move(now->job);
}

base::Result<ports::RecordAnswer> DynamoOutcomes::Record(const ports::RecordCommit& commit) {
  UT_TRY_ASSIGN(const Named named, NamedBy(commit));
  // Refused commits leave no reference and no note, so these are looked at before; plain outcomes have conditions.
  bool look = !named.artifacts.empty() || !named.reuse.empty() || !commit.retries.empty();
  std::optional<JobUid> added_to;
  for (int attempt = 0; attempt < kRecordTries; ++attempt) {
    if (attempt > 0) table_.PauseBefore(attempt - 1);
    UT_TRY_ASSIGN(const auto stored, ReadJob(table_, commit.key, Want::kPlace));
    if (!stored || stored->going) {
      // The deletion may have missed what this commit added.
      if (added_to) UT_TRY(parts_.references.Remove(commit.key.tenant, *added_to));
      return NoSuchJob(commit.key);
    }
    UT_TRY(CheckRunning(stored->job, commit));
    UT_TRY(CheckCommit(commit, stored->job.state.toon_count.value_or(job::Limits{}.max_toons)));
    if (look) {
      UT_TRY_ASSIGN(auto already, AlreadyRecorded(stored->uid, commit));
      if (!already.empty()) {
        UT_TRY_ASSIGN(job::Job now, JobNow(commit.key, stored->uid));
        return ports::RecordAnswer{.already_recorded = std::move(already), .job = std::move(now)};
      }
    }
    UT_TRY_ASSIGN(const Try prepared, Prepare(*stored, commit));
    if (added_to != stored->uid) {
      UT_TRY(parts_.references.Add(commit.key.tenant, stored->uid, named));
      added_to = stored->uid;
    }
    UT_TRY_ASSIGN(const CancelReasons reasons, table_.Commit(prepared.actions));
    if (reasons.empty()) {
      UT_TRY_ASSIGN(job::Job now, JobNow(commit.key, stored->uid));
      return ports::RecordAnswer{.already_recorded = {}, .job = std::move(now), .quarantined = prepared.quarantined};
    }
    for (std::size_t i = 0; i < commit.outcomes.size(); ++i) look = look || ConditionFailed(reasons, i);
  }
  return base::Fail(base::Code::kUnavailable,
                    fmt::format("others record outcomes of job {} all the time", commit.key.job.str()));
}

}  // namespace aws
