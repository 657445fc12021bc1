// A sheet of small pictures with captions, drawn by the image executor: what contact-sheet and playlist have in common.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/codec.h"
#include "ports/reducer.h"

namespace reducers {

inline constexpr std::size_t kMaxCaptionBytes = 64;               // what fits below a tile
inline constexpr std::size_t kMaxPictureNameBytes = 48;           // of its artifact and content type
inline constexpr std::size_t kMaxSheetBytes = 64U * 1024 * 1024;  // of all pictures of one sheet; later ones stay plain

// One picture: an artifact of some toon.
struct Tile {
  std::string caption;    // UTF-8, cut to kMaxCaptionBytes
  std::string colour;     // "#rrggbb" instead of a picture that is not there; "" is grey
  job::Artifact picture;  // bytes 0: none

  void Encode(base::Encoder& out) const;
  void Decode(base::Decoder& in);
};

// The picture that stands for a toon: its preview, else its poster, thumbnail or waveform, else none.
[[nodiscard]] job::Artifact PictureOf(const job::Outcome& outcome);
// Cuts at a character's border.
[[nodiscard]] std::string CutText(std::string_view text, std::size_t most_bytes);

struct SheetStyle {
  std::string_view name;  // of the artifact, without its extension
  std::string title;
  std::string format = "webp";  // jpeg, png or webp
  std::uint32_t columns = 0;    // 0: as many as make the sheet about as wide as high
  std::uint32_t tile = 160;     // pixels
};
// kUnsupported: no image executor on this worker; kUnavailable: try again; kInternal: the executor refused or died.
[[nodiscard]] base::Result<ports::ArtifactBytes> DrawSheet(const ports::ReduceInput& input, std::span<const Tile> tiles,
                                                           const SheetStyle& style);

}  // namespace reducers
