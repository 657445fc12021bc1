#include "processors/image/image.h"

#include <fmt/format.h>

#include <numeric>
#include <string>
#include <vips/vips8>

#include "processors/image/exif.h"
#include "processors/image/font.h"
#include "processors/image/pipeline.h"
#include "processors/image/plan.h"
#include "processors/image/sheet.h"
#include "processors/image/source.h"
#include "processors/image/start.h"
#include "processors/image/vips_errors.h"
#include "processors/json_writer.h"

namespace processors {

namespace {

std::int64_t DurationMs(const vips::VImage& header) {
  int* delays = nullptr;
  int count = 0;
  if (header.get_typeof("delay") == 0 || vips_image_get_array_int(header.get_image(), "delay", &delays, &count) != 0) {
    return 0;
  }
  return std::accumulate(delays, delays + count, std::int64_t{0});
}

std::string ResultOf(const Source& source, const Look& look, Location location) {
  const vips::VImage& header = source.header();
  JsonWriter json;
  json.BeginObject().Key("format").Text(NameOf(source.format()));
  json.Key("width").Integer(source.width()).Key("height").Integer(source.height());
  json.Key("bands").Integer(header.bands());
  json.Key("depth").Text(vips_enum_nick(VIPS_TYPE_BAND_FORMAT, header.format()));
  json.Key("alpha").Boolean(header.has_alpha());
  json.Key("colourSpace").Text(vips_enum_nick(VIPS_TYPE_INTERPRETATION, header.interpretation()));
  json.Key("orientation").Integer(source.orientation());
  if (source.frames() > 1) {
    json.Key("frames").Integer(source.frames()).Key("durationMs").Integer(DurationMs(header));
  }
  json.Key("iccProfile").Boolean(header.get_typeof(VIPS_META_ICC_NAME) != 0);
  json.Key("dominantColour").Text(look.dominant_colour).Key("perceptualHash").Text(look.perceptual_hash);
  WriteExif(header, location, json);
  json.EndObject();
  return std::move(json).Take();
}

class ImageExecutor final : public ports::Executor {
 public:
  explicit ImageExecutor(const ImageOptions& options) : options_(options) {}

  [[nodiscard]] std::string version() override { return fmt::format("1+vips{}", vips_version_string()); }

  [[nodiscard]] Processed<ports::ProcessorOutput> Run(const ports::IsolatedTask& task) override {
    vips_error_clear();
    try {
      if (task.verb == "contact-sheet") return MakeSheet(task, font_, options_.max_pixels);
      if (task.verb == "image" && task.inputs.size() == 1) return Process(task);
      return Refuse("unsupported-task", "the image executor has no such task");
    } catch (const std::exception& error) {
      return RefuseFor("processing-failed", error);
    }
  }

 private:
  [[nodiscard]] Processed<ports::ProcessorOutput> Process(const ports::IsolatedTask& task) const {
    const auto source = Source::Open(task.inputs.front(), options_.max_pixels);
    if (!source) return std::unexpected(source.error());
    const Plan plan = MakePlan(*task.operations, source->format());
    Pipeline pipeline(*source, plan, options_.max_pixels);
    if (auto ran = pipeline.Run(); !ran) return std::unexpected(std::move(ran).error());
    auto look = pipeline.Describe();
    if (!look) return std::unexpected(std::move(look).error());
    ports::ProcessorOutput output{.result_json = ResultOf(*source, *look, plan.location),
                                  .perceptual = look->perceptual_hash};
    output.artifacts = std::move(pipeline).TakeArtifacts();
    return output;
  }

  const ImageOptions options_;
  const Font font_;
};

}  // namespace

std::unique_ptr<ports::Executor> NewImageExecutor(const ImageOptions& options) {
  StartVips();
  return std::make_unique<ImageExecutor>(options);
}

}  // namespace processors
