// What is measured of moving pictures while they are decoded: a hash of every pixel, cuts between scenes, and which
// frames stand for the whole.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/hash.h"
#include "processors/media/decode.h"
#include "processors/media/picture.h"

namespace processors::media {

struct VideoReport {
  int width = 0;  // as seen: rotated, not stretched
  int height = 0;
  int rotation = 0;  // clockwise degrees that players turn it by
  std::string pixel_format;
  std::uint64_t frames = 0;
  std::uint64_t cuts = 0;
  base::Sha256 frame_hash{};
  double seconds = 0;  // from the first frame to the end of the last
  double start = 0;    // of the first frame, after the file's start
  double poster_at = 0;
  Picture poster;
  std::optional<Picture> asked;  // the frame shown at the second asked for; absent: none asked, or beyond the end
};

struct VideoWish {
  double file_start = 0;  // the timestamp, in seconds, that `start` is counted from
  double declared_seconds = 0;
  double frame_rate = 0;             // 0: unknown
  std::optional<double> picture_at;  // seconds after the first frame
};

inline constexpr int kPosterSide = 640;   // pixels of the long side
inline constexpr double kCutScore = 0.3;  // FFmpeg's usual threshold of its select filter's "scene"

// Not thread-safe.
class VideoAnalysis final : public FrameSink {
 public:
  VideoAnalysis(const AVStream& stream, VideoWish wish);

  // "too-long", "video-too-large", "invalid-media".
  [[nodiscard]] Processed<void> Take(const AVFrame& frame, AVRational time_base) override;
  // Once, last, after at least one frame.
  [[nodiscard]] Processed<VideoReport> Finish();

 private:
  using Luma = std::vector<std::uint8_t>;  // a small picture of brightness, as the frame codes it

  Processed<void> Start(const AVFrame& frame);
  [[nodiscard]] Processed<double> TimeOf(const AVFrame& frame, AVRational time_base);
  Processed<void> Hash(const AVFrame& frame);
  Processed<void> ShrinkLuma(const AVFrame& frame);
  void CountCut();
  void ConsiderPoster(const AVFrame& frame, double at);

  const VideoWish wish_;
  VideoReport report_;
  base::Sha256Stream hash_;
  AvPtr<SwsContext> scaler_;
  int scaled_width_ = 0;  // what scaler_ was made for
  int scaled_height_ = 0;
  int scaled_format_ = AV_PIX_FMT_NONE;
  int luma_width_ = 0;
  int luma_height_ = 0;
  Luma luma_;
  Luma previous_;
  double previous_difference_ = 0;
  std::optional<double> first_at_;  // timestamp of the first frame, seconds
  double last_at_ = 0;              // of the latest, after the first
  AvPtr<AVFrame> poster_;
  double poster_score_ = -1;
  double next_candidate_ = 0;
  int candidates_ = 0;
  AvPtr<AVFrame> asked_;
};

// Clockwise degrees, 0, 90, 180 or 270, of the stream's display matrix.
[[nodiscard]] int RotationOf(const AVStream& stream);

}  // namespace processors::media
