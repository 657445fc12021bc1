// ports::QuarantineStore on RocksDB, and the part of a Record that fills it.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ports/quarantine.h"
#include "store/committer.h"

namespace store {

class RocksQuarantine final : public ports::QuarantineStore {
 public:
  RocksQuarantine(Database& database, Committer& committer) : database_(database), committer_(committer) {}

  [[nodiscard]] base::Result<bool> Any(const job::TenantId& tenant, std::string_view work_class) override;
  [[nodiscard]] base::Result<std::vector<std::optional<job::Quarantined>>> Find(
      const job::TenantId& tenant, const std::vector<job::QuarantineKey>& keys) override;
  [[nodiscard]] base::Result<ports::QuarantinePage> List(const job::TenantId& tenant,
                                                         const std::optional<job::QuarantineKey>& after,
                                                         std::size_t limit) override;
  [[nodiscard]] base::Result<std::size_t> Release(const job::TenantId& tenant, const base::Sha256& sha256) override;

 private:
  Database& database_;
  Committer& committer_;
};

// What a commit's entries change: computed first, put once nothing can fail any more. On the committer's thread.
struct QuarantineChange {
  std::map<std::string, std::string> rows;  // by key
  QuarantineCounts counts;                  // all of the tenant's, after it
  std::uint64_t added = 0;
};
[[nodiscard]] base::Result<QuarantineChange> QuarantineChangeOf(Group& group, const job::TenantId& tenant,
                                                                const std::vector<job::Quarantined>& entries);
void PutQuarantine(Group& group, const job::TenantId& tenant, QuarantineChange change);

}  // namespace store
