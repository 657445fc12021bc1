// The operations on one image, read into steps. The catalog has checked their parameters.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "ports/processor.h"
#include "processors/image/exif.h"
#include "processors/image/source.h"
#include "processors/image/transform.h"

namespace processors {

enum class StepKind : std::uint8_t { kThumbnail, kPreview, kConvert, kResize, kCrop, kRotate, kGrayscale };
enum class Fit : std::uint8_t { kInside, kCover };

struct Step {
  StepKind kind = StepKind::kThumbnail;
  Size size;  // kResize: a side that is not given is 0
  int left = 0;
  int top = 0;
  double degrees = 0;
  Fit fit = Fit::kInside;
  Format format = Format::kWebp;
  int quality = 80;
};

[[nodiscard]] constexpr bool Emits(StepKind kind) {
  return kind <= StepKind::kConvert;
}

struct Plan {
  std::vector<Step> steps;  // transforms at the end are followed by a kConvert to the source's format, PNG for a GIF
  Location location = Location::kDrop;
  // kAll when some step can hold an animation: a thumbnail or conversion to WebP.
  Frames frames = Frames::kFirst;
};

[[nodiscard]] Plan MakePlan(std::span<const ports::Operation> operations, Format source);

}  // namespace processors
