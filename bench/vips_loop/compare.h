// How far two folders of images are from each other.
#pragma once

#include <cstdint>
#include <filesystem>

namespace bench {

struct Comparison {
  int images = 0;     // in the first folder
  int missing = 0;    // of them, not in the second, or of another size or number of bands
  int identical = 0;  // of them, byte for byte
  // Absolute differences of decoded samples, 0 to 255: the mean over all images, and that of the worst image.
  double mean = 0;
  double worst = 0;
  // Sizes of the files that are in both folders.
  std::uintmax_t bytes = 0;
  std::uintmax_t other_bytes = 0;
};

// Compares NAME.webp of one folder with NAME.webp of the other. libvips is initialised. Throws std::runtime_error or
// vips::VError.
Comparison CompareFolders(const std::filesystem::path& one, const std::filesystem::path& other);

}  // namespace bench
