// Audio and video, by FFmpeg's libraries, libebur128 and chromaprint; linked by the media executor only.
// docs/operations.md lists operations and results.
#pragma once

#include <memory>

#include "ports/executor.h"

namespace processors {

// Verbs "audio" and "video".
[[nodiscard]] std::unique_ptr<ports::Executor> NewMediaExecutor();

}  // namespace processors
