// How much memory this machine, or the control group that we run in, can still give.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace local {

// The least of MemAvailable and of what each memory limit above us (cgroup v2 memory.max, v1 memory.limit_in_bytes)
// leaves, cached files that nobody used lately (inactive_file) not counted as used. nullopt where none of it can be
// read. `root`: what stands before /proc and /sys, for tests.
[[nodiscard]] std::optional<std::uint64_t> AvailableMemory(const std::string& root = "");

// What workers and executors may share by default: three quarters of it; the rest is the server's own (store, requests)
// and the page cache's. At least kLeastDefaultBudget.
inline constexpr std::uint64_t kLeastDefaultBudget = 256ULL << 20U;
[[nodiscard]] std::uint64_t DefaultMemoryBudget(std::uint64_t available);

}  // namespace local
