// The work under measurement: an image of any size in, a WebP at most 256 pixels wide and high out.
#pragma once

#include <string_view>
#include <vips/vips8>

namespace bench {

inline constexpr int kThumbnailSide = 256;  // pixels
inline constexpr int kQuality = 80;
inline constexpr int kEffort = 4;  // libvips' and sharp's default

// Keeps `bytes` by reference: they outlive the image. Throws vips::VError. Lazy: pixels are computed when asked for.
inline vips::VImage Thumbnail(std::string_view bytes) {
  VipsBlob* blob = vips_blob_new(nullptr, bytes.data(), bytes.size());
  vips::VImage image =
      vips::VImage::thumbnail_buffer(blob, kThumbnailSide, vips::VImage::option()->set("size", VIPS_SIZE_DOWN));
  vips_area_unref(VIPS_AREA(blob));
  return image;
}

// The caller unrefs the blob's area. Throws vips::VError.
inline VipsBlob* SaveWebp(const vips::VImage& image) {
  return image.webpsave_buffer(vips::VImage::option()->set("Q", kQuality)->set("effort", kEffort)->set("strip", true));
}

}  // namespace bench
