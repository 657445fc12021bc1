#include "processors/image/plan.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <optional>
#include <string_view>

#include "processors/params.h"

namespace processors {

namespace {

constexpr int kThumbnailSide = 256;
constexpr int kPreviewSide = 192;
constexpr int kPreviewQuality = 70;

constexpr std::string_view kStepNames[] = {"thumbnail", "preview", "convert", "resize", "crop", "rotate", "grayscale"};

std::optional<StepKind> KindOf(std::string_view name) {
  const auto* const found = std::ranges::find(kStepNames, name);
  if (found == std::end(kStepNames)) return std::nullopt;
  return static_cast<StepKind>(found - std::begin(kStepNames));
}

// Whole and within what libvips can hold, whatever is asked: the catalog's ranges are narrower.
int Whole(const Params& params, std::string_view name, int otherwise) {
  const auto number = params.Number(name);
  return number ? static_cast<int>(std::clamp<double>(*number, 0, VIPS_MAX_COORD)) : otherwise;
}

Format FormatIn(const Params& params) {
  const auto name = params.Text("format");
  return name == "jpeg" ? Format::kJpeg : name == "png" ? Format::kPng : Format::kWebp;
}

Step MakeStep(StepKind kind, const Params& params) {
  Step step{.kind = kind};
  step.size = {Whole(params, "width", 0), Whole(params, "height", 0)};
  step.left = Whole(params, "left", 0);
  step.top = Whole(params, "top", 0);
  step.degrees = std::clamp(params.Number("angle").value_or(0), -360.0, 360.0);
  step.fit = params.Text("fit") == "cover" ? Fit::kCover : Fit::kInside;
  step.format = FormatIn(params);
  step.quality = std::clamp(Whole(params, "quality", step.quality), 1, 100);
  if (kind == StepKind::kPreview) {
    step.size = {kPreviewSide, kPreviewSide};
    step.quality = kPreviewQuality;
  } else if (kind == StepKind::kThumbnail) {
    if (step.size.width == 0) step.size.width = step.size.height == 0 ? kThumbnailSide : step.size.height;
    if (step.size.height == 0) step.size.height = step.size.width;
  }
  return step;
}

}  // namespace

Plan MakePlan(std::span<const ports::Operation> operations, Format source) {
  Plan plan;
  for (const auto& operation : operations) {
    const Params params(operation.params_json);
    if (operation.name == "describe") {
      plan.location = params.Boolean("location").value_or(false) ? Location::kKeep : Location::kDrop;
    } else if (const auto kind = KindOf(operation.name)) {
      plan.steps.push_back(MakeStep(*kind, params));
    }
  }
  if (!plan.steps.empty() && !Emits(plan.steps.back().kind)) {
    plan.steps.push_back({.kind = StepKind::kConvert, .format = source == Format::kGif ? Format::kPng : source});
  }
  const auto animates = [](const Step& step) {
    return Emits(step.kind) && step.kind != StepKind::kPreview && step.format == Format::kWebp;
  };
  if (std::ranges::any_of(plan.steps, animates)) plan.frames = Frames::kAll;
  return plan;
}

}  // namespace processors
