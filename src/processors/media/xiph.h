// The three headers of Vorbis and Theora as they stand in a stream's extradata.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "processors/media/av.h"

namespace processors::media {

// The extradata with a comment header that says nothing: no vendor, no tags, no places. Empty: these are not three
// headers of `codec`, which must be AV_CODEC_ID_VORBIS or AV_CODEC_ID_THEORA.
[[nodiscard]] std::optional<std::string> WithoutComments(AVCodecID codec, std::span<const std::uint8_t> extradata);

}  // namespace processors::media
