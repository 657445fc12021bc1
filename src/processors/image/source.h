// Encoded images, looked at before they are decoded. Files are read with the loaders of JPEG, PNG, WebP and GIF only,
// and refused when they are truncated or broken.
#pragma once

#include <cstdint>
#include <string_view>
#include <vips/vips8>

#include "processors/failure.h"

namespace processors {

enum class Format : std::uint8_t { kJpeg, kPng, kWebp, kGif };
inline constexpr std::string_view kFormatNames[] = {"jpeg", "png", "webp", "gif"};
[[nodiscard]] constexpr std::string_view NameOf(Format format) {
  return kFormatNames[static_cast<std::size_t>(format)];
}

// Of a file's name, without the dot.
[[nodiscard]] constexpr std::string_view ExtensionOf(Format format) {
  return format == Format::kJpeg ? "jpg" : NameOf(format);
}

enum class Frames : std::uint8_t { kFirst, kAll };

// The most pixels that an image may get; `size` says whether it is scaled up or distorted to it.
struct Box {
  int width = 0;
  int height = 0;
  VipsSize size = VIPS_SIZE_DOWN;
  bool operator==(const Box&) const = default;
};
inline constexpr int kAnySide = VIPS_MAX_COORD;  // of a box that bounds the other side only

// One image of the caller's bytes, which must outlive it. Frames of an animation lie one below the other, as libvips
// has it. Not thread-safe; every load blocks.
class Source {
 public:
  // Reads the header only. "empty-source", "type-mismatch", "unsupported-format", "invalid-image", and, before libvips
  // takes memory for pixels, "image-too-large", "too-many-frames" and "too-many-pixels" (width x height x frames).
  [[nodiscard]] static Processed<Source> Open(std::string_view bytes, std::uint64_t max_pixels);

  [[nodiscard]] Format format() const { return format_; }
  [[nodiscard]] int width() const { return width_; }  // of one frame, upright
  [[nodiscard]] int height() const { return height_; }
  [[nodiscard]] int frames() const { return frames_; }
  [[nodiscard]] int orientation() const { return orientation_; }     // EXIF's, 1 to 8; always 1 for an animation
  [[nodiscard]] const vips::VImage& header() const { return raw_; }  // for metadata: its pixels are not to be read

  // Decoded no larger than `box` needs, upright, 8 bit sRGB or grey, in memory. Exactly vips_thumbnail_buffer's pixels.
  // "invalid-image".
  [[nodiscard]] Processed<vips::VImage> Shrunk(const Box& box, Frames frames) const;
  // Decoded whole, upright, sRGB or grey of its own depth, in memory. "invalid-image".
  [[nodiscard]] Processed<vips::VImage> Full(Frames frames) const;

 private:
  enum class Colours : std::uint8_t { kDevice, kProfile, kCmyk };  // kProfile: an embedded one that fits

  Source() = default;
  void ReadHeader();
  [[nodiscard]] bool AllOf(Frames frames) const { return frames == Frames::kAll && frames_ > 1; }

  std::string_view bytes_;
  Format format_ = Format::kJpeg;
  vips::VImage raw_;
  int width_ = 0;
  int height_ = 0;
  int frames_ = 1;
  int orientation_ = 1;
  Colours colours_ = Colours::kDevice;
};

}  // namespace processors
