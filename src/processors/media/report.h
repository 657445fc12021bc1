// The result of a file of audio or video as JSON.
#pragma once

#include <optional>
#include <string>

#include "processors/media/audio.h"
#include "processors/media/decode.h"
#include "processors/media/input.h"
#include "processors/media/trim.h"
#include "processors/media/video.h"

namespace processors::media {

struct MediaReport {
  PassReport pass;
  std::optional<AudioReport> audio;
  std::optional<VideoReport> video;
  std::optional<Trimmed> trimmed;

  // From the file's start to the end of what lasts longest.
  [[nodiscard]] double seconds() const;
};

// Frames a second by the file's header and first packets; 0: unknown.
[[nodiscard]] double FrameRateOf(const Input& input);

[[nodiscard]] std::string WriteReport(const Input& input, const MediaReport& report);

}  // namespace processors::media
