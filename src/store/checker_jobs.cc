// A job against all it has: index rows, manifest, plan, outcomes, counters.
#include <fmt/format.h>

#include <map>

#include "job/limits.h"
#include "job/payload.h"
#include "store/checker.h"
#include "store/hot_jobs.h"
#include "store/jobs.h"
#include "wire/outcome_codec.h"

namespace store {

struct Checker::Tally {
  std::map<job::Generation, job::Counters> generations;
  PositionSet succeeded;  // in any generation so far
};

base::Status Checker::OnSpec(std::string_view key, std::string_view value) {
  KeyReader in(key);
  const Uid uid = in.Big64();
  if (!in.ok()) return base::Fail(base::Code::kCorrupt, "the key of a stored job does not decode");
  UT_TRY_ASSIGN(const SpecRow row, DecodeSpec(value));
  CheckManifest(row.spec);
  const auto state = State(uid);
  if (!state) {
    TellIndex(row.spec.key, "it has no state that decodes");
    return {};
  }
  if (state->state.phase != job::Phase::kEnded) Count("unfinished jobs");
  CheckIndexes(uid, row, *state);
  if (state->state.toon_count) CheckPlan(row.spec, *state->state.toon_count);
  CheckJobOutcomes(uid, row.spec, *state);
  return {};
}

void Checker::CheckIndexes(Uid uid, const SpecRow& row, const StateRow& state) {
  const job::JobKey& key = row.spec.key;
  const auto found = database_.FindUid(key);
  const Uid* indexed = ValueOf(found);
  if (found && (indexed == nullptr || *indexed != uid))
    TellIndex(key, "its index entry is missing or leads to another job");
  if (!Has(ListKey(key.tenant, row.spec.submitted_at, key.job.str())))
    TellIndex(key, "it is missing in the list of jobs");
  const job::Job job{.spec = row.spec, .state = state.state, .counters = state.counters};
  if (!Has(PhaseIndexKey(job, uid))) {
    TellIndex(key, job.state.phase == job::Phase::kEnded ? "it ended, and would never expire"
                                                         : "it has not ended, and no start would take it up again");
  }
  if (row.idempotency_key && !Has(IdempotencyKey(key.tenant, *row.idempotency_key))) {
    TellIndex(key, "its idempotency key does not lead to it");
  }
  for (const job::ReduceResult& reduced : state.state.reduced) {
    for (const job::Artifact& artifact : reduced.artifacts) {
      if (Has(ArtifactKey(key.tenant, artifact.sha256, uid))) continue;
      TellIndex(key, fmt::format("the artifact {} of {} has no reference", artifact.name, reduced.reducer));
    }
  }
}

void Checker::CheckManifest(const job::JobSpec& spec) {
  Count("manifests");
  Problem problem{.tenant = spec.key.tenant, .job = spec.key.job};
  const auto size = options_.blobs->Size(spec.manifest.blob);
  const auto* stored = ValueOf(size);
  if (stored == nullptr) {
    problem.kind = "manifest-missing";
    problem.what = size ? fmt::format("its manifest is gone: {}", spec.manifest.blob) : size.error().message;
    return Tell(std::move(problem));
  }
  problem.kind = "manifest-altered";
  if (*stored != spec.manifest.bytes) {
    problem.what =
        fmt::format("its manifest has {} bytes, {} were stored: {}", *stored, spec.manifest.bytes, spec.manifest.blob);
    return Tell(std::move(problem));
  }
  if (options_.hashing == Hashing::kLength) return;
  const auto hash = HashOf(spec.manifest.blob);
  if (hash && job::PayloadDigest(spec, *hash) == spec.payload_sha256) return;
  problem.what =
      hash ? fmt::format("its manifest is not what was submitted: {}", spec.manifest.blob) : hash.error().message;
  Tell(std::move(problem));
}

// Generation 1 covers each toon and each byte once, in order.
void Checker::CheckPlan(const job::JobSpec& spec, std::uint64_t toons) {
  job::Position next = 0;
  std::uint64_t offset = 0;
  bool in_order = true;
  for (std::uint32_t page = 0;; ++page) {
    const auto row = database_.Get(PlanKey(spec.manifest.blob, 1, page));
    if (!row) return;  // told where its table is
    const std::string* bytes = ValueOf(row);
    if (bytes == nullptr) break;
    const auto segments = DecodeSegments(*bytes);
    if (!segments) return;  // told as a row
    for (const job::Segment& segment : *segments) {
      in_order = in_order && segment.first == next && segment.offset == offset;
      next = segment.first + segment.count;
      offset = segment.offset + segment.length;
    }
  }
  if (in_order && next == toons && offset == spec.manifest.bytes) return;
  Tell({.kind = "plan-broken",
        .what = fmt::format("its plan ends at toon {} of {} and byte {} of {}{}", next, toons, offset,
                            spec.manifest.bytes, in_order ? "" : ", with gaps"),
        .tenant = spec.key.tenant,
        .job = spec.key.job});
}

void Checker::CheckJobOutcomes(Uid uid, const job::JobSpec& spec, const StateRow& state) {
  Tally tally;
  const std::string from = OutcomePrefix(uid);
  const base::Status read =
      database_.Scan(database_.rows(), from, AfterPrefix(from), [&](std::string_view key, std::string_view value) {
        Count("outcomes");
        OnOutcome(uid, spec, state, tally, key, value);
        return Database::Walk::kOn;
      });
  if (!read) {
    return Tell({.kind = "rows-unreadable",
                 .what = fmt::format("its outcomes: {}", read.error().message),
                 .tenant = spec.key.tenant,
                 .job = spec.key.job});
  }
  CheckCounters(spec, state, tally);
}

void Checker::OnOutcome(Uid uid, const job::JobSpec& spec, const StateRow& state, Tally& tally, std::string_view key,
                        std::string_view value) {
  Problem problem{.kind = "row-unreadable", .tenant = spec.key.tenant, .job = spec.key.job};
  if (key.size() != kOutcomeKeyBytes) {
    problem.what = "the key of an outcome does not decode";
    return Tell(std::move(problem));
  }
  const auto generation = static_cast<job::Generation>(ReadBigEndian64(key.substr(4)) & 0xFFFFFFFFU);
  const job::Position position = PositionOf(key);
  problem.position = position;
  const auto row = DecodeOutcomeRow(position, value);
  const auto outcome = row ? wire::DecodeOutcome(row->row) : std::unexpected(row.error());
  if (!outcome) {
    problem.what = fmt::format("the outcome of toon {}: {}", position, outcome.error().message);
    return Tell(std::move(problem));
  }
  problem.kind = "outcome-mismatch";
  problem.toon = outcome->toon_id;
  const bool references = !outcome->artifacts.empty() || outcome->reuse_key.has_value();
  if (outcome->position != position || outcome->state != row->state || references != row->has_references) {
    problem.what = fmt::format("the outcome of toon {} contradicts its own row", position);
    Tell(problem);
  }
  if (generation == 0 || generation > state.state.generation ||
      (state.state.toon_count && position >= *state.state.toon_count)) {
    problem.what =
        fmt::format("an outcome of toon {} in generation {}, which the job does not have", position, generation);
    Tell(problem);
  }
  if (position < job::Limits{}.max_toons) {
    if (tally.succeeded.Has(position)) {
      problem.what =
          fmt::format("toon {} succeeded before, and has another outcome in generation {}", position, generation);
      Tell(problem);
    } else if (row->state == job::ToonState::kSucceeded) {
      tally.succeeded.Add(position);
    }
  }
  job::Counters& counters = tally.generations[generation];
  (row->state == job::ToonState::kSucceeded ? counters.succeeded : counters.failed) += 1;
  CheckReferences(uid, spec, *outcome);
}

void Checker::CheckReferences(Uid uid, const job::JobSpec& spec, const job::Outcome& outcome) {
  for (const job::Artifact& artifact : outcome.artifacts) {
    if (Has(ArtifactKey(spec.key.tenant, artifact.sha256, uid))) continue;
    Tell({.kind = "index-broken",
          .what = fmt::format("its artifact {} has no reference", artifact.name),
          .tenant = spec.key.tenant,
          .job = spec.key.job,
          .toon = outcome.toon_id,
          .position = outcome.position});
  }
}

void Checker::CheckCounters(const job::JobSpec& spec, const StateRow& state, const Tally& tally) {
  const job::JobState& now = state.state;
  job::Counters counted;
  std::uint64_t carried = 0;
  for (const auto& [generation, counters] : tally.generations) {
    if (generation == now.generation) counted = counters;
    if (generation < now.generation) carried += counters.succeeded;
  }
  const auto tell = [&](std::string what) {
    Tell({.kind = "counter-mismatch", .what = std::move(what), .tenant = spec.key.tenant, .job = spec.key.job});
  };
  if (counted != state.counters) {
    tell(fmt::format("generation {} has {} successes and {} failures, its counters say {} and {}", now.generation,
                     counted.succeeded, counted.failed, state.counters.succeeded, state.counters.failed));
  }
  if (carried != now.carried_succeeded) {
    tell(fmt::format("earlier generations have {} successes, the job says {}", carried, now.carried_succeeded));
  }
  // What has no outcome is what is still to do: none after an end that nobody forced.
  const std::uint64_t pending = now.scope - std::min(now.scope, counted.processed());
  const bool decided = now.cancelled || !now.toon_count;
  if (counted.processed() > now.scope || (now.phase >= job::Phase::kReducing && !decided && pending != 0)) {
    tell(fmt::format("{} of {} toons have an outcome, and the job is in phase {}", counted.processed(), now.scope,
                     static_cast<int>(now.phase)));
  }
  if (now.phase == job::Phase::kRunning) Count("pending toons", pending);
}

void Checker::CheckOutcomes() {
  std::string from;
  while (true) {
    std::optional<Uid> next;
    const base::Status read =
        database_.Scan(database_.rows(), from, std::string(9, '\xFF'), [&](std::string_view key, std::string_view) {
          if (key.size() != kOutcomeKeyBytes) {
            // One that begins as a job's rows is told with the job; all are looked past.
            if (key.size() < sizeof(Uid) || !Has(SpecKey(ReadBigEndian64(key)))) {
              Tell({.kind = "unknown-row",
                    .what = fmt::format("no outcome has the key {}", base::ToHex(key.substr(0, 64)))});
            }
            return Database::Walk::kOn;
          }
          next = ReadBigEndian64(key);
          return Database::Walk::kStop;
        });
    if (!read) Tell({.kind = "rows-unreadable", .what = read.error().message});
    if (!next) return;
    if (!Has(SpecKey(*next))) TellOrphan(fmt::format("outcomes of job number {}, which is not there", *next));
    from = AfterPrefix(OutcomePrefix(*next));
  }
}

}  // namespace store
