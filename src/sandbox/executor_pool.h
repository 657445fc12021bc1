// The worker's side: runs tasks in executor children and survives what happens to them.
//
// A child serves one tenant, up to job::kMaxToonsPerExecutor tasks or job::kExecutorRecycleBytes of memory; up to
// job::kMaxTenantExecutors of them stay alive, the one unused for longest goes first. One more is started ahead and
// belongs to nobody yet, so that a tenant's first toon does not wait for libraries to load.
//
// With a share of a memory budget no task begins before the bytes that it is expected to need have been taken from it;
// see admission.h. Idle children are counted there as well, and end as soon as anybody waits for memory.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "ports/executor.h"
#include "ports/memory.h"
#include "sandbox/limits.h"

namespace sandbox {

struct PoolOptions {
  std::string program;           // path of the executor program
  Level level = Level::kStrict;  // the least that is accepted
  TaskLimits limits;
  // Of memory; nullptr: nobody counts. Then `estimate` is set, and `holder` is this pool's number in the share.
  std::shared_ptr<ports::MemoryShare> memory = nullptr;
  std::function<ports::MemoryEstimate(const ports::IsolatedTask&)> estimate = nullptr;
  std::size_t holder = 0;
  // When whoever gave us the task at hand stops waiting for it; unset: never.
  std::function<base::SteadyPoint()> deadline = nullptr;
};

// As ports::Executor; ignores SIGPIPE from now on, unless the process handles it. Run it always from one thread, which
// lives as long as it: the kernel ends children with the thread that started them. version() runs the program with
// --version, once; "unavailable" if that fails. Run answers kResource "isolation-unavailable" if the program
// cannot be executed or does not reach `level`; kPlatform where another try may start it, and "memory-busy" when there
// was no memory to be had until the deadline.
[[nodiscard]] std::unique_ptr<ports::Executor> NewExecutorPool(PoolOptions options);

// What a child says of itself, and what was tried against it, for `ubertoons doctor`: one JSON object
// {"program","version","level","measures":{"seccomp":true,"noNewPrivileges":true,"memoryHidden":true,…},
//  "probes":{"open-file":"refused","socket":"killed","exec":"killed","parent-memory":"refused","environment":"empty",…}}.
// kUnsupported if the program cannot be executed; kUnavailable if another try may start it.
[[nodiscard]] base::Result<std::string> Examine(const PoolOptions& options);

}  // namespace sandbox
