// Deleting a job: everything it has in any table, in one commit.
#include <algorithm>

#include "store/jobs.h"

namespace store {

namespace {

// Below this many outcomes each row is deleted by itself: a range deletion costs every later read a little.
constexpr std::uint64_t kRowsForRangeDeletion = 2000;

base::Status RemovePrefix(Group& group, const std::string& prefix) {
  Database& database = group.database();
  return database.Scan(database.main(), prefix, AfterPrefix(prefix), [&](std::string_view key, std::string_view) {
    group.Delete(std::string(key));
    return Database::Walk::kOn;
  });
}

base::Status RemoveOutcomes(Group& group, const HotJob& hot) {
  Database& database = group.database();
  const std::string from = OutcomePrefix(hot.uid);
  const std::string to = AfterPrefix(from);
  const bool one_small_generation =
      hot.job.state.generation == 1 && hot.job.counters.processed() < kRowsForRangeDeletion;
  if (!one_small_generation) {
    group.DeleteOutcomes(from, to);
    return {};
  }
  return database.Scan(database.rows(), from, to, [&](std::string_view key, std::string_view) {
    group.DeleteOutcome(key);
    return Database::Walk::kOn;
  });
}

base::Sha256 HashAt(std::string_view key, std::size_t offset) {
  base::Sha256 hash{};
  if (key.size() >= offset + hash.size()) std::copy_n(key.data() + offset, hash.size(), hash.begin());
  return hash;
}

base::Status RemoveReferences(Group& group, const job::JobKey& key, Uid uid) {
  Database& database = group.database();
  const std::string artifacts = JobArtifactPrefix(uid);
  UT_TRY(database.Scan(database.main(), artifacts, AfterPrefix(artifacts), [&](std::string_view row, std::string_view) {
    group.Delete(ArtifactKey(key.tenant, HashAt(row, artifacts.size()), uid));
    group.Delete(std::string(row));
    return Database::Walk::kOn;
  }));
  const std::string reuse = JobReusePrefix(uid);
  return database.Scan(database.main(), reuse, AfterPrefix(reuse),
                       [&](std::string_view row, std::string_view) -> base::Result<Database::Walk> {
                         group.Delete(std::string(row));
                         const std::string entry = ReuseKey(key.tenant, HashAt(row, reuse.size()));
                         UT_TRY_ASSIGN(const auto place_bytes, group.Get(entry));
                         if (!place_bytes) return Database::Walk::kOn;
                         UT_TRY_ASSIGN(const OutcomePlace place, DecodePlace(*place_bytes));
                         if (place.uid == uid) group.Delete(entry);  // a later job may have taken the entry over
                         return Database::Walk::kOn;
                       });
}

base::Status RemoveTies(Group& group, const job::JobKey& key) {
  Database& database = group.database();
  const std::string prefix = JobTiePrefix(key);
  return database.Scan(database.main(), prefix, AfterPrefix(prefix), [&](std::string_view row, std::string_view) {
    group.Delete(TieKey(key, HashAt(row, prefix.size())));
    group.Delete(std::string(row));
    return Database::Walk::kOn;
  });
}

}  // namespace

base::Status RemoveJob(Turn turn, const job::JobKey& key) {
  Group& group = turn.group;
  UT_TRY(RemoveTies(group, key));
  UT_TRY_ASSIGN(const HotJob* hot, turn.hot.Find(key));
  if (hot == nullptr) return {};
  const Uid uid = hot->uid;
  const job::JobSpec& spec = hot->job.spec;
  UT_TRY_ASSIGN(const auto spec_bytes, group.Get(SpecKey(uid)));
  UT_TRY_ASSIGN(const SpecRow row, DecodeSpec(spec_bytes.value_or("")));
  UT_TRY(RemoveOutcomes(group, *hot));
  UT_TRY(RemoveReferences(group, key, uid));
  UT_TRY(RemovePrefix(group, NotePrefix(uid)));
  UT_TRY(RemovePrefix(group, AggregatePrefix(uid)));
  UT_TRY(RemovePrefix(group, PlanPrefix(spec.manifest.blob)));
  if (row.idempotency_key) group.Delete(IdempotencyKey(key.tenant, *row.idempotency_key));
  group.Delete(PhaseIndexKey(hot->job, uid));
  group.Delete(ListKey(key.tenant, spec.submitted_at, key.job.str()));
  group.Delete(StateKey(uid));
  group.Delete(SpecKey(uid));
  group.Delete(JobIndexKey(key));
  turn.hot.Forget(job::JobKey(key));
  return {};
}

}  // namespace store
