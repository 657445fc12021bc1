#include "aws/credentials.h"

#include <utility>

namespace aws {

bool CachedCredentials::EndsWithin(std::chrono::microseconds span) const {
  return !current_ || (current_->expires_at && *current_->expires_at - clock_.Now() <= span);
}

base::Result<Credentials> CachedCredentials::Get() {
  std::unique_lock lock(mutex_);
  for (;;) {
    const bool usable = !EndsWithin(std::chrono::microseconds(0));
    if (usable && !EndsWithin(kRenewAhead) && current_) return *current_;
    const bool pausing = not_before_ && clock_.Steady() < *not_before_;
    if (usable && (renewing_ || pausing) && current_) return *current_;
    if (!renewing_) return Renew(lock);
    renewed_.wait(lock, [&] { return !renewing_; });  // the renewal's requests have time-outs
    if (failure_) return std::unexpected(*failure_);  // its answer is ours too: no stampede on a source that is down
  }
}

base::Result<Credentials> CachedCredentials::Renew(std::unique_lock<std::mutex>& lock) {
  renewing_ = true;
  lock.unlock();
  base::Result<Credentials> fresh = source_.Get();
  lock.lock();
  renewing_ = false;
  failure_.reset();
  not_before_.reset();
  if (fresh) {
    current_ = *fresh;
  } else {
    failure_ = fresh.error();
    not_before_ = clock_.Steady() + kRenewPause;
    if (!EndsWithin(std::chrono::microseconds(0)) && current_) fresh = *current_;
  }
  // Credentials that are about to end are asked for again, but not by every call.
  if (fresh && EndsWithin(kRenewAhead)) not_before_ = clock_.Steady() + kRenewPause;
  renewed_.notify_all();
  return fresh;
}

void CachedCredentials::Expired(const Credentials& used) {
  const std::lock_guard lock(mutex_);
  if (current_ != used) return;  // somebody else said so before, and they are renewed
  current_.reset();
  source_.Expired(used);
}

}  // namespace aws
