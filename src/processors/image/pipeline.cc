#include "processors/image/pipeline.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "job/limits.h"
#include "processors/image/encode.h"
#include "processors/image/transform.h"

namespace processors {

namespace {

using vips::VImage;

constexpr int kLookSide = 128;     // pixels that are enough to describe an image
constexpr int kMaxLookSide = 512;  // beyond, shrinking first is cheaper than looking at every pixel
constexpr int kPreviewEffort = 2;  // previews are many and only looked at small

std::uint64_t Pixels(Size size) {
  return static_cast<std::uint64_t>(size.width) * static_cast<std::uint64_t>(size.height);
}

// What the source must be decoded to for a step: to cover a box, only the side that gets there last is bound.
Box BoxFor(const Step& step, const Source& source) {
  if (step.fit == Fit::kInside) return {step.size.width, step.size.height};
  const bool wide =
      static_cast<double>(source.width()) / step.size.width > static_cast<double>(source.height()) / step.size.height;
  return wide ? Box{kAnySide, step.size.height} : Box{step.size.width, kAnySide};
}

Size Fitted(Size from, const Step& step) {
  return step.fit == Fit::kCover ? FitOver(from, step.size) : FitInside(from, step.size);
}

// Whether pixels made for an operation show what those made to look at would: a tiny thumbnail, or one out of shape,
// has lost it.
bool IsEnough(const VImage& made, Size source) {
  const Size wanted = FitInside(source, {kLookSide, kLookSide});
  const Size have = FrameSize(made);
  return 2 * have.width >= wanted.width && 2 * have.height >= wanted.height;
}

VImage Trimmed(const VImage& image, const Step& step) {
  return step.fit == Fit::kCover ? CropToAttention(image, step.size) : image;
}

}  // namespace

Pipeline::Pipeline(const Source& source, const Plan& plan, std::uint64_t max_pixels)
    : source_(source), plan_(plan), max_pixels_(max_pixels) {
  std::uint64_t most = 0;
  for (const Step& step : plan.steps) {
    if (!Emits(step.kind)) break;
    if (step.kind == StepKind::kConvert) continue;
    const std::uint64_t pixels = Pixels(Fitted({source.width(), source.height()}, step));
    if (pixels <= most) continue;
    most = pixels;
    shrunk_box_ = BoxFor(step, source);
  }
}

Processed<void> Pipeline::Run() {
  for (const Step& step : plan_.steps) {
    auto done = Emits(step.kind) ? Store(step) : Transform(step);
    if (!done) return done;
  }
  return {};
}

Processed<void> Pipeline::Transform(const Step& step) {
  auto changed = Transformed(step);
  if (!changed) return std::unexpected(std::move(changed).error());
  // Of an animation every frame is a pipeline of its own: they must not pile up from step to step.
  working_ = FrameCount(*changed) > 1 ? changed->copy_memory() : *changed;
  return {};
}

Processed<VImage> Pipeline::Transformed(const Step& step) {
  if (step.kind == StepKind::kResize) return Resized(step);
  const auto working = Working();
  if (!working) return working;
  const VImage& image = *working;
  const Size size = FrameSize(image);
  if (step.kind == StepKind::kGrayscale) return Grayscale(image);
  if (step.kind == StepKind::kRotate) {
    if (auto fits = CheckPixels(Turned(size, step.degrees)); !fits) return std::unexpected(std::move(fits).error());
    return Rotate(image, step.degrees);
  }
  if (step.left > size.width - step.size.width || step.top > size.height - step.size.height) {
    return Refuse("crop-outside",
                  fmt::format("{} x {} pixels at {}, {} reach outside the {} x {} of the image", step.size.width,
                              step.size.height, step.left, step.top, size.width, size.height));
  }
  return Crop(image, step.left, step.top, step.size);
}

Processed<VImage> Pipeline::Resized(const Step& step) {
  const Size from = working_ ? FrameSize(*working_) : Size{source_.width(), source_.height()};
  Size to = step.size;
  const auto scaled = [](int side, int given, int other) {
    return std::max(1, static_cast<int>(std::lround(static_cast<double>(side) * given / other)));
  };
  if (to.width == 0) to.width = scaled(from.width, to.height, from.height);
  if (to.height == 0) to.height = scaled(from.height, to.width, from.width);
  if (auto fits = CheckPixels(to); !fits) return std::unexpected(std::move(fits).error());
  const bool deep = source_.header().format() == VIPS_FORMAT_USHORT;
  if (!working_ && !full_ && !deep && to.width < from.width && to.height < from.height) {
    auto resized = source_.Shrunk({to.width, to.height, VIPS_SIZE_FORCE}, plan_.frames);
    if (resized) resized_ = *resized;
    return resized;
  }
  auto working = Working();
  if (!working) return working;
  return ResizeTo(*working, to);
}

Processed<void> Pipeline::Store(const Step& step) {
  Processed<VImage> image = Small(step);
  if (!image) return std::unexpected(std::move(image).error());
  const bool preview = step.kind == StepKind::kPreview;
  Encoding encoding{.format = step.format, .quality = step.quality};
  if (preview) encoding.effort = kPreviewEffort;
  if (step.kind == StepKind::kConvert) encoding.depth = Depth::kOwn;
  auto bytes = Encode(preview ? FirstFrame(*image) : *image, encoding);
  if (!bytes) return std::unexpected(std::move(bytes).error());
  const std::string_view stem = preview ? "preview" : step.kind == StepKind::kThumbnail ? "thumbnail" : "image";
  artifacts_.push_back({UniqueName(stem, step.format), ContentTypeOf(step.format), *std::move(bytes)});
  return {};
}

Processed<VImage> Pipeline::Small(const Step& step) {
  if (working_) working_ = working_->copy_memory();  // once, however many steps use it
  if (step.kind == StepKind::kConvert) return Working();
  if (!working_) return SmallOfSource(step);
  const VImage image = step.kind == StepKind::kPreview ? FirstFrame(*working_) : *working_;
  return Trimmed(ResizeTo(ToEightBit(image), Fitted(FrameSize(image), step)), step);
}

Processed<VImage> Pipeline::SmallOfSource(const Step& step) {
  const Box box = BoxFor(step, source_);
  if (!shrunk_) {
    auto shrunk = source_.Shrunk(shrunk_box_, plan_.frames);
    if (!shrunk) return shrunk;
    shrunk_ = *std::move(shrunk);
  }
  if (box == shrunk_box_) return Trimmed(*shrunk_, step);
  const Size to = Fitted({source_.width(), source_.height()}, step);
  const Size have = FrameSize(*shrunk_);
  // Scaling twice blurs unless the second step is a large one; a preview need not be sharp.
  const int spare = step.kind == StepKind::kPreview ? 1 : 2;
  if (have.width >= spare * to.width && have.height >= spare * to.height) {
    const VImage image = step.kind == StepKind::kPreview ? FirstFrame(*shrunk_) : *shrunk_;
    return Trimmed(ResizeTo(image, to), step);
  }
  auto own = source_.Shrunk(box, plan_.frames);
  if (!own) return own;
  return Trimmed(*own, step);
}

Processed<Look> Pipeline::Describe() {
  const Size source{source_.width(), source_.height()};
  Processed<VImage> pixels = shrunk_ && IsEnough(*shrunk_, source)     ? *shrunk_
                             : resized_ && IsEnough(*resized_, source) ? *resized_
                             : full_                                   ? *full_
                                     : source_.Shrunk({kLookSide, kLookSide}, Frames::kFirst);
  if (!pixels) return std::unexpected(std::move(pixels).error());
  const VImage image = ToEightBit(FirstFrame(*pixels));
  const Size size = FrameSize(image);
  if (std::max(size.width, size.height) <= kMaxLookSide) return LookAt(image);
  return LookAt(ResizeTo(image, FitInside(size, {kLookSide, kLookSide})));
}

Processed<VImage> Pipeline::Working() {
  if (working_) return *working_;
  if (full_) return *full_;
  auto full = source_.Full(plan_.frames);
  if (full) full_ = *full;
  return full;
}

Processed<void> Pipeline::CheckPixels(Size size) const {
  const auto frames = static_cast<std::uint64_t>(plan_.frames == Frames::kAll ? source_.frames() : 1);
  if (Pixels(size) * frames <= max_pixels_ &&
      std::max(size.width, size.height) <= static_cast<int>(job::kMaxImageSide)) {
    return {};
  }
  return Refuse("too-many-pixels", fmt::format("it would become {} x {} pixels x {} frames; {} pixels are allowed",
                                               size.width, size.height, frames, max_pixels_));
}

std::string Pipeline::UniqueName(std::string_view stem, Format format) const {
  std::string name = fmt::format("{}.{}", stem, ExtensionOf(format));
  for (int i = 2; std::ranges::find(artifacts_, name, &ports::ArtifactBytes::name) != artifacts_.end(); ++i) {
    name = fmt::format("{}-{}.{}", stem, i, ExtensionOf(format));
  }
  return name;
}

}  // namespace processors
