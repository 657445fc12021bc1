// What one task may use, and how strictly a child is held.
#pragma once

#include <cstdint>
#include <string_view>

#include "job/limits.h"

namespace sandbox {

enum class Level : std::uint8_t {
  kStrict,     // a seccomp filter on top of everything below, or no work is done
  kContained,  // rlimits, kill timers, empty environment, closed descriptors; for homes that may refuse seccomp
               // (Lambda): the filter is tried
};
inline constexpr std::string_view kLevelNames[] = {"strict", "contained"};

// Defaults are those of job::Limits; the server passes lower ones on.
struct TaskLimits {
  std::uint64_t max_input_bytes = job::Limits{}.max_media_bytes;
  std::uint64_t max_image_pixels = job::Limits{}.max_image_pixels;
  std::uint64_t memory_bytes = job::Limits{}.max_executor_memory;  // address space beyond what an idle child has
  std::uint64_t output_bytes = job::Limits{}.max_executor_output;  // of a reply
  std::uint64_t cpu_seconds = job::Limits{}.max_image_cpu_seconds;
  std::uint64_t wall_seconds = job::Limits{}.max_image_wall_seconds;
};

}  // namespace sandbox
