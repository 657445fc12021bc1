#include "aws/retry.h"

#include <algorithm>
#include <thread>

namespace aws {

void SystemPause::For(std::chrono::milliseconds span) {
  std::this_thread::sleep_for(span);
}

bool RetryQuota::Take(int cost) {
  const std::lock_guard lock(mutex_);
  if (tokens_ < cost) return false;
  tokens_ -= cost;
  return true;
}

void RetryQuota::GiveBack(int tokens) {
  const std::lock_guard lock(mutex_);
  tokens_ = std::min(kCapacity, tokens_ + tokens);
}

int RetryQuota::tokens() const {
  const std::lock_guard lock(mutex_);
  return tokens_;
}

std::chrono::milliseconds JitteredPause(std::chrono::milliseconds base, int retry, base::Random& random) {
  constexpr int kMostDoublings = 16;  // far past kLongestPause
  const std::chrono::milliseconds most = std::min(kLongestPause, base * (1 << std::min(retry, kMostDoublings)));
  return std::chrono::milliseconds(static_cast<std::int64_t>(static_cast<double>(most.count()) * random.Unit()));
}

}  // namespace aws
