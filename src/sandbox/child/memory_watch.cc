#include "sandbox/child/memory_watch.h"

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <system_error>
#include <thread>

#include "base/sanitizer.h"
#include "sandbox/child/recorder.h"

namespace sandbox {

namespace {

constexpr std::chrono::milliseconds kInterval{5};  // a core writes some 20 MB meanwhile

// What is mapped tells large allocations at once; the many small ones of an allocator that reserved its space at the
// start show only in what is resident.
struct Held {
  std::uint64_t mapped = 0;
  std::uint64_t resident = 0;
};

std::atomic<int> g_statm{-1};
std::atomic<std::uint64_t> g_most_mapped{~0ULL};
std::atomic<std::uint64_t> g_most_resident{~0ULL};

Held Look() {
  char text[128] = {};
  unsigned long mapped = 0;
  unsigned long resident = 0;
  if (::pread(g_statm, text, sizeof text - 1, 0) <= 0) return {};
  if (std::sscanf(text, "%lu %lu", &mapped, &resident) != 2) return {};
  const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  return {.mapped = mapped * page, .resident = resident * page};
}

[[noreturn]] void Watch() {
  for (;;) {
    const Held held = Look();
    if (held.mapped > g_most_mapped || held.resident > g_most_resident) {
      NoteOutOfMemory();
      ::_exit(1);
    }
    std::this_thread::sleep_for(kInterval);
  }
}

}  // namespace

bool StartMemoryWatch(Fd statm) {
  g_statm = statm.Release();
  try {
    std::thread(Watch).detach();  // it lives as long as the process
    return true;
  } catch (const std::system_error&) {
    return false;
  }
}

void WatchMemory(std::uint64_t bytes) {
  const Held now = Look();
  g_most_mapped = now.mapped + bytes;
  g_most_resident = now.resident + bytes * base::kMemoryFactor;
}

}  // namespace sandbox
