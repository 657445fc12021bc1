// Folders that are still there after a loss of power. Thread-safe; blocks.
#pragma once

#include <cstdint>
#include <string>

#include "base/error.h"

namespace base {

enum class Parents : std::uint8_t {
  kMustExist,
  kMade,  // where they are absent, durable too
};

// Makes the folder (0700) if it is absent. When it returns OK the folder's own entry is durable, also if a process that
// died made it; what is put into it later is its writer's care. kUnavailable with the path.
[[nodiscard]] Status MakeDurableFolder(const std::string& path, Parents parents);

}  // namespace base
