#include "photos.h"

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <vector>
#include <vips/vips8>

namespace bench {

namespace {

constexpr int kBands = 3;
constexpr int kShapes = 14;       // ellipses and boxes an image
constexpr float kLeastGrain = 7;  // peak to peak, of 255: a sensor's noise
constexpr float kMostGrain = 15;
constexpr int kCoarsestCell = 512;       // pixels: the longest wave
constexpr int kFinestLumaCell = 2;       // pixels
constexpr int kFinestChromaCell = 32;    // colour varies slowly in photographs
constexpr float kLumaAmplitude = 0.17F;  // of 255 for a cell of 512, falling with its root: about 1/f in power
constexpr float kChromaAmplitude = 0.10F;

using Plane = std::vector<float>;  // kPhotoHeight rows of kPhotoWidth, 0 to 255

// SplitMix64 (Steele, Lea, Flood 2014): the same numbers everywhere.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t Next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31U);
  }
  float Within(float low, float high) { return low + (high - low) * static_cast<float>(Next() >> 40U) * 0x1p-24F; }

 private:
  std::uint64_t state_;
};

// Adds smooth noise: random values at the corners of cells, interpolated between them.
void AddNoise(Plane& plane, int cell, float amplitude, Random& random) {
  const int columns = kPhotoWidth / cell + 2;
  const int rows = kPhotoHeight / cell + 2;
  std::vector<float> corners(static_cast<std::size_t>(columns) * rows);
  for (float& corner : corners) corner = random.Within(-amplitude, amplitude);
  std::vector<float> line(columns);
  for (int y = 0; y < kPhotoHeight; ++y) {
    const float* above = &corners[static_cast<std::size_t>(y / cell) * columns];
    const float down = static_cast<float>(y % cell) / static_cast<float>(cell);
    for (int i = 0; i < columns; ++i) line[i] = above[i] + (above[i + columns] - above[i]) * down;
    float* row = &plane[static_cast<std::size_t>(y) * kPhotoWidth];
    for (int x = 0; x < kPhotoWidth; x += cell) {
      const float from = line[x / cell];
      const float step = (line[x / cell + 1] - from) / static_cast<float>(cell);
      const int end = std::min(cell, kPhotoWidth - x);
      for (int i = 0; i < end; ++i) row[x + i] += from + step * static_cast<float>(i);
    }
  }
}

void AddOctaves(Plane& plane, int finest, float amplitude, Random& random) {
  for (int cell = kCoarsestCell; cell >= finest; cell /= 2) {
    AddNoise(plane, cell, 255 * amplitude * std::sqrt(static_cast<float>(cell) / kCoarsestCell), random);
  }
}

// Fills an ellipse or a box: hard edges, a shade of its own. The texture below shows through.
void AddShape(std::array<Plane, kBands>& planes, Random& random) {
  const bool round = (random.Next() & 1U) != 0;
  const float centre_x = random.Within(0, kPhotoWidth);
  const float centre_y = random.Within(0, kPhotoHeight);
  const float half_width = random.Within(20, 220);
  const float half_height = random.Within(20, 220);
  std::array<float, kBands> shade{};
  for (float& value : shade) value = random.Within(-70, 70);
  const int top = std::max(0, static_cast<int>(centre_y - half_height));
  const int bottom = std::min(kPhotoHeight, static_cast<int>(centre_y + half_height));
  for (int y = top; y < bottom; ++y) {
    const float v = (static_cast<float>(y) - centre_y) / half_height;
    const float reach = round ? half_width * std::sqrt(std::max(0.0F, 1 - v * v)) : half_width;
    const int left = std::clamp(static_cast<int>(centre_x - reach), 0, kPhotoWidth);
    const int right = std::clamp(static_cast<int>(centre_x + reach), 0, kPhotoWidth);
    for (int band = 0; band < kBands; ++band) {
      float* row = &planes[band][static_cast<std::size_t>(y) * kPhotoWidth];
      for (int x = left; x < right; ++x) row[x] += shade[band];
    }
  }
}

