// The worker's side of the media types: hands a toon to an executor. Links no decoder.
#pragma once

#include <memory>

#include "ports/executor.h"

namespace processors {

// The toon's type is the task's verb. `executor` outlives it.
[[nodiscard]] std::unique_ptr<ports::Processor> NewIsolatedProcessor(ports::Executor& executor);

}  // namespace processors
