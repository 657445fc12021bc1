#include "api/request_limiter.h"

#include <algorithm>

namespace api {

namespace {

constexpr std::size_t kFewTenants = 1024;  // so many buckets cost nothing worth a sweep

}  // namespace

RequestLimiter::RequestLimiter(std::uint64_t per_second, const base::Clock& clock)
    : clock_(clock), interval_(std::chrono::nanoseconds(std::chrono::seconds(1)) / per_second), drop_at_(kFewTenants) {}

std::optional<std::chrono::seconds> RequestLimiter::Take(const job::TenantId& tenant) {
  const base::SteadyPoint now = clock_.Steady();
  const std::lock_guard lock(mutex_);
  if (full_at_.size() >= drop_at_) DropFull(now);
  base::SteadyPoint& full_at = full_at_[tenant];
  const base::SteadyPoint after = std::max(full_at, now) + interval_;
  if (const auto over = after - now - kBurst; over > over.zero()) {
    refused_ += 1;
    return std::max(std::chrono::seconds(1), std::chrono::ceil<std::chrono::seconds>(over));
  }
  full_at = after;
  return std::nullopt;
}

// The next sweep comes when the buckets have doubled, so that each Take pays for little of it.
void RequestLimiter::DropFull(base::SteadyPoint now) {
  std::erase_if(full_at_, [&](const auto& bucket) { return bucket.second <= now; });
  drop_at_ = std::max(kFewTenants, 2 * full_at_.size());
}

std::uint64_t RequestLimiter::refused() const {
  const std::lock_guard lock(mutex_);
  return refused_;
}

std::size_t RequestLimiter::tenants() const {
  const std::lock_guard lock(mutex_);
  return full_at_.size();
}

}  // namespace api
