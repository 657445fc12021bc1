// ports::QuarantineStore on DynamoDB.
#pragma once

#include <map>

#include "aws/dynamo_rows.h"
#include "ports/quarantine.h"

namespace aws {

// How many entries a tenant has, by work class; never 0. version guards the row, 0: it is not there.
struct QuarantineCount {
  std::uint64_t version = 0;
  std::map<job::WorkClass, std::uint64_t, std::less<>> of;
  [[nodiscard]] std::uint64_t total() const;
};

class DynamoQuarantine final : public ports::QuarantineStore {
 public:
  explicit DynamoQuarantine(DynamoTable& table) : table_(table) {}  // which outlives it

  [[nodiscard]] base::Result<bool> Any(const job::TenantId& tenant, std::string_view work_class) override;
  [[nodiscard]] base::Result<std::vector<std::optional<job::Quarantined>>> Find(
      const job::TenantId& tenant, const std::vector<job::QuarantineKey>& keys) override;
  [[nodiscard]] base::Result<ports::QuarantinePage> List(const job::TenantId& tenant,
                                                         const std::optional<job::QuarantineKey>& after,
                                                         std::size_t limit) override;
  // In commits of up to 99 types each, as far as they went when one fails.
  [[nodiscard]] base::Result<std::size_t> Release(const job::TenantId& tenant, const base::Sha256& sha256) override;

  // Adds what these entries change to a commit, under conditions that fail when others change the same meanwhile.
  // Answers how many are new.
  [[nodiscard]] base::Result<std::uint64_t> AddTo(const job::TenantId& tenant,
                                                  const std::vector<job::Quarantined>& entries,
                                                  std::vector<WriteAction>& actions);

 private:
  [[nodiscard]] base::Result<QuarantineCount> ReadCount(const job::TenantId& tenant);
  [[nodiscard]] WriteAction CountAction(const job::TenantId& tenant, const QuarantineCount& count) const;

  DynamoTable& table_;
};

}  // namespace aws
