// A token bucket per tenant: requests pass at a steady rate, and for a while faster after a pause.
//
// Kept as one time per tenant, the moment at which its bucket is full again (the generic cell rate algorithm, ITU-T
// I.371). Thread-safe; never blocks for long.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <unordered_map>

#include "base/clock.h"
#include "job/types.h"

namespace api {

class RequestLimiter {
 public:
  // A bucket holds what arrives in so long: a page that loads twenty things at once is no flood.
  static constexpr std::chrono::seconds kBurst{2};

  // `per_second` is at least 1. The clock outlives it.
  RequestLimiter(std::uint64_t per_second, const base::Clock& clock);

  // nullopt: the request passes and is counted. Else it must not; one that comes after so long passes, if the tenant
  // sends no others meanwhile. At least one second, as Retry-After has no fractions.
  [[nodiscard]] std::optional<std::chrono::seconds> Take(const job::TenantId& tenant);
  // How many did not pass.
  [[nodiscard]] std::uint64_t refused() const;
  // Tenants that a bucket is kept of: full ones are dropped now and then.
  [[nodiscard]] std::size_t tenants() const;

 private:
  void DropFull(base::SteadyPoint now);

  const base::Clock& clock_;
  const std::chrono::nanoseconds interval_;  // between two requests at the steady rate
  mutable std::mutex mutex_;
  std::unordered_map<job::TenantId, base::SteadyPoint> full_at_;  // guarded by mutex_
  std::size_t drop_at_;                                           // guarded by mutex_
  std::uint64_t refused_ = 0;                                     // guarded by mutex_
};

}  // namespace api
