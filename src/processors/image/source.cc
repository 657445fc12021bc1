#include "processors/image/source.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <optional>

#include "job/limits.h"
#include "processors/image/transform.h"
#include "processors/image/vips_errors.h"
#include "processors/sniff/sniff.h"

namespace processors {

namespace {

using vips::VImage;
using vips::VOption;

struct BlobRelease {
  void operator()(VipsBlob* blob) const { vips_area_unref(VIPS_AREA(blob)); }
};
using Blob = std::unique_ptr<VipsBlob, BlobRelease>;

Blob BlobOf(std::string_view bytes) {
  return Blob(vips_blob_new(nullptr, bytes.data(), bytes.size()));
}

std::optional<Format> FormatOf(std::string_view name) {
  const auto* const found = std::ranges::find(kFormatNames, name);
  if (found == std::end(kFormatNames)) return std::nullopt;
  return static_cast<Format>(found - std::begin(kFormatNames));
}

Processed<void> CheckSize(std::uint64_t width, std::uint64_t height, std::uint64_t frames, std::uint64_t max_pixels) {
  if (std::max(width, height) > job::kMaxImageSide) {
    return Refuse("image-too-large",
                  fmt::format("the image is {} x {} pixels, a side may have {}", width, height, job::kMaxImageSide));
  }
  if (frames > job::kMaxImageFrames) {
    return Refuse("too-many-frames",
                  fmt::format("the animation has {} frames, {} are allowed", frames, job::kMaxImageFrames));
  }
  const std::uint64_t pixels = width * height * frames;
  if (pixels <= max_pixels) return {};
  return Refuse("too-many-pixels", fmt::format("the image has {} pixels ({} x {} x {}), {} are allowed", pixels, width,
                                               height, frames, max_pixels));
}

std::uint64_t LittleEndian(std::string_view bytes, std::size_t at, std::size_t count) {
  std::uint64_t value = 0;
  for (std::size_t i = count; i-- > 0;) value = value << 8U | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

// libvips takes memory for a whole canvas when it only opens a WebP animation; so the canvas of its VP8X chunk is
// looked at first.
Processed<void> CheckWebpCanvas(std::string_view bytes, std::uint64_t max_pixels) {
  if (bytes.size() < 30 || bytes.substr(12, 4) != "VP8X") return {};
  return CheckSize(LittleEndian(bytes, 24, 3) + 1, LittleEndian(bytes, 27, 3) + 1, 1, max_pixels);
}

VOption* Loading(VOption* options, bool all_frames) {
  options->set("access", VIPS_ACCESS_SEQUENTIAL)->set("fail_on", VIPS_FAIL_ON_ERROR);
  return all_frames ? options->set("n", -1) : options;
}

bool HasFittingProfile(const VImage& image) {
  const void* data = nullptr;
  std::size_t bytes = 0;
  return image.get_typeof(VIPS_META_ICC_NAME) != 0 &&
         vips_image_get_blob(image.get_image(), VIPS_META_ICC_NAME, &data, &bytes) == 0 &&
         vips_icc_is_compatible_profile(image.get_image(), data, bytes) != 0;
}

// What vips_thumbnail_buffer of libvips 8.14 asks of the JPEG decoder, which shrinks by whole blocks for almost
// nothing: at least a factor of two is left to the resampler, for the sake of quality.
int JpegShrink(int width, int height, const Box& box) {
  double shrink = std::max(static_cast<double>(width) / box.width, static_cast<double>(height) / box.height);
  if (box.size == VIPS_SIZE_FORCE) {
    shrink = std::min(static_cast<double>(width) / box.width, static_cast<double>(height) / box.height);
  }
  return shrink >= 16 ? 8 : shrink >= 8 ? 4 : shrink >= 4 ? 2 : 1;
}

// A single frame carries no height of pages: whoever changes its size would leave a wrong one behind.
VImage WithoutPages(const VImage& image) {
  if (image.get_typeof(VIPS_META_PAGE_HEIGHT) == 0) return image;
  VImage copy = image.copy();
  for (const char* name : {VIPS_META_PAGE_HEIGHT, VIPS_META_N_PAGES, "delay", "loop"}) copy.remove(name);
  return copy;
}

}  // namespace

Processed<Source> Source::Open(std::string_view bytes, std::uint64_t max_pixels) {
  if (auto mismatch = RefuseMismatch("image", bytes)) return std::unexpected(*std::move(mismatch));
  const auto sniffed = Sniff(bytes);
  if (!sniffed) return Refuse("invalid-image", "the bytes are no JPEG, PNG, WebP or GIF image");
  const auto format = FormatOf(sniffed->format);
  if (!format) {
    return Refuse("unsupported-format",
                  fmt::format("the bytes are a {}; JPEG, PNG, WebP and GIF are processed", sniffed->label));
  }
  Source source;
  source.bytes_ = bytes;
  source.format_ = *format;
  if (*format == Format::kWebp) {
    if (auto fits = CheckWebpCanvas(bytes, max_pixels); !fits) return std::unexpected(std::move(fits).error());
  }
  try {
    source.ReadHeader();
  } catch (const std::exception& error) {
    return RefuseFor("invalid-image", error);
  }
  auto fits = CheckSize(static_cast<std::uint64_t>(source.width_), static_cast<std::uint64_t>(source.height_),
                        static_cast<std::uint64_t>(source.frames_), max_pixels);
  if (!fits) return std::unexpected(std::move(fits).error());
  return source;
}

void Source::ReadHeader() {
  const Blob blob = BlobOf(bytes_);
  VOption* options = Loading(VImage::option(), false);
  switch (format_) {
    case Format::kJpeg:
      raw_ = VImage::jpegload_buffer(blob.get(), options);
      break;
    case Format::kPng:
      raw_ = VImage::pngload_buffer(blob.get(), options);
      break;
    case Format::kWebp:
      raw_ = VImage::webpload_buffer(blob.get(), options);
      break;
    case Format::kGif:
      raw_ = VImage::gifload_buffer(blob.get(), options);
      break;
  }
  frames_ = std::max(1, vips_image_get_n_pages(raw_.get_image()));
  if (frames_ == 1) orientation_ = vips_image_get_orientation(raw_.get_image());
  width_ = raw_.width();
  height_ = raw_.height();
  if (orientation_ >= 5) std::swap(width_, height_);
  if (HasFittingProfile(raw_)) {
    colours_ = Colours::kProfile;
  } else if (raw_.interpretation() == VIPS_INTERPRETATION_CMYK) {
    colours_ = Colours::kCmyk;
  }
}

Processed<VImage> Source::Shrunk(const Box& box, Frames frames) const {
  try {
    const Blob blob = BlobOf(bytes_);
    VOption* options = VImage::option()->set("height", box.height)->set("size", box.size);
    options->set("no_rotate", orientation_ == 1);
    if (format_ == Format::kJpeg && colours_ == Colours::kDevice && orientation_ == 1) {
      // The same pixels without libvips' search among its loaders, which costs as much as a tenth of the decoding.
      VOption* loading = Loading(VImage::option(), false)->set("shrink", JpegShrink(width_, height_, box));
      const VImage loaded = VImage::jpegload_buffer(blob.get(), loading);
      return WithoutPages(ToEightBit(loaded.thumbnail_image(box.width, options))).copy_memory();
    }
    // libvips 8.14 does not pass its own fail_on on to the loader.
    options->set("option_string", AllOf(frames) ? "[fail_on=error,n=-1]" : "[fail_on=error]");
    // Without a profile there is nothing to convert from, and the conversion would cost time.
    if (colours_ != Colours::kDevice) options->set("export_profile", "srgb");
    if (colours_ == Colours::kCmyk) options->set("import_profile", "cmyk");
    const VImage image = ToEightBit(VImage::thumbnail_buffer(blob.get(), box.width, options));
    return (AllOf(frames) ? image : WithoutPages(image)).copy_memory();
  } catch (const std::exception& error) {
    return RefuseFor("invalid-image", error);
  }
}

Processed<VImage> Source::Full(Frames frames) const {
  try {
    VImage image = VImage::new_from_buffer(bytes_.data(), bytes_.size(), "", Loading(VImage::option(), AllOf(frames)));
    if (colours_ != Colours::kDevice) {
      VOption* options = VImage::option()->set("embedded", colours_ == Colours::kProfile);
      options->set("intent", VIPS_INTENT_RELATIVE)->set("depth", image.format() == VIPS_FORMAT_USHORT ? 16 : 8);
      if (colours_ == Colours::kCmyk) options->set("input_profile", "cmyk");
      image = image.icc_transform("srgb", options);
    } else if (!IsPlain(image)) {
      image = image.colourspace(image.bands() < 3 ? VIPS_INTERPRETATION_B_W : VIPS_INTERPRETATION_sRGB);
    }
    if (!AllOf(frames)) image = WithoutPages(image);
    image = image.copy_memory();
    return orientation_ == 1 ? image : image.autorot();
  } catch (const std::exception& error) {
    return RefuseFor("invalid-image", error);
  }
}

}  // namespace processors
