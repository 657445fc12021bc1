// Whether this program is built with a sanitizer (cmake -DUBERTOONS_SANITIZE=…), and what that does to its memory.
#pragma once

#include <cstdint>

namespace base {

// A sanitizer reserves terabytes of address space for notes on every byte ("shadow memory"): no limit on address space
// can be told from outside, and the same work holds more memory. The factors are bounds, not measurements.
#if defined(__SANITIZE_THREAD__)
inline constexpr bool kSanitized = true;
inline constexpr std::uint64_t kMemoryFactor = 8;  // four bytes of notes for each, and its own of each thread and lock
#elif defined(__SANITIZE_ADDRESS__)
inline constexpr bool kSanitized = true;
inline constexpr std::uint64_t kMemoryFactor = 3;  // an eighth, zones around each allocation, and freed ones kept
#else
inline constexpr bool kSanitized = false;
inline constexpr std::uint64_t kMemoryFactor = 1;
#endif

}  // namespace base
