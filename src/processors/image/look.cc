#include "processors/image/look.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <vector>

#include "processors/image/transform.h"

namespace processors {

namespace {

constexpr std::size_t kGrid = 32;  // cells a side
constexpr std::size_t kLow = 8;    // frequencies a side
// Of a plain picture every coefficient but the first is noise of compression: a bit needs more than this.
constexpr double kNoise = 0.5;

using Grid = std::array<std::array<double, kGrid>, kGrid>;

// How much of a pixel lies in which two cells, along one side: a picture smaller than the grid is stretched.
struct Share {
  std::size_t first = 0;  // cell
  std::vector<float> weights;
};

std::vector<Share> Shares(std::size_t side) {
  std::vector<Share> shares(side);
  const double cells = static_cast<double>(kGrid) / static_cast<double>(side);  // that a pixel covers
  for (std::size_t i = 0; i < side; ++i) {
    const double begin = static_cast<double>(i) * cells;
    const double end = begin + cells;
    shares[i].first = std::min(static_cast<std::size_t>(begin), kGrid - 1);
    for (std::size_t cell = shares[i].first; cell < kGrid && static_cast<double>(cell) < end; ++cell) {
      const double low = std::max(begin, static_cast<double>(cell));
      const double high = std::min(end, static_cast<double>(cell) + 1);
      shares[i].weights.push_back(static_cast<float>(std::max(0.0, high - low)));
    }
  }
  return shares;
}

struct Cell {
  std::uint64_t weight = 0;
  std::array<std::uint64_t, 3> sums{};
};

// One pass: every pixel goes to its colour's cell and to its place's.
class Survey {
 public:
  Survey(std::size_t width, std::size_t height) : across_(Shares(width)), down_(Shares(height)), colours_(512) {}

  void AddRow(const std::uint8_t* pixel, std::size_t bands, std::size_t y) {
    const bool colour = bands >= 3;
    const bool alpha = bands == 2 || bands == 4;
    std::array<float, kGrid> row{};
    for (const Share& share : across_) {
      const std::uint32_t red = pixel[0];
      const std::uint32_t green = colour ? pixel[1] : red;
      const std::uint32_t blue = colour ? pixel[2] : red;
      const std::uint32_t opacity = alpha ? pixel[bands - 1] : 255;
      Cell& cell = colours_[(red >> 5U) << 6U | (green >> 5U) << 3U | blue >> 5U];
      cell.weight += opacity;
      cell.sums[0] += std::uint64_t{red} * opacity;
      cell.sums[1] += std::uint64_t{green} * opacity;
      cell.sums[2] += std::uint64_t{blue} * opacity;
      const std::uint32_t grey = (299 * red + 587 * green + 114 * blue) * opacity + 255'000 * (255 - opacity);
      std::size_t place = share.first;
      for (const float weight : share.weights) row[place++] += weight * static_cast<float>(grey);
      pixel += bands;
    }
    std::size_t place = down_[y].first;
    for (const float weight : down_[y].weights) {
      for (std::size_t x = 0; x < kGrid; ++x) grey_[place][x] += static_cast<double>(weight * row[x]) / 255'000;
      ++place;
    }
  }

  [[nodiscard]] const Grid& grey() const { return grey_; }  // 0 to 255
  [[nodiscard]] std::string Dominant() const {
    const Cell& fullest = *std::ranges::max_element(colours_, {}, &Cell::weight);
    const auto mean = [&](std::size_t i) {
      return fullest.weight == 0 ? 255 : (fullest.sums[i] + fullest.weight / 2) / fullest.weight;
    };
    return fmt::format("#{:02x}{:02x}{:02x}", mean(0), mean(1), mean(2));
  }

 private:
  std::vector<Share> across_;
  std::vector<Share> down_;
  std::vector<Cell> colours_;
  Grid grey_{};
};

using Waves = std::array<std::array<double, kGrid>, kLow>;

Waves MakeWaves() {
  Waves waves{};
  for (std::size_t u = 0; u < kLow; ++u) {
    const double scale = std::sqrt((u == 0 ? 1.0 : 2.0) / kGrid);
    for (std::size_t x = 0; x < kGrid; ++x) {
      waves[u][x] =
          scale * std::cos(std::numbers::pi * static_cast<double>(u) * (2 * static_cast<double>(x) + 1) / (2 * kGrid));
    }
  }
  return waves;
}

std::string HashOf(const Grid& grey) {
  static const Waves kWaves = MakeWaves();
  std::array<double, kLow * kLow> low{};
  for (std::size_t u = 0; u < kLow; ++u) {
    std::array<double, kGrid> across{};  // of each row
    for (std::size_t y = 0; y < kGrid; ++y) {
      for (std::size_t x = 0; x < kGrid; ++x) across[y] += grey[y][x] * kWaves[u][x];
    }
    for (std::size_t v = 0; v < kLow; ++v) {
      for (std::size_t y = 0; y < kGrid; ++y) low[v * kLow + u] += across[y] * kWaves[v][y];
    }
  }
  auto sorted = low;
  std::ranges::sort(sorted);
  const double median = (sorted[31] + sorted[32]) / 2;
  std::uint64_t bits = 0;
  for (const double frequency : low) bits = bits << 1U | (frequency > median + kNoise ? 1U : 0U);
  return fmt::format("{:016x}", bits);
}

}  // namespace

Look LookAt(const vips::VImage& image) {
  const vips::VImage pixels = FirstFrame(image).copy_memory();
  const auto width = static_cast<std::size_t>(pixels.width());
  const auto height = static_cast<std::size_t>(pixels.height());
  const auto bands = static_cast<std::size_t>(pixels.bands());
  const auto* data = static_cast<const std::uint8_t*>(pixels.data());
  Survey survey(width, height);
  for (std::size_t y = 0; y < height; ++y) survey.AddRow(data + y * width * bands, bands, y);
  return {.dominant_colour = survey.Dominant(), .perceptual_hash = HashOf(survey.grey())};
}

}  // namespace processors
