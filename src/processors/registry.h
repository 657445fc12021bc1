// The processors of the data class: telemetry, gameplay, message, binary.
#pragma once

#include <memory>

#include "ports/processor.h"

namespace processors {

// For one thread at a time.
[[nodiscard]] std::unique_ptr<ports::ProcessorRegistry> NewDataProcessors();

}  // namespace processors
