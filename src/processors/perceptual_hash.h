// A 64-bit perceptual hash: pictures that look alike differ in few bits. The "pHash" of the Python library imagehash:
// the DCT-II of 32 x 32 grey pixels, its 8 x 8 lowest frequencies against their median. Pure; thread-safe.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <span>

namespace processors {

inline constexpr std::size_t kHashSide = 32;

// grey: kHashSide rows of kHashSide pixels. Bits by rows, the lowest frequency first, as the highest bit.
[[nodiscard]] inline std::uint64_t PerceptualHash(std::span<const std::uint8_t, kHashSide * kHashSide> grey) {
  constexpr std::size_t kLow = 8;
  std::array<std::array<double, kHashSide>, kLow> wave{};
  for (std::size_t k = 0; k < kLow; ++k) {
    for (std::size_t n = 0; n < kHashSide; ++n) {
      wave[k][n] = std::cos(std::numbers::pi * static_cast<double>(k * (2 * n + 1)) / (2.0 * kHashSide));
    }
  }
  std::array<double, kLow * kLow> low{};
  for (std::size_t y = 0; y < kHashSide; ++y) {
    for (std::size_t kx = 0; kx < kLow; ++kx) {
      double row = 0;
      for (std::size_t x = 0; x < kHashSide; ++x) row += grey[y * kHashSide + x] * wave[kx][x];
      for (std::size_t ky = 0; ky < kLow; ++ky) low[ky * kLow + kx] += row * wave[ky][y];
    }
  }
  auto sorted = low;
  std::ranges::sort(sorted);
  const double median = (sorted[sorted.size() / 2 - 1] + sorted[sorted.size() / 2]) / 2;
  constexpr double kNoise = 0.5;  // of sums that are equal but for rounding: an even picture has no bits of chance
  std::uint64_t hash = 0;
  for (const double frequency : low) hash = hash << 1U | (frequency > median + kNoise ? 1U : 0U);
  return hash;
}

}  // namespace processors
