#include "processors/image/transform.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

namespace processors {

namespace {

using vips::VImage;

template <typename Change>
VImage PerFrame(const VImage& image, Change change) {
  const int frames = FrameCount(image);
  if (frames == 1) return change(image);
  const Size size = FrameSize(image);
  std::vector<VImage> changed;
  changed.reserve(static_cast<std::size_t>(frames));
  for (int i = 0; i < frames; ++i) {
    changed.push_back(change(image.extract_area(0, i * size.height, size.width, size.height)));
  }
  VImage joined = VImage::arrayjoin(changed, VImage::option()->set("across", 1)).copy();
  joined.set(VIPS_META_PAGE_HEIGHT, changed.front().height());
  return joined;
}

// Colours weigh as much as they are opaque, or what is transparent would shine through at edges.
template <typename Change>
VImage Premultiplied(const VImage& image, Change change) {
  if (!image.has_alpha()) return change(image);
  return change(image.premultiply()).unpremultiply().cast(image.format());
}

int Scaled(int side, double scale) {
  return std::max(1, static_cast<int>(std::lround(side * scale)));
}

// 0 to 3 quarter turns for a multiple of 90, -1 for any other angle.
int QuarterTurns(double degrees) {
  const double quarters = degrees / 90;
  if (quarters != std::floor(quarters)) return -1;
  return (static_cast<int>(quarters) % 4 + 4) % 4;
}

VImage RotateFreely(const VImage& image, double degrees) {
  const double white = image.format() == VIPS_FORMAT_USHORT ? 65535 : 255;
  const std::vector<double> background(static_cast<std::size_t>(image.bands()), image.has_alpha() ? 0 : white);
  return Premultiplied(image, [&](const VImage& frame) {
    return frame.rotate(degrees, VImage::option()->set("background", background));
  });
}

}  // namespace

int FrameCount(const VImage& image) {
  return image.height() / FrameSize(image).height;
}

Size FrameSize(const VImage& image) {
  return {image.width(), vips_image_get_page_height(image.get_image())};
}

VImage FirstFrame(const VImage& image) {
  if (FrameCount(image) == 1) return image;
  const Size size = FrameSize(image);
  VImage first = image.extract_area(0, 0, size.width, size.height).copy();
  first.remove(VIPS_META_PAGE_HEIGHT);
  return first;
}

bool IsPlain(const VImage& image) {
  switch (image.interpretation()) {
    case VIPS_INTERPRETATION_sRGB:
    case VIPS_INTERPRETATION_B_W:
      return image.format() == VIPS_FORMAT_UCHAR;
    case VIPS_INTERPRETATION_RGB16:
    case VIPS_INTERPRETATION_GREY16:
      return image.format() == VIPS_FORMAT_USHORT;
    default:
      return false;
  }
}

VImage ToEightBit(const VImage& image) {
  if (IsPlain(image) && image.format() == VIPS_FORMAT_UCHAR) return image;
  return image.colourspace(image.bands() < 3 ? VIPS_INTERPRETATION_B_W : VIPS_INTERPRETATION_sRGB)
      .cast(VIPS_FORMAT_UCHAR);
}

VImage ToRgb(const VImage& image) {
  return image.bands() < 3 ? image.colourspace(VIPS_INTERPRETATION_sRGB) : image;
}

Size FitInside(Size from, Size box) {
  const double scale =
      std::min({1.0, static_cast<double>(box.width) / from.width, static_cast<double>(box.height) / from.height});
  return {Scaled(from.width, scale), Scaled(from.height, scale)};
}

Size FitOver(Size from, Size box) {
  const double scale = std::min(
      1.0, std::max(static_cast<double>(box.width) / from.width, static_cast<double>(box.height) / from.height));
  return {Scaled(from.width, scale), Scaled(from.height, scale)};
}

Size Turned(Size from, double degrees) {
  const int quarters = QuarterTurns(degrees);
  if (quarters >= 0) return quarters % 2 == 0 ? from : Size{from.height, from.width};
  const double radians = degrees * std::numbers::pi / 180;
  const double across = std::abs(std::cos(radians));
  const double along = std::abs(std::sin(radians));
  return {static_cast<int>(std::ceil(from.width * across + from.height * along)),
          static_cast<int>(std::ceil(from.width * along + from.height * across))};
}

VImage ResizeTo(const VImage& image, Size size) {
  const Size from = FrameSize(image);
  if (from.width == size.width && from.height == size.height) return image;
  const double across = static_cast<double>(size.width) / from.width;
  const double down = static_cast<double>(size.height) / from.height;
  return PerFrame(image, [&](const VImage& frame) {
    return Premultiplied(
        frame, [&](const VImage& straight) { return straight.resize(across, VImage::option()->set("vscale", down)); });
  });
}

VImage CropToAttention(const VImage& image, Size size) {
  const Size from = FrameSize(image);
  const Size part = {std::min(size.width, from.width), std::min(size.height, from.height)};
  if (FrameCount(image) == 1) return image.smartcrop(part.width, part.height);
  return Crop(image, (from.width - part.width) / 2, (from.height - part.height) / 2, part);
}

VImage Crop(const VImage& image, int left, int top, Size size) {
  return PerFrame(image, [&](const VImage& frame) { return frame.extract_area(left, top, size.width, size.height); });
}

VImage Rotate(const VImage& image, double degrees) {
  const int quarters = QuarterTurns(degrees);
  if (quarters == 0) return image;
  return PerFrame(image, [&](const VImage& frame) {
    return quarters > 0 ? frame.rot(static_cast<VipsAngle>(quarters)) : RotateFreely(frame, degrees);
  });
}

VImage Grayscale(const VImage& image) {
  return image.colourspace(image.format() == VIPS_FORMAT_USHORT ? VIPS_INTERPRETATION_GREY16 : VIPS_INTERPRETATION_B_W);
}

}  // namespace processors
