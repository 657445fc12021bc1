// What an image looks like, from few of its pixels.
#pragma once

#include <string>
#include <vips/vips8>

namespace processors {

struct Look {
  std::string dominant_colour;  // "#rrggbb": the mean of the fullest of 512 equal cells of the RGB cube, by opacity
  // 16 hex digits, the first bit first. pHash: grey by ITU-R BT.601 over white, averaged to 32 x 32, type II DCT; the 8
  // x 8 lowest frequencies row by row, a bit each: above their median. Compare by Hamming distance.
  std::string perceptual_hash;
};

// Of the first frame of an 8 bit sRGB or grey image. Costs about 2 ns a pixel: give it a small one. May throw
// vips::VError.
[[nodiscard]] Look LookAt(const vips::VImage& image);

}  // namespace processors
