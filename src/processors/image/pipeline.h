// One image through its steps. Transforms change the working image; thumbnails, previews and conversions store what it
// is at that point.
//
// Decoding is most of the cost, so that as little as possible is decoded: until the first transform, thumbnails and
// previews come from one decode that is shrunk while it is read to the largest of them, and the description comes from
// those pixels too where they are enough to see what the image shows.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>
#include <vips/vips8>

#include "ports/processor.h"
#include "processors/failure.h"
#include "processors/image/look.h"
#include "processors/image/plan.h"
#include "processors/image/source.h"

namespace processors {

class Pipeline {
 public:
  // `source` outlives it. max_pixels: of any image on the way, all frames together.
  Pipeline(const Source& source, const Plan& plan, std::uint64_t max_pixels);

  // What Source::Shrunk and Full and Encode refuse, "crop-outside", "too-many-pixels". May throw vips::VError.
  [[nodiscard]] Processed<void> Run();
  // Of the source, whatever was made of it; after Run.
  [[nodiscard]] Processed<Look> Describe();
  [[nodiscard]] std::vector<ports::ArtifactBytes> TakeArtifacts() && { return std::move(artifacts_); }

 private:
  [[nodiscard]] Processed<void> Transform(const Step& step);
  [[nodiscard]] Processed<vips::VImage> Transformed(const Step& step);
  [[nodiscard]] Processed<vips::VImage> Resized(const Step& step);
  [[nodiscard]] Processed<void> Store(const Step& step);
  [[nodiscard]] Processed<vips::VImage> Small(const Step& step);
  [[nodiscard]] Processed<vips::VImage> SmallOfSource(const Step& step);
  // The working image; while that is the source, decoded whole, once.
  [[nodiscard]] Processed<vips::VImage> Working();
  [[nodiscard]] Processed<void> CheckPixels(Size size) const;
  [[nodiscard]] std::string UniqueName(std::string_view stem, Format format) const;

  const Source& source_;
  const Plan& plan_;
  const std::uint64_t max_pixels_;
  Box shrunk_box_;                       // the largest that a step before the first transform needs
  std::optional<vips::VImage> shrunk_;   // the source, decoded to shrunk_box_
  std::optional<vips::VImage> resized_;  // the source, decoded to what the first resize wants
  std::optional<vips::VImage> full_;     // the source, decoded whole
  std::optional<vips::VImage> working_;  // absent: still the source
  std::vector<ports::ArtifactBytes> artifacts_;
};

}  // namespace processors
