// One pass over a file: every packet of the chosen streams is decoded once, and its frames go to their sinks.
#pragma once

#include <cstdint>

#include "processors/media/av.h"
#include "processors/media/input.h"

namespace processors::media {

// What a frame is given to. A failure ends the pass.
class FrameSink {
 public:
  virtual ~FrameSink() = default;
  // `frame` may be kept by av_frame_clone. time_base: of its timestamps.
  [[nodiscard]] virtual Processed<void> Take(const AVFrame& frame, AVRational time_base) = 0;
};

struct PassReport {
  std::uint64_t packets = 0;  // of the chosen streams
  std::uint64_t damaged = 0;  // packets and frames that did not decode whole
};

// A decoder for `stream`, single-threaded. "unsupported-codec", "invalid-media".
[[nodiscard]] Processed<AvPtr<AVCodecContext>> OpenDecoder(const AVStream& stream);

// A null sink leaves that stream out; at least one is given. "invalid-media" when a stream decodes to nothing at
// all; beside a film, a stream of sound without any packet is merely empty.
[[nodiscard]] Processed<PassReport> DecodeAll(Input& input, FrameSink* audio, FrameSink* video);

inline constexpr std::uint64_t kMaxDamagedShare = 50;  // one in so many: what a player conceals without annoying

// "invalid-media" when more than one packet in kMaxDamagedShare (and more than one at all) is damaged, else
// "truncated-media" when the file ends well before what it declares. decoded_seconds: from the file's start to its last
// frame's end.
[[nodiscard]] Processed<void> CheckWhole(const Input& input, const PassReport& report, double decoded_seconds);

}  // namespace processors::media
