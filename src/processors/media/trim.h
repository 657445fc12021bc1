// Cuts a stretch out of a file without decoding it: packets are copied into the same kind of container.
//
// PCM is cut to the sample. Other audio is cut at packet borders (packets that begin before the end and end after the
// start). Film begins at the last keyframe at or before the start, and its sound with it.
#pragma once

#include <string>
#include <string_view>

#include "ports/processor.h"
#include "processors/failure.h"

namespace processors::media {

struct TrimWish {
  double start = 0;  // seconds after the file's start
  double duration = 0;
};

struct Trimmed {
  ports::ArtifactBytes artifact;  // "trim.mp3", "trim.mp4" …
  double start = 0;               // as it came out, seconds
  double duration = 0;
};

// Copies the film and its sound, or the sound alone where there is no film; covers, subtitles and tags are left out.
// "beyond-end", "unsupported-format" (containers and codecs that are not written here), "invalid-media",
// "output-too-large".
[[nodiscard]] Processed<Trimmed> Trim(std::string_view bytes, TrimWish wish);

}  // namespace processors::media
