// How many files, sockets and pipes this process may hold open at once (RLIMIT_NOFILE). Thread-safe.
#pragma once

#include <cstdint>

namespace base {

[[nodiscard]] std::uint64_t DescriptorLimit();
// As high as is allowed without privileges; answers what it is then. Shells and systemd start programs with 1024 for
// the sake of select(2), which nothing here uses. Processes started later inherit it.
std::uint64_t RaiseDescriptorLimit();

}  // namespace base
