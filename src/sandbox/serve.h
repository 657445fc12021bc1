// The child's side: an executor program's main. Gives up everything it does not need, says what it gave up, then serves
// tasks until its input ends.
#pragma once

#include <functional>
#include <memory>

#include "ports/executor.h"
#include "sandbox/limits.h"

namespace sandbox {

// Makes the decoders: runs before the sandbox closes, so it may open files and load code, but must start no thread.
using MakeExecutor = std::function<std::unique_ptr<ports::Executor>(const TaskLimits& limits)>;

// argv as sandbox::ExecutorPool passes it, or one option: --version prints the executor's version(). The exit status of
// the process: 0 when the parent closed the pipe.
[[nodiscard]] int ServeMain(int argc, char** argv, const MakeExecutor& make);

}  // namespace sandbox
