#include "store/record.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "job/limits.h"
#include "store/jobs.h"
#include "store/quarantine.h"
#include "wire/outcome_codec.h"

namespace store {

namespace {

base::Status CheckRunning(const job::Job& job, job::Generation generation) {
  const job::JobState& state = job.state;
  if (state.phase != job::Phase::kEnded && !state.cancelled && state.generation == generation) return {};
  return base::Fail(base::Code::kConflict,
                    fmt::format("job {} is not running generation {}", job.spec.key.job.str(), generation),
                    "not-running");
}

// Positions of the commit that have an outcome, ascending. kInternal for one that the job does not have.
base::Result<std::vector<job::Position>> AlreadyRecorded(const HotJob& hot, const ports::RecordCommit& commit) {
  const std::uint64_t end = hot.job.state.toon_count.value_or(job::Limits{}.max_toons);
  std::vector<job::Position> already;
  job::Position largest = 0;
  for (const ports::OutcomeRow& row : commit.outcomes) {
    largest = std::max(largest, row.position);
    if (hot.recorded.Has(row.position)) already.push_back(row.position);
  }
  for (const job::RetryNote& note : commit.retries) {
    largest = std::max(largest, note.position);
    if (hot.recorded.Has(note.position)) already.push_back(note.position);
  }
  const bool any = !commit.outcomes.empty() || !commit.retries.empty();
  if (any && largest >= end) {
    return base::Fail(base::Code::kInternal,
                      fmt::format("position {} is past the end of job {}", largest, commit.key.job.str()));
  }
  std::ranges::sort(already);
  return already;
}

// Marks the commit's positions; on one that stands twice in it, unmarks them again.
base::Status MarkRecorded(HotJob& hot, const ports::RecordCommit& commit) {
  std::size_t marked = 0;
  bool repeated = false;
  for (const ports::OutcomeRow& row : commit.outcomes) {
    repeated = hot.recorded.Has(row.position);
    if (repeated) break;
    hot.recorded.Add(row.position);
    ++marked;
  }
  repeated = repeated || std::ranges::any_of(commit.retries, [&](const job::RetryNote& note) {
               return hot.recorded.Has(note.position);
             });
  if (!repeated) return {};
  for (std::size_t i = 0; i < marked; ++i) hot.recorded.Remove(commit.outcomes[i].position);
  return base::Fail(base::Code::kInternal,
                    fmt::format("a position is twice in one commit of job {}", commit.key.job.str()));
}

using Merged = std::map<std::string, std::string>;
base::Result<Merged> Merge(const HotJob& hot, const std::vector<ports::Partial>& partials,
                           const ports::PartialMerger& merger) {
  Merged merged;
  for (const ports::Partial& partial : partials) {
    const auto [at, added] = merged.try_emplace(partial.reducer);
    if (added) {
      if (const auto old = hot.aggregates.find(partial.reducer); old != hot.aggregates.end()) at->second = old->second;
    }
    if (at->second.empty()) {
      at->second = partial.bytes;
    } else {
      UT_TRY_ASSIGN(at->second, merger.Merge(partial.reducer, at->second, partial.bytes));
    }
  }
  return merged;
}

void PutOutcomes(Turn turn, HotJob& hot, const ports::RecordCommit& commit) {
  for (const ports::OutcomeRow& row : commit.outcomes) {
    turn.group.PutOutcome(hot.uid, commit.generation, row);
    (row.state == job::ToonState::kSucceeded ? hot.job.counters.succeeded : hot.job.counters.failed) += 1;
    if (hot.notes.erase(row.position) != 0) turn.group.Delete(NoteKey(hot.uid, commit.generation, row.position));
  }
  for (const job::RetryNote& note : commit.retries) {
    turn.group.Put(NoteKey(hot.uid, commit.generation, note.position), EncodeNote(note));
    hot.notes.insert(note.position);
  }
  hot.state_dirty = hot.state_dirty || !commit.outcomes.empty();
}

void PutReuse(Group& group, const HotJob& hot, job::Generation generation, const std::vector<Indexed::Reuse>& reuse) {
  for (const Indexed::Reuse& entry : reuse) {
    group.Put(ReuseKey(hot.job.spec.key.tenant, entry.key),
              EncodePlace({.uid = hot.uid, .generation = generation, .position = entry.position}));
    group.Put(JobReuseKey(hot.uid, entry.key), "");
  }
}

}  // namespace

base::Result<Indexed> IndexedOf(const ports::RecordCommit& commit) {
  Indexed indexed;
  for (const ports::OutcomeRow& row : commit.outcomes) {
    if (!row.has_references) continue;
    UT_TRY_ASSIGN(job::Outcome outcome, wire::DecodeOutcome(row.row));
    if (outcome.reuse_key && row.state == job::ToonState::kSucceeded) {
      indexed.reuse.push_back({.key = *outcome.reuse_key, .position = row.position});
    }
    std::ranges::move(outcome.artifacts, std::back_inserter(indexed.artifacts));
  }
  return indexed;
}

base::Result<ports::RecordAnswer> RecordOn(Turn turn, const ports::RecordCommit& commit, const Indexed& indexed,
                                           const ports::PartialMerger& merger) {
  UT_TRY_ASSIGN(HotJob * hot, turn.hot.Find(commit.key));
  if (hot == nullptr) return base::Fail(base::Code::kNotFound, "no job " + commit.key.job.str());
  UT_TRY(CheckRunning(hot->job, commit.generation));
  UT_TRY(turn.hot.LoadRecorded(*hot));
  UT_TRY_ASSIGN(auto already, AlreadyRecorded(*hot, commit));
  if (!already.empty()) return ports::RecordAnswer{.already_recorded = std::move(already), .job = hot->job};
  UT_TRY_ASSIGN(const auto references, NewReferences(turn.group, *hot, indexed.artifacts));
  UT_TRY_ASSIGN(Merged merged, Merge(*hot, commit.partials, merger));
  UT_TRY_ASSIGN(QuarantineChange quarantine, QuarantineChangeOf(turn.group, commit.key.tenant, commit.quarantined));
  UT_TRY(MarkRecorded(*hot, commit));

  PutOutcomes(turn, *hot, commit);
  PutReferences(turn.group, *hot, references);
  PutReuse(turn.group, *hot, commit.generation, indexed.reuse);
  for (auto& [reducer, bytes] : merged) {
    hot->aggregates[reducer] = std::move(bytes);
    hot->dirty_aggregates.insert(reducer);
  }
  const std::uint64_t added = quarantine.added;
  PutQuarantine(turn.group, commit.key.tenant, std::move(quarantine));
  return ports::RecordAnswer{.already_recorded = {}, .job = hot->job, .quarantined = added};
}

}  // namespace store
