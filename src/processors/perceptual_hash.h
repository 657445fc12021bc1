// A 64-bit perceptual hash: pictures that look alike differ in few bits. The "pHash" of the Python library imagehash:
// the DCT-II of 32 x 32 grey pixels, its 8 x 8 lowest frequencies against their median. Pure; thread-safe.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>

namespace processors {

inline constexpr std::size_t kHashSide = 32;
inline constexpr std::size_t kHashLow = 8;  // frequencies a side

using HashGrid = std::array<std::array<double, kHashSide>, kHashSide>;  // rows of grey, 0 to 255

// The orthonormal DCT's lowest rows.
[[nodiscard]] inline std::array<std::array<double, kHashSide>, kHashLow> HashWaves() {
  std::array<std::array<double, kHashSide>, kHashLow> waves{};
  for (std::size_t u = 0; u < kHashLow; ++u) {
    const double scale = std::sqrt((u == 0 ? 1.0 : 2.0) / kHashSide);
    for (std::size_t x = 0; x < kHashSide; ++x) {
      waves[u][x] = scale * std::cos(std::numbers::pi * static_cast<double>(u) * (2 * static_cast<double>(x) + 1) /
                                     (2 * kHashSide));
    }
  }
  return waves;
}

// Bits by rows, the lowest frequency first, as the highest bit.
[[nodiscard]] inline std::uint64_t PerceptualHash(const HashGrid& grey) {
  static const auto kWaves = HashWaves();
  std::array<double, kHashLow * kHashLow> low{};
  for (std::size_t u = 0; u < kHashLow; ++u) {
    std::array<double, kHashSide> across{};  // of each row
    for (std::size_t y = 0; y < kHashSide; ++y) {
      for (std::size_t x = 0; x < kHashSide; ++x) across[y] += grey[y][x] * kWaves[u][x];
    }
    for (std::size_t v = 0; v < kHashLow; ++v) {
      for (std::size_t y = 0; y < kHashSide; ++y) low[v * kHashLow + u] += across[y] * kWaves[v][y];
    }
  }
  auto sorted = low;
  std::ranges::sort(sorted);
  const double median = (sorted[sorted.size() / 2 - 1] + sorted[sorted.size() / 2]) / 2;
  // Of a plain picture every coefficient but the first is noise of compression: a bit needs more than this.
  constexpr double kNoise = 0.5;
  std::uint64_t hash = 0;
  for (const double frequency : low) hash = hash << 1U | (frequency > median + kNoise ? 1U : 0U);
  return hash;
}

}  // namespace processors
