// For tests: pictures made in memory, encoded by libvips, and one call of the executor.
#pragma once

#include <simdjson.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>
#include <vips/vips8>

#include "ports/executor.h"
#include "processors/failure.h"
#include "processors/image/image.h"

namespace processors {

using vips::VImage;
using Output = Processed<ports::ProcessorOutput>;
using Operations = std::vector<ports::Operation>;

// One for the process, as in the executor program; the tests themselves may also write GIF and TIFF.
inline ports::Executor& Images() {
  static const std::unique_ptr<ports::Executor> kImages = [] {
    auto images = NewImageExecutor({.max_pixels = 20'000'000});
    vips_operation_block_set("VipsForeignSave", FALSE);
    return images;
  }();
  return *kImages;
}

inline Output RunImage(const std::string& bytes, const Operations& operations = {}) {
  // Exactly as long as they are, so that a sanitizer sees a read past the end.
  const std::vector<char> exact(bytes.begin(), bytes.end());
  return Images().Run(
      {.tenant = "t", .verb = "image", .operations = &operations, .inputs = {{exact.data(), exact.size()}}});
}

inline std::string CodeOf(const Output& output) {
  return output ? "ok" : output.error().error.code;
}

inline simdjson::dom::element At(const Output& output, std::string_view pointer) {
  thread_local simdjson::dom::parser parser;
  return parser.parse(output.value().result_json).at_pointer(pointer).value();
}
inline std::string TextAt(const Output& output, std::string_view pointer) {
  return std::string(std::string_view(At(output, pointer)));
}
inline double NumberAt(const Output& output, std::string_view pointer) {
  return double(At(output, pointer));
}
inline bool Has(const Output& output, std::string_view pointer) {
  thread_local simdjson::dom::parser parser;
  return parser.parse(output.value().result_json).at_pointer(pointer).error() == simdjson::SUCCESS;
}

// Interpreted as sRGB or grey by the number of bands.
inline VImage FromPixels(std::vector<std::uint8_t> pixels, int width, int height, int bands) {
  Images();
  const auto space = bands < 3 ? VIPS_INTERPRETATION_B_W : VIPS_INTERPRETATION_sRGB;
  return VImage::new_from_memory(pixels.data(), pixels.size(), width, height, bands, VIPS_FORMAT_UCHAR)
      .copy(VImage::option()->set("interpretation", space))
      .copy_memory();
}

inline VImage Plain(int width, int height, std::vector<std::uint8_t> colour) {
  std::vector<std::uint8_t> pixels;
  for (int i = 0; i < width * height; ++i) pixels.insert(pixels.end(), colour.begin(), colour.end());
  return FromPixels(std::move(pixels), width, height, static_cast<int>(colour.size()));
}

// Rectangles of random colours over a random gradient: every seed another picture.
inline VImage Picture(std::uint32_t seed, int width, int height) {
  std::mt19937 random(seed);
  const auto below = [&](int most) { return static_cast<int>(random() % static_cast<std::uint32_t>(most)); };
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(width * height * 3));
  const auto paint = [&](int left, int top, int right, int bottom, auto colour) {
    for (int y = top; y < bottom; ++y) {
      for (int x = left; x < right; ++x) {
        for (int band = 0; band < 3; ++band) {
          pixels[static_cast<std::size_t>((y * width + x) * 3 + band)] = static_cast<std::uint8_t>(colour(x, y, band));
        }
      }
    }
  };
  const int corners[] = {below(256), below(256), below(256), below(256)};
  paint(0, 0, width, height, [&](int x, int y, int band) {
    const int top = corners[0] + (corners[1] - corners[0]) * x / width;
    const int bottom = corners[2] + (corners[3] - corners[2]) * x / width;
    return std::clamp(top + (bottom - top) * y / height + band * 15, 0, 255);
  });
  for (int i = 0; i < 14; ++i) {
    const int left = below(width * 3 / 4);
    const int top = below(height * 3 / 4);
    const int colours[] = {below(256), below(256), below(256)};
    paint(left, top, left + width / 8 + below(width / 8), top + height / 8 + below(height / 8),
          [&](int, int, int band) { return colours[band]; });
  }
  return FromPixels(std::move(pixels), width, height, 3);
}

// suffix as libvips has it: ".jpg[Q=90]", ".png", ".webp", ".gif", ".tif".
inline std::string Encoded(const VImage& image, const std::string& suffix) {
  void* bytes = nullptr;
  std::size_t size = 0;
  image.write_to_buffer(suffix.c_str(), &bytes, &size);
  std::string text(static_cast<const char*>(bytes), size);
  g_free(bytes);
  return text;
}

// Frames of plain colours, each for 120 ms.
inline std::string Animation(const std::vector<std::vector<std::uint8_t>>& colours, int width, int height,
                             const std::string& suffix) {
  std::vector<VImage> frames;
  for (const auto& colour : colours) frames.push_back(Plain(width, height, colour));
  VImage roll = VImage::arrayjoin(frames, VImage::option()->set("across", 1)).copy();
  roll.set(VIPS_META_PAGE_HEIGHT, height);
  roll.set("delay", std::vector<int>(colours.size(), 120));
  return Encoded(roll, suffix);
}

inline VImage Decoded(const std::string& bytes) {
  return VImage::new_from_buffer(bytes.data(), bytes.size(), "").copy_memory();
}
inline VImage DecodedAll(const std::string& bytes) {
  return VImage::new_from_buffer(bytes.data(), bytes.size(), "", VImage::option()->set("n", -1)).copy_memory();
}
inline const ports::ArtifactBytes& ArtifactOf(const Output& output, std::string_view name) {
  const auto& artifacts = output.value().artifacts;
  const auto found = std::ranges::find(artifacts, name, &ports::ArtifactBytes::name);
  if (found == artifacts.end()) throw std::out_of_range("no artifact " + std::string(name));
  return *found;
}

inline int Distance(const std::string& hash, const std::string& other) {
  const auto bits = [](const std::string& hex) {
    std::uint64_t value = 0;
    std::from_chars(hex.data(), hex.data() + hex.size(), value, 16);
    return value;
  };
  return std::popcount(bits(hash) ^ bits(other));
}

}  // namespace processors
