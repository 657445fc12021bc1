#include <algorithm>

#include "fakes/bill.h"
#include "fakes/store.h"
#include "job/limits.h"

namespace fakes {

std::uint64_t FakeStore::AddQuarantinedLocked(const ports::RecordCommit& commit) {
  std::uint64_t added = 0;
  auto& entries = quarantine_[commit.key.tenant];
  for (const job::Quarantined& entry : commit.quarantined) {
    const bool known = entries.contains(entry.bytes);
    if (!known && entries.size() >= job::kMaxQuarantinedPerTenant) continue;
    entries[entry.bytes] = entry;
    added += known ? 0 : 1;
  }
  return added;
}

base::Result<bool> FakeStore::Any(const job::TenantId& tenant, std::string_view work_class) {
  if (read_fault.Strikes()) return ToldToFail();
  const std::lock_guard lock(mutex_);
  return std::ranges::any_of(quarantine_[tenant],
                             [&](const auto& entry) { return job::WorkClassOf(entry.first.type) == work_class; });
}

base::Result<std::vector<std::optional<job::Quarantined>>> FakeStore::Find(
    const job::TenantId& tenant, const std::vector<job::QuarantineKey>& keys) {
  if (read_fault.Strikes()) return ToldToFail();
  const std::lock_guard lock(mutex_);
  std::vector<std::optional<job::Quarantined>> found;
  const auto& entries = quarantine_[tenant];
  for (const job::QuarantineKey& key : keys) {
    const auto at = entries.find(key);
    found.push_back(at == entries.end() ? std::nullopt : std::optional(at->second));
  }
  return found;
}

base::Result<ports::QuarantinePage> FakeStore::List(const job::TenantId& tenant,
                                                    const std::optional<job::QuarantineKey>& after, std::size_t limit) {
  if (read_fault.Strikes()) return ToldToFail();
  const std::lock_guard lock(mutex_);
  ports::QuarantinePage page;
  const auto& entries = quarantine_[tenant];
  auto at = after ? entries.upper_bound(*after) : entries.begin();
  for (; at != entries.end() && page.entries.size() < limit; ++at) page.entries.push_back(at->second);
  page.more = at != entries.end();
  return page;
}

base::Result<std::size_t> FakeStore::Release(const job::TenantId& tenant, const base::Sha256& sha256) {
  if (commit_fault.Strikes()) return ToldToFail();
  const std::lock_guard lock(mutex_);
  const std::size_t released =
      std::erase_if(quarantine_[tenant], [&](const auto& entry) { return entry.first.sha256 == sha256; });
  UT_TRY(Committed());
  return released;
}

}  // namespace fakes
