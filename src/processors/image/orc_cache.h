// Compiled vector code, kept from image to image.
//
// libvips 8.14 has ORC compile the inner loop of each resampling anew, which takes 3 to 4 % of a thumbnail. Which loops
// there are depends on how much an image is shrunk, not on what is in it, so they are few. This defines
// orc_program_compile and orc_program_free for the whole program: equal programs get the code of the first one.
// Results are the same bytes.
#pragma once

#include <cstddef>

namespace processors {

inline constexpr std::size_t kMaxCompiledLoops = 256;  // some 4 KB of code each; further ones are compiled as ever

// Finds ORC's own functions. Before the sandbox closes, and before libvips is used. Aborts if there are none.
void StartOrcCache();
// Programs that got code that was there already.
[[nodiscard]] std::size_t ReusedLoops();

}  // namespace processors
