// The processors of one worker.
#pragma once

#include <memory>

#include "ports/executor.h"
#include "ports/processor.h"

namespace processors {

// Who decodes media for this worker; nullptr: nobody, toons of those types are not processed here. They outlive the
// registry.
struct Executors {
  ports::Executor* image = nullptr;
  ports::Executor* media = nullptr;  // audio and video
};
// telemetry, gameplay, message and binary in this process; image, audio and video through executors. For one thread at
// a time.
[[nodiscard]] std::unique_ptr<ports::ProcessorRegistry> NewProcessors(const Executors& executors);

}  // namespace processors
