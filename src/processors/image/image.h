// Images: JPEG, PNG, WebP, GIF. libvips; linked by the image executor only. docs/operations.md lists operations and
// results.
#pragma once

#include <cstdint>
#include <memory>

#include "ports/executor.h"

namespace processors {

struct ImageOptions {
  std::uint64_t max_pixels = 200'000'000;  // width x height x frames that a header may announce
};

// Verbs "image" and "contact-sheet". Starts libvips: call it before the sandbox closes (it opens files then, never
// later), once per process.
[[nodiscard]] std::unique_ptr<ports::Executor> NewImageExecutor(const ImageOptions& options);

}  // namespace processors