// A gradient from one colour to another, as skies and walls have it.
void AddGradient(std::array<Plane, kBands>& planes, Random& random) {
  for (Plane& plane : planes) {
    const float base = random.Within(60, 150);
    const float across = random.Within(-60, 60);
    const float down = random.Within(-80, 80);
    for (int y = 0; y < kPhotoHeight; ++y) {
      const float start = base + down * static_cast<float>(y) / kPhotoHeight;
      float* row = &plane[static_cast<std::size_t>(y) * kPhotoWidth];
      for (int x = 0; x < kPhotoWidth; ++x) row[x] += start + across * static_cast<float>(x) / kPhotoWidth;
    }
  }
}

std::vector<std::uint8_t> Pixels(int number) {
  Random random(static_cast<std::uint64_t>(number) + 1);
  constexpr std::size_t kPixels = static_cast<std::size_t>(kPhotoWidth) * kPhotoHeight;
  std::array<Plane, kBands> planes;
  for (Plane& plane : planes) plane.assign(kPixels, 0);
  AddGradient(planes, random);
  for (int i = 0; i < kShapes; ++i) AddShape(planes, random);
  for (Plane& plane : planes) AddOctaves(plane, kFinestChromaCell, kChromaAmplitude, random);
  Plane luma(kPixels, 0);
  AddOctaves(luma, kFinestLumaCell, kLumaAmplitude, random);
  const float grain = random.Within(kLeastGrain, kMostGrain);
  for (float& value : luma) value += random.Within(-grain / 2, grain / 2);
  std::vector<std::uint8_t> pixels(kPixels * kBands);
  for (std::size_t i = 0; i < kPixels; ++i) {
    for (int band = 0; band < kBands; ++band) {
      pixels[i * kBands + band] = static_cast<std::uint8_t>(std::clamp(planes[band][i] + luma[i], 0.0F, 255.0F));
    }
  }
  return pixels;
}

void MakePhoto(const std::filesystem::path& path, int number) {
  std::vector<std::uint8_t> pixels = Pixels(number);
  const vips::VImage image =
      vips::VImage::new_from_memory(pixels.data(), pixels.size(), kPhotoWidth, kPhotoHeight, kBands, VIPS_FORMAT_UCHAR)
          .copy(vips::VImage::option()->set("interpretation", VIPS_INTERPRETATION_sRGB));
  // Renamed when whole: a run that was stopped leaves no half of a file under its name.
  const std::string unfinished = path.string() + ".part";
  image.jpegsave(unfinished.c_str(), vips::VImage::option()->set("Q", kPhotoQuality)->set("strip", true));
  std::filesystem::rename(unfinished, path);
}

void MakeShare(const std::filesystem::path& folder, int count, int first, int step) {
  if (VIPS_INIT("bench-vips-loop") != 0) throw std::runtime_error("libvips does not start");
  for (int number = first; number < count; number += step) {
    const std::filesystem::path path = folder / fmt::format("photo-{:05}.jpg", number);
    if (!std::filesystem::exists(path)) MakePhoto(path, number);
  }
}

}  // namespace

void MakePhotos(const std::filesystem::path& folder, int count, int processes) {
  std::filesystem::create_directories(folder);
  std::vector<pid_t> children;
  for (int i = 0; i < processes; ++i) {
    const pid_t pid = fork();
    if (pid < 0) throw std::runtime_error("fork failed");
    if (pid > 0) {
      children.push_back(pid);
      continue;
    }
    try {
      MakeShare(folder, count, i, processes);
    } catch (const std::exception& error) {
      fmt::print(stderr, "bench-vips-loop: {}\n", error.what());
      _exit(1);
    }
    _exit(0);
  }
  bool failed = false;
  for (const pid_t child : children) {
    int status = 0;
    waitpid(child, &status, 0);
    failed = failed || status != 0;
  }
  if (failed) throw std::runtime_error("the photos could not be made");
}

}  // namespace bench
