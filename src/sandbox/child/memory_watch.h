// Stands in for the limit on address space in a program built with a sanitizer, which cannot live under one.
#pragma once

#include <cstdint>

#include "sandbox/fd.h"

namespace sandbox {

// Starts a thread that reads `statm`, /proc/self/statm, as long as the process lives. Call it once, after rights
// were given up: a thread that was started before would keep its own. False: the system refuses a thread.
[[nodiscard]] bool StartMemoryWatch(Fd statm);

// From now on this process ends, with a note of the shortage in the recorder, once it holds `bytes` more than now; in
// memory that is resident, base::kMemoryFactor times as much. Looked at every few milliseconds. Thread-safe.
void WatchMemory(std::uint64_t bytes);

}  // namespace sandbox
