// For tests: files of audio and video, encoded in memory from tones and grey frames, and one call of the executor.
#pragma once

#include <simdjson.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ports/executor.h"
#include "processors/failure.h"

namespace processors::media {

struct Tone {
  std::string codec = "pcm_s16le";  // an FFmpeg encoder
  double seconds = 2;
  int rate = 48000;
  int channels = 2;
  double hertz = 1000;
  double dbfs = -23;  // of the peak; under -150: silence
  std::int64_t bit_rate = 128'000;
};

struct Film {
  std::string codec = "mpeg4";
  int width = 96;
  int height = 64;
  int rate = 25;  // frames a second
  std::vector<std::vector<int>>
      scenes;        // each a list of frames, by the brightness of their left part (0 to 255; -1: black all over)
  int rotation = 0;  // clockwise degrees in the display matrix
  int keyframe_every = 5;
};

struct Recipe {
  std::string muxer = "wav";
  std::vector<Tone> tones;
  std::vector<Film> films;
  std::string cover;  // the bytes of a PNG
  std::vector<std::pair<std::string, std::string>> tags;
};
[[nodiscard]] std::string Make(const Recipe& recipe);

// `frames` frames of one brightness.
[[nodiscard]] std::vector<int> Scene(int frames, int brightness);
// A PNG of one colour.
[[nodiscard]] std::string Png(int width, int height);

using Ran = Processed<ports::ProcessorOutput>;
[[nodiscard]] Ran RunOn(std::string_view verb, const std::string& bytes,
                        const std::vector<ports::Operation>& operations = {});

// "ok" or the failure's code.
[[nodiscard]] inline std::string CodeOf(const Ran& ran) {
  return ran ? "ok" : ran.error().error.code;
}
[[nodiscard]] simdjson::dom::element At(const Ran& ran, std::string_view pointer);
[[nodiscard]] inline double NumberAt(const Ran& ran, std::string_view pointer) {
  return double(At(ran, pointer));
}
[[nodiscard]] inline std::string TextAt(const Ran& ran, std::string_view pointer) {
  return std::string(std::string_view(At(ran, pointer)));
}
// Of the artifact's bytes; empty: there is none of that name.
[[nodiscard]] std::string Artifact(const Ran& ran, std::string_view name);

}  // namespace processors::media
