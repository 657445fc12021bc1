// Time as a dependency: flow never reads the machine's clock by itself. Thread-safe.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/error.h"

namespace base {

using TimePoint = std::chrono::time_point<std::chrono::system_clock, std::chrono::microseconds>;
using SteadyPoint = std::chrono::steady_clock::time_point;

class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual TimePoint Now() const = 0;       // UTC; may jump
  [[nodiscard]] virtual SteadyPoint Steady() const = 0;  // for durations and deadlines; never jumps
};

class SystemClock final : public Clock {
 public:
  [[nodiscard]] TimePoint Now() const override {
    return std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
  }
  [[nodiscard]] SteadyPoint Steady() const override { return std::chrono::steady_clock::now(); }
};

// RFC 3339 in UTC with milliseconds: "2026-11-23T08:25:58.123Z".
[[nodiscard]] std::string FormatTime(TimePoint time);
// The reverse; accepts any number of fraction digits and only the Z offset. kInvalid otherwise.
[[nodiscard]] Result<TimePoint> ParseTime(std::string_view text);
[[nodiscard]] inline std::int64_t UnixMicros(TimePoint time) {
  return time.time_since_epoch().count();
}
[[nodiscard]] inline TimePoint FromUnixMicros(std::int64_t micros) {
  return TimePoint(std::chrono::microseconds(micros));
}

}  // namespace base
