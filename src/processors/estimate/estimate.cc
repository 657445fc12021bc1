#include "processors/estimate/estimate.h"

#include <algorithm>
#include <limits>

#include "job/limits.h"
#include "processors/estimate/image_header.h"
#include "processors/estimate/video_header.h"
#include "processors/params.h"

namespace processors {

namespace {

using ports::MemoryEstimate;
using ports::MemoryKind;

constexpr std::uint64_t kMiB = 1ULL << 20U;
constexpr std::uint64_t kLines = 256;           // of an image that pass through the pipeline at once
constexpr std::uint64_t kImageWork = 8 * kMiB;  // caches and tables, a small result and its encoder
constexpr std::uint64_t kUnknownImage = 64 * kMiB;
constexpr std::uint64_t kSoundWork = 24 * kMiB;
constexpr std::uint64_t kVideoWork = 32 * kMiB;
constexpr std::uint64_t kVideoFrames = 12;  // references, reordering, the one that is scaled
constexpr std::uint64_t kSheetWork = 64 * kMiB;
constexpr PictureSize kUnknownPicture{1'920, 1'080};

// What the operations keep in memory of the decoded image.
struct Kept {
  std::uint64_t halves = 0;  // copies of it, times two
  bool all_frames = false;
};

// As processors/image/pipeline.cc works: what is made smaller at once never exists whole; what is kept whole is kept
// once, and once more by steps that need all of it before they give any.
Kept KeptBy(const ports::IsolatedTask& task, const ImageHeader& header) {
  Kept kept;
  std::uint64_t more = 0;
  for (const ports::Operation& operation : *task.operations) {
    const bool small = operation.name == "thumbnail";
    if (small || operation.name == "convert") {
      const Params params(operation.params_json);
      const bool webp = params.Text("format").value_or("webp") == "webp";
      kept.all_frames = kept.all_frames || webp;
      if (!small) kept.halves = 2;
      if (!small && webp) more += 3;  // the encoder of WebP has its own copy and its planes
    } else if (operation.name == "rotate") {
      kept.halves = 2;
      more += 2;
    } else if (operation.name == "grayscale" || operation.name == "crop") {
      kept.halves = 2;
      more += operation.name == "crop" ? 0 : 1;
    } else if (operation.name == "resize") {
      const Params params(operation.params_json);
      const double width = params.Number("width").value_or(0);
      const double height = params.Number("height").value_or(0);
      const bool smaller = width < static_cast<double>(header.width) && height < static_cast<double>(header.height);
      if (smaller && header.pixel_bytes <= 4) continue;
      kept.halves = 2;
      more += 2;
    }
  }
  kept.halves += more;
  return kept;
}

std::uint64_t Cap(std::uint64_t pixels) {
  return std::min<std::uint64_t>(pixels, 4 * job::Limits{}.max_image_pixels);  // more is refused by its header
}

MemoryEstimate EstimateImage(const ports::IsolatedTask& task, std::uint64_t input) {
  const auto header = task.inputs.empty() ? std::nullopt : ReadImageHeader(task.inputs.front());
  if (!header) return {.kind = MemoryKind::kImageLines, .bytes = input + kUnknownImage};
  const Kept kept = KeptBy(task, *header);
  const std::uint64_t pixels = Cap(header->width * header->height);
  const std::uint64_t frames = kept.all_frames ? header->frames : 1;
  const std::uint64_t pixel_bytes = header->frames > 1 ? 4 : header->pixel_bytes;
  const std::uint64_t whole = Cap(pixels * frames) * pixel_bytes * kept.halves / 2;
  const std::uint64_t decoder = std::min(header->decoder_bytes, 8 * pixels);
  const std::uint64_t lines = std::min(header->height, kLines) * header->width * pixel_bytes;
  const bool streams = whole + decoder == 0;
  return {.kind = header->frames > 1 ? MemoryKind::kAnimation
                  : streams          ? MemoryKind::kImageLines
                                     : MemoryKind::kImageWhole,
          .bytes = input + kImageWork + whole + decoder + lines};
}

MemoryEstimate EstimateVideo(const ports::IsolatedTask& task, std::uint64_t input) {
  PictureSize size =
      task.inputs.empty() ? kUnknownPicture : ReadPictureSize(task.inputs.front()).value_or(kUnknownPicture);
  constexpr std::uint64_t kSide = job::kMaxVideoSide;  // more is refused by its header
  size = {.width = std::min(size.width, kSide), .height = std::min(size.height, kSide)};
  return {.kind = MemoryKind::kVideo, .bytes = input + kVideoWork + size.width * size.height * 3 / 2 * kVideoFrames};
}

}  // namespace

MemoryEstimate EstimateMemory(const ports::IsolatedTask& task) {
  std::uint64_t input = 0;
  for (const std::string_view bytes : task.inputs) input += bytes.size();
  if (task.verb == "image") return EstimateImage(task, input);
  if (task.verb == "video") return EstimateVideo(task, input);
  if (task.verb == "audio") return {.kind = MemoryKind::kSound, .bytes = input + kSoundWork};
  return {.kind = MemoryKind::kSheet, .bytes = input + kSheetWork};
}

}  // namespace processors
