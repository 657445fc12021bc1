// `ubertoons quarantine` and `ubertoons quarantine release`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/shell.h"

namespace cli {

struct QuarantineOptions {
  std::optional<std::uint64_t> limit;  // of the list
  std::vector<std::string> hashes;     // to release: SHA-256, 64 hexadecimal digits each
  bool json = false;                   // one document: {"items":[…]}, {"released":[…]}
};
[[nodiscard]] Try<Exit> RunQuarantine(Shell& shell, const QuarantineOptions& options);
// Tries every hash. One that the server refuses (it is not in quarantine) is reported and the others go on; then the
// command ends with kRefused. Standard output lists the released ones.
[[nodiscard]] Try<Exit> RunRelease(Shell& shell, const QuarantineOptions& options);

}  // namespace cli
