// What workers and executors may hold together, by the settings and by this machine.
#pragma once

#include <cstdint>
#include <string_view>

#include "config/config.h"

struct MemoryBudget {
  std::uint64_t bytes = 0;  // 0: nobody counts
  std::string_view source;  // for people: "memory_budget", "this machine"
};
[[nodiscard]] MemoryBudget BudgetOf(const config::Config& settings);
