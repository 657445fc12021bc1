// Images in memory made into others: pure functions over libvips pipelines. Frames of an animation lie one below the
// other and are each treated alone. Everything may throw vips::VError; nothing is computed before pixels are asked for.
#pragma once

#include <cstdint>
#include <vips/vips8>

namespace processors {

struct Size {
  int width = 0;
  int height = 0;
};

[[nodiscard]] int FrameCount(const vips::VImage& image);
[[nodiscard]] Size FrameSize(const vips::VImage& image);
[[nodiscard]] vips::VImage FirstFrame(const vips::VImage& image);

// 8 or 16 bit, sRGB or grey: what transforms and encoders take.
[[nodiscard]] bool IsPlain(const vips::VImage& image);
[[nodiscard]] vips::VImage ToEightBit(const vips::VImage& image);
// Three colours, and alpha if there was one; grey becomes equal colours.
[[nodiscard]] vips::VImage ToRgb(const vips::VImage& image);

// What fits into `box` with `from`'s proportions, never larger than `from`; at least 1 x 1.
[[nodiscard]] Size FitInside(Size from, Size box);
// The least that covers `box` with `from`'s proportions, never larger than `from`.
[[nodiscard]] Size FitOver(Size from, Size box);
// What `from` becomes when it is turned by `degrees`; exact for multiples of 90.
[[nodiscard]] Size Turned(Size from, double degrees);

[[nodiscard]] vips::VImage ResizeTo(const vips::VImage& image, Size size);
// The part of `size`, or less where the image is smaller, that draws most attention; of an animation, the middle.
[[nodiscard]] vips::VImage CropToAttention(const vips::VImage& image, Size size);
[[nodiscard]] vips::VImage Crop(const vips::VImage& image, int left, int top, Size size);
// Clockwise. Uncovered corners are transparent where there is an alpha, white otherwise.
[[nodiscard]] vips::VImage Rotate(const vips::VImage& image, double degrees);
[[nodiscard]] vips::VImage Grayscale(const vips::VImage& image);

}  // namespace processors
