// Deleting a job: out of sight in one commit, then everything it had, its own rows last.
#include <fmt/format.h>

#include <utility>

#include "aws/dynamo_jobs.h"

namespace aws {

namespace {

using Walk = DynamoTable::Walk;

constexpr std::size_t kRemovedAtOnce = 100;

}  // namespace

// False: the job changed. After it nobody records, lists or updates the job; Expired finds it as long overdue.
base::Result<bool> DynamoJobs::MarkGoing(const StoredJob& stored) {
  const std::string partition = JobPartition(stored.job.spec.key);
  const Value uid = TextValue(stored.uid);
  const Item values{{":uid", uid}, {":one", NumberValue(1)}};
  Item mark = values;
  mark[":version"] = NumberValue(static_cast<std::int64_t>(stored.job.state.version));
  mark[":key"] = TextValue(fmt::format("own#{}", PartOf(partition, kDueParts)));
  mark[":due"] = TextValue(fmt::format("{}#{}", TimeText(base::TimePoint{}), partition));
  std::vector<WriteAction> actions{table_.UpdateAction(
      KeyItem(partition, kStateRow), "SET #going = :one, #dueKey = :key, #due = :due REMOVE #tenantKey, #order",
      "#version = :version AND #uid = :uid", mark)};
  for (std::uint32_t shard = 0; shard < stored.shards; ++shard) {
    actions.push_back(table_.UpdateAction(KeyItem(partition, TallyRow(shard)),
                                          "SET #version = #version + :one, #closed = :one", "#uid = :uid", values));
  }
  UT_TRY_ASSIGN(const CancelReasons reasons, table_.Commit(actions));
  return reasons.empty();
}

base::Status DynamoJobs::Delete(const job::JobKey& key, std::uint64_t version) {
  UT_TRY_ASSIGN(auto stored, ReadJob(table_, key));
  if (!stored) return {};
  const auto changed = [&]() -> base::Status {
    return base::Fail(base::Code::kConflict, fmt::format("job {} changed meanwhile", key.job.str()), "version-changed");
  };
  if (stored->job.state.version != version) return changed();
  if (!stored->going) {
    UT_TRY_ASSIGN(const bool marked, MarkGoing(*stored));
    if (!marked) return changed();
    UT_TRY_ASSIGN(stored, ReadJob(table_, key));  // with what was recorded just before
    if (!stored || !stored->going) return {};     // somebody else has ended it
  }
  return Remove(*stored);
}

base::Status DynamoJobs::RemoveQueried(Query query) {
  std::vector<Item> keys;
  UT_TRY(table_.Scan(DynamoTable::KeysOnly(std::move(query)), [&](Item& key) -> base::Result<Walk> {
    keys.push_back(std::move(key));
    if (keys.size() >= kRemovedAtOnce) UT_TRY(table_.Delete(std::exchange(keys, {})));
    return Walk::kOn;
  }));
  return table_.Delete(keys);
}

base::Status DynamoJobs::RemoveTies(const job::JobKey& key) {
  std::vector<Item> by_upload;
  std::vector<Item> by_job;
  const auto flush = [&]() -> base::Status {
    UT_TRY(table_.Delete(std::exchange(by_upload, {})));
    return table_.Delete(std::exchange(by_job, {}));  // last: what is not noted is never found again
  };
  Query query = DynamoTable::KeysOnly(table_.Prefixed(JobPartition(key), kTiePrefix));
  UT_TRY(table_.Scan(std::move(query), [&](Item& row) -> base::Result<Walk> {
    UT_TRY_ASSIGN(const std::string tie, TextAt(row, "sk"));
    const auto sha256 = base::Sha256FromHex(std::string_view(tie).substr(kTiePrefix.size()));
    if (!sha256) return base::Fail(base::Code::kCorrupt, "tie " + tie + " names no upload");
    std::vector<Item> items = TieItems(key, *sha256);
    by_upload.push_back(std::move(items[0]));
    by_job.push_back(std::move(items[1]));
    if (by_job.size() >= kRemovedAtOnce) UT_TRY(flush());
    return Walk::kOn;
  }));
  return flush();
}

// The rows that say that the job is there, if they are still this job's.
base::Status DynamoJobs::RemoveRows(const StoredJob& stored) {
  const job::JobKey& key = stored.job.spec.key;
  const std::string partition = JobPartition(key);
  const Item values{{":uid", TextValue(stored.uid)}};
  const std::string mine = "#uid = :uid";
  std::vector<WriteAction> actions{table_.DeleteAction(KeyItem(partition, kSpecRow), mine, values),
                                   table_.DeleteAction(KeyItem(partition, kStateRow), mine, values)};
  for (std::uint32_t shard = 0; shard < stored.shards; ++shard) {
    actions.push_back(table_.DeleteAction(KeyItem(partition, TallyRow(shard)), mine, values));
  }
  if (stored.idempotency_key) {
    actions.push_back(table_.DeleteAction(
        KeyItem(IdempotencyPartition(key.tenant, *stored.idempotency_key), kIdempotencyRow), mine, values));
  }
  // A failed condition: another deletion has come to its end first.
  const auto done = table_.Commit(actions);
  if (!done) return std::unexpected(done.error());
  return {};
}

base::Status DynamoJobs::Remove(const StoredJob& stored) {
  const job::JobKey& key = stored.job.spec.key;
  UT_TRY(references_.Remove(key.tenant, stored.uid));
  const std::uint64_t pieces = (stored.end() + kPositionsPerPiece - 1) / kPositionsPerPiece;
  for (job::Generation generation = 1; generation <= stored.job.state.generation; ++generation) {
    UT_TRY(RemoveQueried(table_.All(NotePartition(stored.uid, generation))));
    for (std::uint64_t piece = 0; piece < pieces; ++piece) {
      UT_TRY(RemoveQueried(table_.All(OutcomePartition(stored.uid, generation, piece))));
    }
  }
  UT_TRY(RemoveQueried(table_.All(PlanPartition(stored.job.spec.manifest.blob))));
  UT_TRY(RemoveTies(key));
  UT_TRY(RemoveQueried(table_.Prefixed(JobPartition(key), PartialPrefix(stored.uid))));
  return RemoveRows(stored);
}

}  // namespace aws
