#include "aws/dynamo_jobs.h"

#include <fmt/format.h>

#include <utility>

#include "ports/blob_store.h"
#include "wire/row_codec.h"

namespace aws {

namespace {

constexpr int kTries = 8;  // of a commit that met a job on its way out, or a read that met one on its way in

// An uploaded manifest that is used in place; nullopt for a copy under its own key.
std::optional<base::Sha256> UploadedManifest(const job::JobSpec& spec) {
  const auto name = ports::ParseBlobKey(spec.manifest.blob);
  if (!name || !name->content || name->tenant != spec.key.tenant) return std::nullopt;
  return name->content;
}

std::unexpected<base::Error> VersionChanged(const job::JobKey& key) {
  return base::Fail(base::Code::kConflict, fmt::format("job {} changed meanwhile", key.job.str()), "version-changed");
}

// May workers record outcomes?
bool IsOpen(const job::JobState& state) {
  return state.phase != job::Phase::kEnded && !state.cancelled;
}

std::vector<job::Artifact> ArtifactsOf(const std::vector<job::ReduceResult>& results) {
  std::vector<job::Artifact> artifacts;
  for (const job::ReduceResult& result : results) {
    artifacts.insert(artifacts.end(), result.artifacts.begin(), result.artifacts.end());
  }
  return artifacts;
}

}  // namespace

std::vector<WriteAction> DynamoJobs::CreateActions(const ports::NewJob& job, const StoredJob& stored) const {
  const job::JobSpec& spec = job.spec;
  const std::string absent = "attribute_not_exists(pk)";
  std::vector<WriteAction> actions{table_.PutAction(SpecItem(stored), absent),
                                   table_.PutAction(StateItem(stored), absent)};
  for (std::uint32_t shard = 0; shard < stored.shards; ++shard) {
    const Tally tally{.shard = shard, .generation = job.state.generation};
    actions.push_back(table_.PutAction(TallyItem(spec.key, stored.uid, tally), absent));
  }
  if (job.idempotency_key) {
    Item item = KeyItem(IdempotencyPartition(spec.key.tenant, *job.idempotency_key), kIdempotencyRow);
    item["job"] = TextValue(spec.key.job.str());
    item["uid"] = TextValue(stored.uid);
    actions.push_back(table_.PutAction(std::move(item), absent));
  }
  // No condition: the same manifest may have been planned for an earlier job.
  if (!job.first_page.empty() || spec.manifest_uploaded) {
    Item item = KeyItem(PlanPartition(spec.manifest.blob), PlanRow(1, 0));
    item["v"] = BinaryValue(wire::EncodeSegments(job.first_page));
    actions.push_back(table_.PutAction(std::move(item)));
  }
  if (const auto sha256 = UploadedManifest(spec)) {
    for (Item& item : TieItems(spec.key, *sha256)) actions.push_back(table_.PutAction(std::move(item)));
  }
  return actions;
}

base::Result<std::optional<DynamoJobs::Earlier>> DynamoJobs::FindEarlier(const ports::NewJob& job) {
  const job::JobKey& key = job.spec.key;
  if (job.idempotency_key) {
    UT_TRY_ASSIGN(const auto row, table_.Get(IdempotencyPartition(key.tenant, *job.idempotency_key), kIdempotencyRow));
    if (row) {
      UT_TRY_ASSIGN(std::string id, TextAt(*row, "job"));
      UT_TRY_ASSIGN(auto named, ReadJob(table_, {.tenant = key.tenant, .job = job::JobId(std::move(id))}));
      if (named) return Earlier{.job = std::move(*named), .reason = "idempotency-key-taken"};
    }
  }
  UT_TRY_ASSIGN(auto taken, ReadJob(table_, key));
  if (!taken) return std::nullopt;
  return Earlier{.job = std::move(*taken), .reason = "job-id-taken"};
}

base::Result<ports::CreateAnswer> DynamoJobs::Create(const ports::NewJob& job) {
  StoredJob stored{.job = {.spec = job.spec, .state = job.state, .counters = {}},
                   .uid = NewUid(table_.Now(), table_.random()),
                   .idempotency_key = job.idempotency_key,
                   .shards = ShardsFor(job.state.toon_count)};
  std::vector<WriteAction> actions = CreateActions(job, stored);
  AddEvents(table_, job.events, actions);
  UT_TRY(CheckLimits(actions, limits_));
  for (int attempt = 0; attempt < kTries; ++attempt) {
    if (attempt > 0) table_.PauseBefore(attempt - 1);
    UT_TRY_ASSIGN(const CancelReasons reasons, table_.Commit(actions));
    if (reasons.empty()) return ports::CreateAnswer{.kind = ports::CreateAnswer::Kind::kCreated, .job = stored.job};
    UT_TRY_ASSIGN(auto earlier, FindEarlier(job));
    if (!earlier) continue;  // it went meanwhile
    if (earlier->job.going) {
      UT_TRY(Remove(earlier->job));
      continue;
    }
    const job::Job& known = earlier->job.job;
    if (known.spec.payload_sha256 == job.spec.payload_sha256) {
      return ports::CreateAnswer{.kind = ports::CreateAnswer::Kind::kSame, .job = known};
    }
    return base::Fail(base::Code::kConflict,
                      fmt::format("job {} was submitted with another payload", known.spec.key.job.str()),
                      earlier->reason);
  }
  return base::Fail(base::Code::kUnavailable, fmt::format("job {} comes and goes", job.spec.key.job.str()));
}

base::Result<std::optional<job::Job>> DynamoJobs::Get(const job::JobKey& key) {
  UT_TRY_ASSIGN(auto stored, ReadJob(table_, key));
  if (!stored || stored->going) return std::nullopt;
  return std::move(stored->job);
}

// The state, and the tallies where the step lets workers record, or no longer.
std::vector<WriteAction> DynamoJobs::UpdateActions(const StoredJob& before, const StoredJob& after) const {
  const job::JobState& old = before.job.state;
  const job::JobState& next = after.job.state;
  const Value uid = TextValue(before.uid);
  std::vector<WriteAction> actions{
      table_.PutAction(StateItem(after), "#version = :version AND #uid = :uid AND attribute_not_exists(#going)",
                       {{":version", NumberValue(static_cast<std::int64_t>(old.version))}, {":uid", uid}})};
  std::string update;
  Item values{{":uid", uid}, {":one", NumberValue(1)}};
  if (next.generation != old.generation) {
    update = "SET #version = #version + :one, #generation = :generation, #succeeded = :zero, #failed = :zero";
    values[":generation"] = NumberValue(next.generation);
    values[":zero"] = NumberValue(0);
    if (IsOpen(next)) update += " REMOVE #closed";
  } else if (IsOpen(next) != IsOpen(old)) {
    update = "SET #version = #version + :one";
    update += IsOpen(next) ? " REMOVE #closed" : ", #closed = :one";
  }
  if (update.empty()) return actions;
  const std::string partition = JobPartition(after.job.spec.key);
  for (std::uint32_t shard = 0; shard < before.shards; ++shard) {
    actions.push_back(table_.UpdateAction(KeyItem(partition, TallyRow(shard)), update, "#uid = :uid", values));
  }
  return actions;
}

base::Result<job::Job> DynamoJobs::Update(const job::JobKey& key, const job::JobState& next,
                                          const std::vector<ports::OutboxEvent>& events) {
  UT_TRY_ASSIGN(const auto before, ReadJob(table_, key));
  if (!before || before->going) return NoSuchJob(key);
  if (before->job.state.version + 1 != next.version) return VersionChanged(key);
  if (next.generation < before->job.state.generation) {
    return base::Fail(base::Code::kInternal, fmt::format("job {} is to go back a generation", key.job.str()));
  }
  StoredJob after = *before;
  after.job.state = next;
  std::vector<WriteAction> actions = UpdateActions(*before, after);
  AddEvents(table_, events, actions);
  UT_TRY(CheckLimits(actions, limits_));
  UT_TRY(references_.Add(key.tenant, before->uid, {.artifacts = ArtifactsOf(next.reduced)}));
  UT_TRY_ASSIGN(const CancelReasons reasons, table_.Commit(actions));
  UT_TRY_ASSIGN(auto now, ReadJob(table_, key));
  if (!now || now->going || now->uid != before->uid) {
    UT_TRY(references_.Remove(key.tenant, before->uid));  // its deletion may have missed what was just added
    if (!reasons.empty()) return NoSuchJob(key);
    return std::move(after.job);
  }
  if (!reasons.empty()) return VersionChanged(key);
  // Others may have gone on since: the answer is this step's state, with what is counted of its generation.
  const bool same_generation = now->job.state.generation == next.generation;
  after.job.counters = same_generation ? now->job.counters : job::Counters{};
  return std::move(after.job);
}

base::Status DynamoJobs::PutPage(const job::ManifestRef& manifest, job::Generation generation, std::uint32_t page,
                                 const std::vector<job::Segment>& segments) {
  Item item = KeyItem(PlanPartition(manifest.blob), PlanRow(generation, page));
  item["v"] = BinaryValue(wire::EncodeSegments(segments));
  UT_TRY(CheckLimits({table_.PutAction(item)}, limits_));
  return table_.Put({std::move(item)});
}

base::Result<std::optional<std::vector<job::Segment>>> DynamoJobs::ReadPage(const job::ManifestRef& manifest,
                                                                            job::Generation generation,
                                                                            std::uint32_t page) {
  UT_TRY_ASSIGN(const auto row, table_.Get(PlanPartition(manifest.blob), PlanRow(generation, page)));
  if (!row) return std::nullopt;
  UT_TRY_ASSIGN(const std::string bytes, BytesAt(*row, "v"));
  UT_TRY_ASSIGN(auto segments, wire::DecodeSegments(bytes));
  return segments;
}

}  // namespace aws
