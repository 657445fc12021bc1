#include "processors/image/encode.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "processors/image/transform.h"
#include "processors/image/vips_errors.h"

namespace processors {

namespace {

using vips::VImage;

// Pixels. libwebp's and libjpeg's own; PNG's is beyond any image here.
int MaxSide(Format format) {
  constexpr int kWebpSide = 16'383;
  constexpr int kJpegSide = 65'500;
  return format == Format::kWebp ? kWebpSide : format == Format::kJpeg ? kJpegSide : VIPS_MAX_COORD;
}

std::string TakeBytes(VipsBlob* blob) {
  std::size_t bytes = 0;
  const auto* data = static_cast<const char*>(vips_blob_get(blob, &bytes));
  std::string text(data, bytes);
  vips_area_unref(VIPS_AREA(blob));
  return text;
}

// libvips 8.14's WebP saver keeps metadata even when it is told to strip, and writes EXIF anew from the single fields.
// What it adds to every WebP stays: size, resolution and orientation 1.
VImage WithoutMetadata(const VImage& image) {
  const auto is_metadata = [](std::string_view name) {
    return name.starts_with("exif-") || name.starts_with("png-comment-") || name == VIPS_META_ICC_NAME ||
           name == VIPS_META_XMP_NAME || name == VIPS_META_IPTC_NAME || name == VIPS_META_PHOTOSHOP_NAME ||
           name == VIPS_META_ORIENTATION;
  };
  char** const names = vips_image_get_fields(image.get_image());
  std::vector<std::string> doomed;
  for (char** name = names; name != nullptr && *name != nullptr; ++name) {
    if (is_metadata(*name)) doomed.emplace_back(*name);
  }
  g_strfreev(names);
  if (doomed.empty()) return image;
  VImage bare = image.copy();
  for (const std::string& name : doomed) bare.remove(name.c_str());
  return bare;
}

VipsBlob* Save(const VImage& image, const Encoding& encoding) {
  vips::VOption* options = VImage::option()->set("strip", true);
  switch (encoding.format) {
    case Format::kJpeg:
      return image.jpegsave_buffer(options->set("Q", encoding.quality));
    case Format::kWebp:
      return image.webpsave_buffer(options->set("Q", encoding.quality)->set("effort", encoding.effort));
    default:
      return image.pngsave_buffer(options);
  }
}

}  // namespace

Processed<std::string> Encode(const VImage& image, const Encoding& encoding) {
  try {
    VImage ready = encoding.format == Format::kWebp ? image : FirstFrame(image);
    if (encoding.format != Format::kPng || encoding.depth == Depth::kEight) ready = ToEightBit(ready);
    if (encoding.format == Format::kJpeg && ready.has_alpha()) {
      ready = ready.flatten(VImage::option()->set("background", std::vector<double>{255}));
    }
    const Size size = FrameSize(ready);
    if (std::max(size.width, size.height) > MaxSide(encoding.format)) {
      return Refuse("output-too-large",
                    fmt::format("{} x {} pixels do not fit a {}, whose sides may have {}", size.width, size.height,
                                NameOf(encoding.format), MaxSide(encoding.format)));
    }
    return TakeBytes(Save(WithoutMetadata(ready), encoding));
  } catch (const std::exception& error) {
    return RefuseFor("encoding-failed", error);
  }
}

std::string ContentTypeOf(Format format) {
  return fmt::format("image/{}", NameOf(format));
}

}  // namespace processors
