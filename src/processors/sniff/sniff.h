// What bytes look like by their first few, so that a toon declared as one thing and holding another is refused before
// any decoder sees it. Own table: libmagic's database costs 10 ms to load and knows 3,000 kinds that nobody decodes
// here. Pure; thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "ports/processor.h"

namespace processors {

enum class Kind : std::uint8_t { kImage, kAudio, kVideo, kTimed, kOther };  // kTimed: a container of audio or video

struct Sniffed {
  std::string_view format;  // "jpeg", "png", "webp", "gif", "mp3", "matroska" …: stable, lower case
  std::string_view label;   // for people: "JPEG image"
  Kind kind = Kind::kOther;
};
// nullopt: nothing known. Looks at the first 64 bytes only (past an ID3 tag: at the frame behind it).
[[nodiscard]] std::optional<Sniffed> Sniff(std::string_view bytes);

// "type-mismatch" when the bytes are known to be of another kind than `type` ("image", "audio" or "video") declares;
// "empty-source" for no bytes at all. Unknown bytes pass: their decoder will say.
[[nodiscard]] std::optional<ports::ProcessorFailure> RefuseMismatch(std::string_view type, std::string_view bytes);

}  // namespace processors
