// A clock that moves only when a test says so. Thread-safe.
#pragma once

#include <chrono>
#include <mutex>

#include "base/clock.h"

namespace fakes {

class ManualClock final : public base::Clock {
 public:
  // 2026-01-01T00:00:00Z unless told otherwise.
  explicit ManualClock(base::TimePoint start = base::FromUnixMicros(1'767'225'600'000'000)) : now_(start) {}
  [[nodiscard]] base::TimePoint Now() const override {
    const std::lock_guard lock(mutex_);
    return now_;
  }
  [[nodiscard]] base::SteadyPoint Steady() const override {
    const std::lock_guard lock(mutex_);
    return steady_;
  }
  void Advance(std::chrono::microseconds by) {
    const std::lock_guard lock(mutex_);
    now_ += by;
    steady_ += by;
  }
  // The wall clock jumps, as NTP makes it; the steady one does not.
  void JumpTo(base::TimePoint time) {
    const std::lock_guard lock(mutex_);
    now_ = time;
  }

 private:
  mutable std::mutex mutex_;
  base::TimePoint now_;                                    // guarded by mutex_
  base::SteadyPoint steady_{std::chrono::seconds(1'000)};  // guarded by mutex_
};

}  // namespace fakes
