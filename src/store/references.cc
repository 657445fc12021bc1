#include "store/references.h"

#include <set>

#include "store/jobs.h"
#include "wire/outcome_codec.h"

namespace store {

namespace {

base::Status Done(const base::Result<bool>& result) {
  if (!result) return std::unexpected(result.error());
  return {};
}

}  // namespace

base::Result<std::vector<job::Artifact>> NewReferences(Group& group, const HotJob& hot,
                                                       const std::vector<job::Artifact>& artifacts) {
  std::vector<job::Artifact> fresh;
  std::set<base::Sha256> seen;
  for (const job::Artifact& artifact : artifacts) {
    if (!seen.insert(artifact.sha256).second) continue;
    UT_TRY_ASSIGN(const auto known, group.Get(JobArtifactKey(hot.uid, artifact.sha256)));
    if (!known) fresh.push_back(artifact);
  }
  return fresh;
}

void PutReferences(Group& group, const HotJob& hot, const std::vector<job::Artifact>& artifacts) {
  for (const job::Artifact& artifact : artifacts) {
    group.Put(ArtifactKey(hot.job.spec.key.tenant, artifact.sha256, hot.uid), EncodeArtifact(artifact));
    group.Put(JobArtifactKey(hot.uid, artifact.sha256), "");
  }
}

base::Status RocksReferences::PutUpload(const ports::UploadRecord& upload) {
  return Done(committer_.Run<bool>(256, Grouping::kShared, [&](Turn turn) -> base::Result<bool> {
    turn.group.Put(UploadKey(upload.tenant, upload.sha256), EncodeUpload(upload));
    return true;
  }));
}

base::Result<std::optional<ports::UploadRecord>> RocksReferences::GetUpload(const job::TenantId& tenant,
                                                                            const base::Sha256& sha256) {
  UT_TRY_ASSIGN(const auto row, database_.Get(UploadKey(tenant, sha256)));
  if (!row) return std::nullopt;
  UT_TRY_ASSIGN(auto upload, DecodeUpload(tenant, sha256, *row));
  return upload;
}

base::Result<std::optional<job::Artifact>> RocksReferences::FindArtifact(const job::TenantId& tenant,
                                                                         const base::Sha256& sha256) {
  std::optional<job::Artifact> first;
  const std::string prefix = ArtifactPrefix(tenant, sha256);
  UT_TRY(database_.Scan(database_.main(), prefix, AfterPrefix(prefix),
                        [&](std::string_view, std::string_view value) -> base::Result<Database::Walk> {
                          UT_TRY_ASSIGN(first, DecodeArtifact(sha256, value));
                          return Database::Walk::kStop;
                        }));
  return first;
}

base::Result<bool> RocksReferences::IsTied(const job::TenantId& tenant, const base::Sha256& sha256) {
  bool tied = false;
  const std::string prefix = TiePrefix(tenant, sha256);
  // A tie counts while its job is there: one made before a submission that was then refused holds nothing.
  UT_TRY(database_.Scan(database_.main(), prefix, AfterPrefix(prefix),
                        [&](std::string_view key, std::string_view) -> base::Result<Database::Walk> {
                          const job::JobKey owner{.tenant = tenant, .job = job::JobId(key.substr(prefix.size()))};
                          UT_TRY_ASSIGN(const auto uid, database_.FindUid(owner));
                          tied = uid.has_value();
                          return tied ? Database::Walk::kStop : Database::Walk::kOn;
                        }));
  return tied;
}

base::Result<bool> RocksReferences::IsReferenced(const job::TenantId& tenant, const base::Sha256& sha256,
                                                 base::TimePoint now) {
  UT_TRY_ASSIGN(const auto upload, GetUpload(tenant, sha256));
  if (upload && now <= upload->expires_at + upload_grace_) return true;
  UT_TRY_ASSIGN(const auto artifact, FindArtifact(tenant, sha256));
  if (artifact) return true;
  return IsTied(tenant, sha256);
}

base::Status RocksReferences::TieUploads(const job::JobKey& key, const std::vector<base::Sha256>& uploads) {
  if (uploads.empty()) return {};
  constexpr std::size_t kBytesPerTie = 256;
  return Done(
      committer_.Run<bool>(uploads.size() * kBytesPerTie, Grouping::kShared, [&](Turn turn) -> base::Result<bool> {
        for (const base::Sha256& sha256 : uploads) {
          turn.group.Put(TieKey(key, sha256), "");
          turn.group.Put(JobTieKey(key, sha256), "");
        }
        return true;
      }));
}

base::Result<std::optional<job::Outcome>> RocksReferences::FindOne(const job::TenantId& tenant,
                                                                   const base::Sha256& key) {
  UT_TRY_ASSIGN(const auto entry, database_.Get(ReuseKey(tenant, key)));
  if (!entry) return std::nullopt;
  UT_TRY_ASSIGN(const OutcomePlace place, DecodePlace(*entry));
  UT_TRY_ASSIGN(const auto value, database_.GetRow(OutcomeKey(place.uid, place.generation, place.position)));
  if (!value) return std::nullopt;  // its job is being deleted
  UT_TRY_ASSIGN(const auto row, DecodeOutcomeRow(place.position, *value));
  UT_TRY_ASSIGN(auto outcome, wire::DecodeOutcome(row.row));
  return outcome;
}

base::Result<std::vector<std::optional<job::Outcome>>> RocksReferences::Find(const job::TenantId& tenant,
                                                                             const std::vector<base::Sha256>& keys) {
  std::vector<std::optional<job::Outcome>> found;
  found.reserve(keys.size());
  for (const base::Sha256& key : keys) {
    UT_TRY_ASSIGN(auto outcome, FindOne(tenant, key));
    found.push_back(std::move(outcome));
  }
  return found;
}

base::Result<std::vector<ports::OutboxEvent>> RocksOutbox::Pending(std::string_view after_id, std::size_t limit) {
  std::vector<ports::OutboxEvent> events;
  std::string from = OutboxKey(after_id);
  const std::size_t id_at = 1;
  if (!after_id.empty()) from.push_back('\0');  // the key right after it
  UT_TRY(database_.Scan(database_.main(), from, AfterPrefix(OutboxKey("")),
                        [&](std::string_view key, std::string_view value) -> base::Result<Database::Walk> {
                          if (events.size() >= limit) return Database::Walk::kStop;
                          UT_TRY_ASSIGN(auto event, DecodeEvent(key.substr(id_at), value));
                          events.push_back(std::move(event));
                          return Database::Walk::kOn;
                        }));
  return events;
}

base::Status RocksOutbox::Done(std::string_view id) {
  return store::Done(committer_.Run<bool>(64, Grouping::kShared, [&](Turn turn) -> base::Result<bool> {
    turn.group.Delete(OutboxKey(id));
    return true;
  }));
}

}  // namespace store
