// Small RGB pictures: made of a decoded frame or drawn of a waveform, and encoded by FFmpeg's own encoders.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "processors/media/av.h"
#include "processors/media/peaks.h"

namespace processors::media {

struct Picture {
  int width = 0;
  int height = 0;
  std::vector<std::uint8_t> rgb;  // rows of 3 bytes a pixel, no padding
};

enum class PictureFormat : std::uint8_t { kJpeg, kPng };

// The frame as it is seen: square pixels, turned clockwise by `rotation` (0, 90, 180 or 270), its long side at most
// `side`, never enlarged. "invalid-media" for frames that cannot be scaled.
[[nodiscard]] Processed<Picture> PictureOf(const AVFrame& frame, int rotation, int side);

// 64-bit perceptual hash of what the picture shows (processors/perceptual_hash.h).
[[nodiscard]] Processed<std::uint64_t> HashOf(const Picture& picture);

// A column for each of `width` steps of the outline, from its least to its greatest sample.
[[nodiscard]] Picture DrawWaveform(const Peaks& peaks, int width, int height);

[[nodiscard]] Processed<std::string> Encode(const Picture& picture, PictureFormat format);

}  // namespace processors::media
