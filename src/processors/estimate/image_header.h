// What an image's header says of the memory that decoding takes. Reads markers, chunks and blocks and no pixel; every
// step goes forward, so that it ends. Wrong or hostile headers give wrong numbers, never more. Pure; thread-safe.
// JPEG: ITU-T T.81 annex B. PNG: w3.org/TR/png. WebP: RFC 9649. GIF: w3.org/Graphics/GIF/spec-gif89a.txt.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace processors {

struct ImageHeader {
  std::uint64_t width = 0;  // pixels, of one frame
  std::uint64_t height = 0;
  std::uint64_t pixel_bytes = 3;    // decoded
  std::uint64_t frames = 1;         // at most job::kMaxImageFrames are counted
  std::uint64_t decoder_bytes = 0;  // what the decoder holds of a whole frame, beside the pixels it hands out
};
// nullopt: no header of a JPEG, PNG, WebP or GIF.
[[nodiscard]] std::optional<ImageHeader> ReadImageHeader(std::string_view bytes);

}  // namespace processors
