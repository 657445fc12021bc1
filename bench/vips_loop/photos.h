// Input that decodes like photographs: 1280 x 960 JPEGs with detail at every scale, edges and grain.
#pragma once

#include <cstdint>
#include <filesystem>

namespace bench {

inline constexpr int kPhotoWidth = 1280;  // pixels
inline constexpr int kPhotoHeight = 960;
inline constexpr int kPhotoQuality = 85;  // of the JPEG, chroma halved: what cameras and web sites use

// Writes FOLDER/photo-00000.jpg and so on, `count` of them, all different and each depending on its number only. What
// is there already is kept. Uses `processes` processes. Call it before libvips is initialised. Throws
// std::runtime_error.
void MakePhotos(const std::filesystem::path& folder, int count, int processes);

}  // namespace bench
