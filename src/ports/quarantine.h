// Bytes that killed whoever decoded them, per tenant. OutcomeStore::Record adds them, in the commit of the outcome that
// says so; they outlive their job and go only when they are released. Thread-safe; calls block on the store; errors as
// in ports/job_store.h.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "job/types.h"

namespace ports {

struct QuarantinePage {
  std::vector<job::Quarantined> entries;  // ascending by key
  bool more = false;                      // go on after the last one's key
};

class QuarantineStore {
 public:
  virtual ~QuarantineStore() = default;
  // Has the tenant any bytes in quarantine whose type is of this class? Cheap: asked for every chunk.
  [[nodiscard]] virtual base::Result<bool> Any(const job::TenantId& tenant, std::string_view work_class) = 0;
  // One answer per key.
  [[nodiscard]] virtual base::Result<std::vector<std::optional<job::Quarantined>>> Find(
      const job::TenantId& tenant, const std::vector<job::QuarantineKey>& keys) = 0;
  // Entries with a key after `after` (nullopt: from the first), at most limit (at least 1).
  [[nodiscard]] virtual base::Result<QuarantinePage> List(const job::TenantId& tenant,
                                                          const std::optional<job::QuarantineKey>& after,
                                                          std::size_t limit) = 0;
  // Releases these bytes as every type. Answers how many entries that were; 0: none.
  [[nodiscard]] virtual base::Result<std::size_t> Release(const job::TenantId& tenant, const base::Sha256& sha256) = 0;
};

}  // namespace ports
