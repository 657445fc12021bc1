#include "memory_budget.h"

#include "local/machine_memory.h"

MemoryBudget BudgetOf(const config::Config& settings) {
  if (settings.memory_budget) return {.bytes = *settings.memory_budget, .source = "memory_budget"};
  const auto available = local::AvailableMemory();
  if (!available) return {.bytes = 0, .source = "this machine does not say how much memory it has"};
  return {.bytes = local::DefaultMemoryBudget(*available), .source = "three quarters of what this machine has left"};
}
