#include "processors/image/look.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "processors/image/transform.h"
#include "processors/perceptual_hash.h"

namespace processors {

namespace {

constexpr std::size_t kGrid = kHashSide;  // cells a side
constexpr std::size_t kSampledSide = 96;  // rows, and colours of a row, that are enough: three for each cell

// How a pixel is divided between the cell that it begins in and the next one, along one side.
struct Share {
  std::size_t cell = 0;
  float here = 0;
  float next = 0;
};

// A side shorter than the grid counts each pixel `Repeats` times, so that none reaches over more than two cells.
std::size_t Repeats(std::size_t side) {
  return (kGrid + side - 1) / side;
}

std::vector<Share> Shares(std::size_t side) {
  const std::size_t steps = side * Repeats(side);
  std::vector<Share> shares(steps);
  const double cells = static_cast<double>(kGrid) / static_cast<double>(steps);  // that a step covers, at most 1
  for (std::size_t i = 0; i < steps; ++i) {
    const double begin = static_cast<double>(i) * cells;
    const std::size_t cell = std::min(static_cast<std::size_t>(begin), kGrid - 1);
    const double over = std::max(0.0, begin + cells - static_cast<double>(cell) - 1);
    shares[i] = {cell, static_cast<float>(cells - over), static_cast<float>(over)};
  }
  return shares;
}

struct Cell {
  std::uint64_t weight = 0;
  std::array<std::uint64_t, 3> sums{};
};

// One pass over rows: their pixels go to their places' cells, and enough of them to their colours' cells.
class Survey {
 public:
  Survey(std::size_t width, std::size_t height, std::size_t bands)
      : width_(width),
        height_(height),
        bands_(bands),
        across_(Shares(width)),
        down_(Shares(height)),
        row_(width),
        columns_((kGrid + 1) * width) {}

  // stride: bytes from one row that counts to the next.
  void Read(const std::uint8_t* pixels, std::size_t stride) {
    for (std::size_t y = 0; y < height_; ++y, pixels += stride) {
      AddColours(pixels, std::max<std::size_t>(1, width_ / kSampledSide));
      ToGreyOf(pixels);
      AddGrey(y);
    }
    GatherColumns();
  }

  [[nodiscard]] const HashGrid& grey() const { return grey_; }  // 0 to 255
  [[nodiscard]] std::string Dominant() const {
    const Cell& fullest = *std::ranges::max_element(colours_, {}, &Cell::weight);
    const auto mean = [&](std::size_t i) {
      return fullest.weight == 0 ? 255 : (fullest.sums[i] + fullest.weight / 2) / fullest.weight;
    };
    return fmt::format("#{:02x}{:02x}{:02x}", mean(0), mean(1), mean(2));
  }

 private:
  [[nodiscard]] bool HasAlpha() const { return bands_ % 2 == 0; }
  [[nodiscard]] std::uint32_t OpacityOf(const std::uint8_t* pixel) const {
    return HasAlpha() ? pixel[bands_ - 1] : 255;
  }

  void AddColours(const std::uint8_t* pixel, std::size_t step) {
    for (std::size_t x = 0; x < width_; x += step, pixel += step * bands_) {
      const std::uint32_t red = pixel[0];
      const std::uint32_t green = bands_ >= 3 ? pixel[1] : red;
      const std::uint32_t blue = bands_ >= 3 ? pixel[2] : red;
      const std::uint32_t opacity = OpacityOf(pixel);
      Cell& cell = colours_[(red >> 5U) << 6U | (green >> 5U) << 3U | blue >> 5U];
      cell.weight += opacity;
      cell.sums[0] += std::uint64_t{red} * opacity;
      cell.sums[1] += std::uint64_t{green} * opacity;
      cell.sums[2] += std::uint64_t{blue} * opacity;
    }
  }

  // kBands is the compiler's to know: this loop is most of the time.
  template <std::size_t kBands>
  void ToGrey(const std::uint8_t* pixel) {
    constexpr float kScale = 1.0F / 1000;
    constexpr bool kAlpha = kBands % 2 == 0;
    for (std::size_t x = 0; x < width_; ++x, pixel += kBands) {
      const int grey = kBands >= 3 ? 299 * pixel[0] + 587 * pixel[1] + 114 * pixel[2] : 1000 * pixel[0];
      const int opacity = kAlpha ? pixel[kBands - 1] : 255;
      row_[x] = kScale * static_cast<float>(kAlpha ? 255'000 - (255'000 - grey) / 255 * opacity : grey);
    }
  }

  void ToGreyOf(const std::uint8_t* pixels) {
    switch (bands_) {
      case 1:
        return ToGrey<1>(pixels);
      case 2:
        return ToGrey<2>(pixels);
      case 3:
        return ToGrey<3>(pixels);
      default:
        return ToGrey<4>(pixels);
    }
  }

  void AddGrey(std::size_t y) {
    const std::size_t down = Repeats(height_);
    for (std::size_t i = y * down; i < (y + 1) * down; ++i) {
      float* const here = &columns_[down_[i].cell * width_];
      float* const next = here + width_;
      for (std::size_t x = 0; x < width_; ++x) here[x] += down_[i].here * row_[x];
      if (down_[i].next == 0) continue;
      for (std::size_t x = 0; x < width_; ++x) next[x] += down_[i].next * row_[x];
    }
  }

  void GatherColumns() {
    const std::size_t across = Repeats(width_);
    for (std::size_t y = 0; y < kGrid; ++y) {
      for (std::size_t i = 0; i < across_.size(); ++i) {
        const double grey = columns_[y * width_ + i / across];
        const Share& share = across_[i];
        grey_[y][share.cell] += static_cast<double>(share.here) * grey;
        if (share.next > 0 && share.cell + 1 < kGrid)
          grey_[y][share.cell + 1] += static_cast<double>(share.next) * grey;
      }
    }
  }

  const std::size_t width_;
  const std::size_t height_;
  const std::size_t bands_;
  const std::vector<Share> across_;
  const std::vector<Share> down_;
  std::vector<float> row_;      // grey, 0 to 255
  std::vector<float> columns_;  // grid rows of whole width, and one for what rounding leaves past the last
  std::vector<Cell> colours_ = std::vector<Cell>(512);
  HashGrid grey_{};
};

}  // namespace

Look LookAt(const vips::VImage& image) {
  const vips::VImage pixels = FirstFrame(image).copy_memory();
  const auto width = static_cast<std::size_t>(pixels.width());
  const auto height = static_cast<std::size_t>(pixels.height());
  const auto bands = static_cast<std::size_t>(pixels.bands());
  const std::size_t step = std::max<std::size_t>(1, height / kSampledSide);
  Survey survey(width, (height + step - 1) / step, bands);
  survey.Read(static_cast<const std::uint8_t*>(pixels.data()), step * width * bands);
  return {.dominant_colour = survey.Dominant(),
          .perceptual_hash = fmt::format("{:016x}", PerceptualHash(survey.grey()))};
}

}  // namespace processors
