#include "store/jobs.h"

#include <fmt/format.h>

#include <algorithm>

#include "ports/blob_store.h"

namespace store {

namespace {

// The hash of an uploaded manifest that is used in place; nullopt for a copy under its own key.
std::optional<base::Sha256> UploadedManifest(const job::JobSpec& spec) {
  constexpr std::size_t kHexDigits = 64;
  const std::string& blob = spec.manifest.blob;
  if (blob.size() < kHexDigits) return std::nullopt;
  const auto sha256 = base::Sha256FromHex(std::string_view(blob).substr(blob.size() - kHexDigits));
  if (!sha256 || ports::ContentKey(spec.key.tenant, *sha256) != blob) return std::nullopt;
  return sha256;
}

base::Result<ports::CreateAnswer> SameOrTaken(Turn turn, const job::JobKey& known, const ports::NewJob& wanted,
                                              std::string_view reason) {
  UT_TRY_ASSIGN(const HotJob* hot, turn.hot.Find(known));
  if (hot == nullptr) return base::Fail(base::Code::kCorrupt, "an idempotency key names an absent job");
  if (hot->job.spec.payload_sha256 != wanted.spec.payload_sha256) {
    return base::Fail(base::Code::kConflict, fmt::format("job {} was submitted with another payload", known.job.str()),
                      std::string(reason));
  }
  return ports::CreateAnswer{.kind = ports::CreateAnswer::Kind::kSame, .job = hot->job};
}

void PutNewJob(Group& group, const ports::NewJob& job) {
  const Uid uid = group.NextSequence();
  const job::JobSpec& spec = job.spec;
  group.Put(JobIndexKey(spec.key), EncodeNumber(uid));
  group.Put(SpecKey(uid), EncodeSpec({.spec = spec, .idempotency_key = job.idempotency_key}));
  group.Put(StateKey(uid), EncodeState({.state = job.state, .counters = {}}));
  group.Put(ListKey(spec.key.tenant, spec.submitted_at, spec.key.job.str()), EncodeNumber(uid));
  group.Put(PhaseIndexKey({.spec = spec, .state = job.state, .counters = {}}, uid), "");
  if (job.idempotency_key) group.Put(IdempotencyKey(spec.key.tenant, *job.idempotency_key), spec.key.job.str());
  if (!job.first_page.empty() || spec.manifest_uploaded)
    group.Put(PlanKey(spec.manifest.blob, 1, 0), EncodeSegments(job.first_page));
  if (const auto sha256 = UploadedManifest(spec)) {
    group.Put(TieKey(spec.key, *sha256), "");
    group.Put(JobTieKey(spec.key, *sha256), "");
  }
  PutEvents(group, job.events);
}

base::Result<ports::CreateAnswer> CreateOn(Turn turn, const ports::NewJob& job) {
  const job::JobKey& key = job.spec.key;
  if (job.idempotency_key) {
    UT_TRY_ASSIGN(const auto known, turn.group.Get(IdempotencyKey(key.tenant, *job.idempotency_key)));
    if (known) {
      return SameOrTaken(turn, {.tenant = key.tenant, .job = job::JobId(*known)}, job, "idempotency-key-taken");
    }
  }
  UT_TRY_ASSIGN(const auto taken, turn.group.Get(JobIndexKey(key)));
  if (taken) return SameOrTaken(turn, key, job, "job-id-taken");
  PutNewJob(turn.group, job);
  return ports::CreateAnswer{.kind = ports::CreateAnswer::Kind::kCreated,
                             .job = {.spec = job.spec, .state = job.state, .counters = {}}};
}

void StartGeneration(HotJob& hot) {
  hot.job.counters = {};
  hot.recorded.Clear();
  hot.notes.clear();
}

std::unexpected<base::Error> VersionChanged(const job::JobKey& key) {
  return base::Fail(base::Code::kConflict, fmt::format("job {} changed meanwhile", key.job.str()), "version-changed");
}

base::Result<job::Job> UpdateOn(Turn turn, const job::JobKey& key, const job::JobState& next,
                                const std::vector<ports::OutboxEvent>& events) {
  UT_TRY_ASSIGN(HotJob * hot, turn.hot.Find(key));
  if (hot == nullptr) return base::Fail(base::Code::kNotFound, "no job " + key.job.str());
  job::Job& job = hot->job;
  if (job.state.version + 1 != next.version) return VersionChanged(key);
  if (next.generation < job.state.generation) {
    return base::Fail(base::Code::kInternal, fmt::format("job {} is to go back a generation", key.job.str()));
  }
  std::vector<job::Artifact> named;
  for (const job::ReduceResult& result : next.reduced) {
    named.insert(named.end(), result.artifacts.begin(), result.artifacts.end());
  }
  UT_TRY_ASSIGN(const auto references, NewReferences(turn.group, *hot, named));
  const std::string index_before = PhaseIndexKey(job, hot->uid);
  if (next.generation > job.state.generation) StartGeneration(*hot);
  job.state = next;
  hot->state_dirty = true;
  if (const std::string index_after = PhaseIndexKey(job, hot->uid); index_after != index_before) {
    turn.group.Delete(index_before);
    turn.group.Put(index_after, "");
  }
  PutReferences(turn.group, *hot, references);
  PutEvents(turn.group, events);
  return job;
}

base::Result<bool> DeleteOn(Turn turn, const job::JobKey& key, std::uint64_t version) {
  UT_TRY_ASSIGN(const HotJob* hot, turn.hot.Find(key));
  if (hot != nullptr && hot->job.state.version != version) return VersionChanged(key);
  if (const base::Status removed = RemoveJob(turn, key); !removed) turn.group.Spoil(removed.error());
  return true;
}

std::size_t EventBytes(const std::vector<ports::OutboxEvent>& events) {
  std::size_t bytes = 0;
  for (const ports::OutboxEvent& event : events) bytes += event.body_json.size() + 128;
  return bytes;
}

}  // namespace

std::string PhaseIndexKey(const job::Job& job, Uid uid) {
  if (job.state.phase != job::Phase::kEnded) return UnfinishedKey(job.spec.submitted_at, uid);
  const base::TimePoint ended = job.state.completed_at.value_or(job.state.updated_at);
  if (job.spec.retention) return ExpiryKey(ExpiryKind::kOwnRetention, ended + *job.spec.retention, uid);
  return ExpiryKey(ExpiryKind::kDefaultRetention, ended, uid);
}

void PutEvents(Group& group, const std::vector<ports::OutboxEvent>& events) {
  for (const ports::OutboxEvent& event : events) {
    const std::string id = event.id.empty() ? fmt::format("{:016x}", group.NextSequence()) : event.id;
    group.Put(OutboxKey(id), EncodeEvent(event));
  }
}

base::Result<ports::CreateAnswer> RocksJobs::Create(const ports::NewJob& job) {
  const std::size_t bytes = job.spec.metadata_json.size() + job.spec.operations_json.size() +
                            job.first_page.size() * sizeof(job::Segment) + EventBytes(job.events) + 1024;
  return committer_.Run<ports::CreateAnswer>(bytes, Grouping::kShared, [&](Turn turn) { return CreateOn(turn, job); });
}

base::Result<job::Job> RocksJobs::Update(const job::JobKey& key, const job::JobState& next,
                                         const std::vector<ports::OutboxEvent>& events) {
  return committer_.Run<job::Job>(EventBytes(events) + 1024, Grouping::kShared,
                                  [&](Turn turn) { return UpdateOn(turn, key, next, events); });
}

base::Status RocksJobs::Delete(const job::JobKey& key, std::uint64_t version) {
  const auto done = committer_.Run<bool>(0, Grouping::kAlone, [&](Turn turn) { return DeleteOn(turn, key, version); });
  if (!done) return std::unexpected(done.error());
  return {};
}

base::Result<std::optional<job::Job>> RocksJobs::Get(const job::JobKey& key) {
  // A job deleted and made again between two reads shows as an index entry without rows: look once more.
  for (int attempt = 0; attempt < 3; ++attempt) {
    UT_TRY_ASSIGN(const auto uid, database_.FindUid(key));
    if (!uid) return std::nullopt;
    UT_TRY_ASSIGN(auto job, database_.LoadJob(*uid));
    if (job) return job;
  }
  return std::nullopt;
}

base::Status RocksJobs::PutPage(const job::ManifestRef& manifest, job::Generation generation, std::uint32_t page,
                                const std::vector<job::Segment>& segments) {
  std::string row = EncodeSegments(segments);
  const auto done = committer_.Run<bool>(row.size(), Grouping::kShared, [&](Turn turn) -> base::Result<bool> {
    turn.group.Put(PlanKey(manifest.blob, generation, page), std::move(row));
    return true;
  });
  if (!done) return std::unexpected(done.error());
  return {};
}

base::Result<std::optional<std::vector<job::Segment>>> RocksJobs::ReadPage(const job::ManifestRef& manifest,
                                                                           job::Generation generation,
                                                                           std::uint32_t page) {
  UT_TRY_ASSIGN(const auto row, database_.Get(PlanKey(manifest.blob, generation, page)));
  if (!row) return std::nullopt;
  UT_TRY_ASSIGN(auto segments, DecodeSegments(*row));
  return segments;
}

}  // namespace store
