// Text forms of durations, sizes and addresses in settings. Pure; thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

namespace config {

// "10s", "5m", "2h", "30d": a whole number and one unit, at most 100 years. kInvalid otherwise.
[[nodiscard]] base::Result<std::chrono::seconds> ParseDuration(std::string_view text);
// "1000", "64KB" (10^3), "64KiB" (2^10), up to TB and TiB. Bytes. kInvalid otherwise, or past 2^63.
[[nodiscard]] base::Result<std::uint64_t> ParseSize(std::string_view text);

struct Address {
  std::string host;  // without brackets
  std::uint16_t port = 0;
  bool operator==(const Address&) const = default;
};
// "HOST:PORT", "[::1]:0"; port 0 is any free one. kInvalid otherwise.
[[nodiscard]] base::Result<Address> ParseAddress(std::string_view text);
// 127.0.0.0/8, ::1 and "localhost": what no other machine reaches.
[[nodiscard]] bool IsLoopback(std::string_view host);

}  // namespace config
