// What a worker does for itself, so that a child that was taken over finds nothing in it.
#pragma once

#include <span>
#include <string_view>

namespace sandbox {

// Wipes this process's environment from memory, where /proc/PID/environ shows it, but for the variables named in
// `keep`. Call it in main, before any thread, after copying what is needed: pointers that getenv gave before point to
// nothing now. Entries must be writable, as those of main and setenv are.
void ScrubEnvironment(std::span<const std::string_view> keep);

// No core dumps, and /proc/PID/{mem,environ,…} only for root. False if the system refuses it.
[[nodiscard]] bool HideMemory();

}  // namespace sandbox
