// Images as files: JPEG, PNG, WebP, without metadata of the source.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vips/vips8>

#include "processors/failure.h"
#include "processors/image/source.h"

namespace processors {

enum class Depth : std::uint8_t { kEight, kOwn };  // kOwn: 16 bit stay 16 bit in a PNG

struct Encoding {
  Format format = Format::kWebp;  // not kGif
  int quality = 80;               // 1 to 100; of JPEG and WebP
  int effort = 4;                 // 0 to 6; of WebP
  Depth depth = Depth::kEight;
};

// All frames for WebP, the first otherwise; transparency becomes white in a JPEG. "output-too-large" when the format
// cannot hold such sides, "encoding-failed".
[[nodiscard]] Processed<std::string> Encode(const vips::VImage& image, const Encoding& encoding);
[[nodiscard]] std::string ContentTypeOf(Format format);

}  // namespace processors
