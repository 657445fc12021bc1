// When a call is tried again: the SDKs' "standard" mode. A bucket of tokens pays for retries, so that a service that is
// down for everybody is not also asked four times as often.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
#pragma once

#include <chrono>
#include <mutex>

#include "base/random.h"

namespace aws {

// Waiting, as a dependency: tests do not. Thread-safe.
class Pause {
 public:
  virtual ~Pause() = default;
  virtual void For(std::chrono::milliseconds span) = 0;
};
class SystemPause final : public Pause {
 public:
  void For(std::chrono::milliseconds span) override;
};

// Thread-safe.
class RetryQuota {
 public:
  static constexpr int kCapacity = 500;
  static constexpr int kRetryCost = 5;
  static constexpr int kTimeoutCost = 10;
  static constexpr int kReward = 1;  // of a call that needed no retry
  // False: the bucket is empty, and the call ends with what it has.
  [[nodiscard]] bool Take(int cost);
  void GiveBack(int tokens);  // never over kCapacity
  [[nodiscard]] int tokens() const;

 private:
  mutable std::mutex mutex_;
  int tokens_ = kCapacity;  // guarded by mutex_
};

inline constexpr std::chrono::milliseconds kLongestPause{20'000};
// Full jitter: uniform in [0, min(kLongestPause, base * 2^retry)); retry is 0 for the first.
[[nodiscard]] std::chrono::milliseconds JitteredPause(std::chrono::milliseconds base, int retry, base::Random& random);

}  // namespace aws
