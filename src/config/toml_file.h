// The TOML layer. toml++ stays in toml_file.cc: it compiles slowly and throws.
#pragma once

#include <string>

#include "base/error.h"
#include "config/config.h"

namespace config {

// Applies the file at `path` to config. kInvalid with "<path>:<line>: <key>: …"; kUnavailable if it can't be read;
// kTooLarge over 1 MiB.
[[nodiscard]] base::Status ApplyFile(const std::string& path, Config& config);

}  // namespace config
