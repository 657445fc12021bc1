#include <algorithm>

#include "fakes/bill.h"
#include "fakes/store.h"
#include "ports/blob_store.h"
#include "wire/outcome_codec.h"

namespace fakes {

namespace {
constexpr std::chrono::hours kUploadGrace{24};
}  // namespace

void FakeStore::AddReferencesLocked(const job::JobKey& key, const std::vector<job::Artifact>& artifacts) {
  for (const job::Artifact& artifact : artifacts) {
    auto& owners = references_[{key.tenant, artifact.sha256}];
    const bool known = std::ranges::any_of(owners, [&](const auto& owner) { return owner.first == key; });
    if (!known) owners.emplace_back(key, artifact);
  }
}

base::Status FakeStore::PutUpload(const ports::UploadRecord& upload) {
  if (commit_fault.Strikes()) return ToldToFail();
  const std::lock_guard lock(mutex_);
  uploads_[{upload.tenant, upload.sha256}] = upload;
  return Committed();
}

base::Result<std::optional<ports::UploadRecord>> FakeStore::GetUpload(const job::TenantId& tenant,
                                                                      const base::Sha256& sha256) {
  if (read_fault.Strikes()) return ToldToFail();
  const std::lock_guard lock(mutex_);
  const auto found = uploads_.find({tenant, sha256});
  if (found == uploads_.end()) return std::nullopt;
  return found->second;
}

base::Result<std::optional<job::Artifact>> FakeStore::FindArtifact(const job::TenantId& tenant,
                                                                   const base::Sha256& sha256) {
  if (read_fault.Strikes()) return ToldToFail();
  const std::lock_guard lock(mutex_);
  const auto found = references_.find({tenant, sha256});
  if (found == references_.end() || found->second.empty()) return std::nullopt;
  return found->second.front().second;
}

base::Result<bool> FakeStore::IsReferenced(const job::TenantId& tenant, const base::Sha256& sha256,
                                           base::TimePoint now) {
  if (read_fault.Strikes()) return ToldToFail();
  const std::lock_guard lock(mutex_);
  const TenantAndHash place{tenant, sha256};
  if (const auto upload = uploads_.find(place); upload != uploads_.end()) {
    if (now <= upload->second.expires_at + kUploadGrace) return true;
  }
  if (const auto owners = references_.find(place); owners != references_.end() && !owners->second.empty()) return true;
  if (const auto ties = ties_.find(place); ties != ties_.end()) {
    if (std::ranges::any_of(ties->second, [&](const job::JobKey& key) { return jobs_.contains(key); })) return true;
  }
  const std::string blob = ports::ContentKey(tenant, sha256);
  return std::ranges::any_of(jobs_, [&](const auto& job) { return job.second.job.spec.manifest.blob == blob; });
}

base::Status FakeStore::TieUploads(const job::JobKey& key, const std::vector<base::Sha256>& uploads) {
  if (commit_fault.Strikes()) return ToldToFail();
  const std::lock_guard lock(mutex_);
  Bill bill(limits_);
  for (const base::Sha256& sha256 : uploads) bill.Item(sha256.size() + key.tenant.str().size() + key.job.str().size());
  UT_TRY(bill.Check());
  for (const base::Sha256& sha256 : uploads) {
    auto& owners = ties_[{key.tenant, sha256}];
    if (std::ranges::find(owners, key) == owners.end()) owners.push_back(key);
  }
  return Committed();
}

base::Result<std::vector<std::optional<job::Outcome>>> FakeStore::Find(const job::TenantId& tenant,
                                                                       const std::vector<base::Sha256>& keys) {
  if (read_fault.Strikes()) return ToldToFail();
  const std::lock_guard lock(mutex_);
  std::vector<std::optional<job::Outcome>> found;
  for (const base::Sha256& key : keys) {
    found.emplace_back();
    const auto entry = reuse_.find({tenant, key});
    if (entry == reuse_.end()) continue;
    UT_TRY_ASSIGN(found.back(), wire::DecodeOutcome(jobs_.at(entry->second.key).outcomes.at(entry->second.place).row));
  }
  return found;
}

}  // namespace fakes
