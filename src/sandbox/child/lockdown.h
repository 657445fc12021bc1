// What an executor gives up before it sees a byte, and what each task may use.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "sandbox/fd.h"
#include "sandbox/limits.h"

namespace sandbox {

struct Lockdown {
  Level reached = Level::kContained;
  std::string refusal;                                 // why not strict, if that was asked
  std::vector<std::pair<std::string, bool>> measures;  // camelCase name, whether it is in force
  Fd memory;  // /proc/self/statm, opened while that was possible; under a sanitizer the memory watch has it
};

// For the whole process and for good. What the system refuses is noted and left. Afterwards no descriptor can be opened
// at any level; at kStrict the filter of filter.h is in force. Call it once, before any thread is started.
[[nodiscard]] Lockdown LockDown(Level level, const TaskLimits& limits);

// Before each task, of `input_bytes`: processor time and address space counted from what is used now.
void BeginTask(const Lockdown& lockdown, const TaskLimits& limits, std::size_t input_bytes);

}  // namespace sandbox
