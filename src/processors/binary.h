// Raw binaries: what they are and how they look, never what they mean.
//
// Result:
// {"mime","encoding","description","bytes","entropy","head","chunks":{"size","count","sha256":[…],"truncated"?},
// "strings"?}. `entropy`: Shannon, bits per byte, 0..8. `head`: the first 16 bytes in hex. `chunks`: SHA-256 of each
// piece of `size` bytes (64 KiB unless the operation chunks says otherwise), the first kMaxChunkHashes of them.
// `strings`: runs of at least `min` printable ASCII characters: how many, their bytes, the longest, and the first few.
// The first member is always "mime": reducers rely on it. No bytes are refused.
#pragma once

#include <cstddef>
#include <memory>

#include "ports/processor.h"

namespace processors {

inline constexpr std::size_t kMaxChunkHashes = 256;         // 16 KB of hex in the result
inline constexpr std::size_t kMaxMagicBytes = 1024 * 1024;  // what libmagic gets to see
inline constexpr std::size_t kMaxListedStrings = 16;
inline constexpr std::size_t kMaxListedStringBytes = 80;

// Loads libmagic's database at the first toon, once. Fails with "magic-unavailable" (Blame::kResource) if there is
// none.
[[nodiscard]] std::unique_ptr<ports::Processor> NewBinaryProcessor();

}  // namespace processors
