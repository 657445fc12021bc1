// The size of a video's picture as its container says it. Walks boxes and elements, forward only, and decodes nothing.
// Pure; thread-safe. MP4: ISO 14496-12, 8.5.2 and 12.1.3. Matroska and WebM: RFC 9559.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace processors {

struct PictureSize {
  std::uint64_t width = 0;
  std::uint64_t height = 0;
};
// The largest of its tracks. nullopt: another container, or none that names a picture.
[[nodiscard]] std::optional<PictureSize> ReadPictureSize(std::string_view bytes);

}  // namespace processors
