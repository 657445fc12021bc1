#include "processors/media/video.h"

extern "C" {
#include <libavutil/display.h>
#include <libavutil/imgutils.h>
#include <libavutil/pixdesc.h>
}

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "job/limits.h"

namespace processors::media {

namespace {

constexpr int kLumaSide = 160;        // pixels of the small picture's long side
constexpr int kLumaAlign = 64;        // bytes: sws writes whole vectors
constexpr double kPosterShare = 0.1;  // of the film: past titles and fades
constexpr double kPosterStep = 0.5;   // seconds from one candidate to the next
constexpr double kPosterSteps = 20;   // but at least so many in a short film
constexpr int kPosterCandidates = 5;
constexpr double kBlankDeviation = 4;  // levels of brightness: black, white and fades are below
constexpr double kDefaultRate = 25;    // frames a second, where neither packets nor header say

int RoundUp(int value, int step) {
  return (value + step - 1) / step * step;
}

// The plane of brightness as a grey picture of its own, so that colours are not touched and levels stay as coded.
// AV_PIX_FMT_NONE: the format has no such plane; it is converted as a whole.
AVPixelFormat GreyOf(AVPixelFormat format) {
  const AVPixFmtDescriptor* of = av_pix_fmt_desc_get(format);
  constexpr std::uint64_t kOther =
      AV_PIX_FMT_FLAG_RGB | AV_PIX_FMT_FLAG_PAL | AV_PIX_FMT_FLAG_BE | AV_PIX_FMT_FLAG_FLOAT;
  if (of == nullptr || (of->flags & kOther) != 0 || (of->flags & AV_PIX_FMT_FLAG_PLANAR) == 0) return AV_PIX_FMT_NONE;
  switch (of->comp[0].depth) {
    case 8:
      return of->comp[0].step == 1 ? AV_PIX_FMT_GRAY8 : AV_PIX_FMT_NONE;
    case 10:
      return of->comp[0].shift == 0 ? AV_PIX_FMT_GRAY10LE : AV_PIX_FMT_NONE;
    case 12:
      return of->comp[0].shift == 0 ? AV_PIX_FMT_GRAY12LE : AV_PIX_FMT_NONE;
    default:
      return AV_PIX_FMT_NONE;
  }
}

double Deviation(const std::vector<std::uint8_t>& luma) {
  std::uint64_t sum = 0;
  std::uint64_t squares = 0;
  for (const std::uint64_t level : luma) {
    sum += level;
    squares += level * level;
  }
  const auto count = static_cast<double>(luma.size());
  const double mean = static_cast<double>(sum) / count;
  return std::sqrt(std::max(0.0, static_cast<double>(squares) / count - mean * mean));
}

double MeanDifference(const std::vector<std::uint8_t>& a, const std::vector<std::uint8_t>& b) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += static_cast<std::uint64_t>(std::abs(a[i] - b[i]));
  return static_cast<double>(sum) / static_cast<double>(a.size());
}

AvPtr<AVFrame> Kept(const AVFrame& frame) {
  return Own(av_frame_clone(&frame));
}

}  // namespace

int RotationOf(const AVStream& stream) {
  std::size_t size = 0;
  const std::uint8_t* matrix = av_stream_get_side_data(&stream, AV_PKT_DATA_DISPLAYMATRIX, &size);
  if (matrix == nullptr || size < 9 * sizeof(std::int32_t)) return 0;
  const double degrees = -av_display_rotation_get(reinterpret_cast<const std::int32_t*>(matrix));
  if (!std::isfinite(degrees)) return 0;
  const int quarters = static_cast<int>(std::lround(degrees / 90)) % 4;
  return (quarters + 4) % 4 * 90;
}

VideoAnalysis::VideoAnalysis(const AVStream& stream, VideoWish wish) : wish_(wish) {
  report_.rotation = RotationOf(stream);
  next_candidate_ = wish_.declared_seconds * kPosterShare;
}

Processed<void> VideoAnalysis::Start(const AVFrame& frame) {
  const bool lying = report_.rotation % 180 != 0;
  report_.width = lying ? frame.height : frame.width;
  report_.height = lying ? frame.width : frame.height;
  const char* format = av_get_pix_fmt_name(static_cast<AVPixelFormat>(frame.format));
  report_.pixel_format = format == nullptr ? "" : format;
  const double scale = std::min(1.0, static_cast<double>(kLumaSide) / std::max(frame.width, frame.height));
  luma_width_ = std::max(1, static_cast<int>(std::lround(frame.width * scale)));
  luma_height_ = std::max(1, static_cast<int>(std::lround(frame.height * scale)));
  return {};
}

// Seconds after the first frame. A frame without a timestamp follows the one before it.
Processed<double> VideoAnalysis::TimeOf(const AVFrame& frame, AVRational time_base) {
  const double step = 1 / (wish_.frame_rate > 0 ? wish_.frame_rate : kDefaultRate);
  const std::int64_t stamp = frame.best_effort_timestamp;
  if (!first_at_) {
    first_at_ = stamp == AV_NOPTS_VALUE ? wish_.file_start : static_cast<double>(stamp) * av_q2d(time_base);
    report_.start = std::max(0.0, *first_at_ - wish_.file_start);
  } else if (stamp == AV_NOPTS_VALUE) {
    last_at_ += step;
  } else {
    last_at_ = std::max(last_at_, static_cast<double>(stamp) * av_q2d(time_base) - *first_at_);
  }
  const double lasts = frame.pkt_duration > 0 ? static_cast<double>(frame.pkt_duration) * av_q2d(time_base) : step;
  report_.seconds = std::max(report_.seconds, last_at_ + lasts);
  if (report_.seconds <= static_cast<double>(job::kMaxMediaDuration.count())) return last_at_;
  return Refuse("too-long", fmt::format("the film lasts over {} s", job::kMaxMediaDuration.count()));
}

Processed<void> VideoAnalysis::Take(const AVFrame& frame, AVRational time_base) {
  constexpr int kSide = job::kMaxVideoSide;
  if (frame.width > kSide || frame.height > kSide) {
    return Refuse("video-too-large",
                  fmt::format("a frame of {}x{} is over {} pixels a side", frame.width, frame.height, kSide));
  }
  if (report_.frames == 0) {
    if (auto started = Start(frame); !started) return started;
  }
  auto at = TimeOf(frame, time_base);
  if (!at) return std::unexpected(at.error());
  ++report_.frames;
  if (auto hashed = Hash(frame); !hashed) return hashed;
  if (auto shrunk = ShrinkLuma(frame); !shrunk) return shrunk;
  CountCut();
  ConsiderPoster(frame, *at);
  if (wish_.picture_at && (*at <= *wish_.picture_at || asked_ == nullptr)) asked_ = Kept(frame);
  std::swap(luma_, previous_);
  return {};
}

// The bytes of FFmpeg's rawvideo: plane by plane, rows without their padding, then the palette if there is one.
Processed<void> VideoAnalysis::Hash(const AVFrame& frame) {
  const auto format = static_cast<AVPixelFormat>(frame.format);
  const AVPixFmtDescriptor* of = av_pix_fmt_desc_get(format);
  if (of == nullptr) return Refuse("invalid-media", "the frames have no known pixel format");
  for (int plane = 0; plane < av_pix_fmt_count_planes(format); ++plane) {
    const int row_bytes = av_image_get_linesize(format, frame.width, plane);
    const bool chroma = plane == 1 || plane == 2;
    const int rows = chroma ? AV_CEIL_RSHIFT(frame.height, of->log2_chroma_h) : frame.height;
    if (row_bytes < 0) return RefuseAv("the frames cannot be read", row_bytes);
    for (int y = 0; y < rows; ++y) {
      const std::uint8_t* row = frame.data[plane] + static_cast<std::ptrdiff_t>(y) * frame.linesize[plane];
      hash_.Update({reinterpret_cast<const char*>(row), static_cast<std::size_t>(row_bytes)});
    }
  }
  if ((of->flags & AV_PIX_FMT_FLAG_PAL) != 0) {
    hash_.Update({reinterpret_cast<const char*>(frame.data[1]), std::size_t{AVPALETTE_SIZE}});
  }
  return {};
}

Processed<void> VideoAnalysis::ShrinkLuma(const AVFrame& frame) {
  if (scaler_ == nullptr || scaled_width_ != frame.width || scaled_height_ != frame.height ||
      scaled_format_ != frame.format) {
    auto from = static_cast<AVPixelFormat>(frame.format);
    if (const AVPixelFormat grey = GreyOf(from); grey != AV_PIX_FMT_NONE) from = grey;
    scaler_.reset(sws_getContext(frame.width, frame.height, from, luma_width_, luma_height_, AV_PIX_FMT_GRAY8,
                                 SWS_FAST_BILINEAR, nullptr, nullptr, nullptr));
    if (scaler_ == nullptr) return Refuse("invalid-media", "the frames' size or pixel format cannot be scaled");
    scaled_width_ = frame.width;
    scaled_height_ = frame.height;
    scaled_format_ = frame.format;
  }
  const int stride = RoundUp(luma_width_, kLumaAlign);
  std::vector<std::uint8_t> padded(static_cast<std::size_t>(stride) * static_cast<std::size_t>(luma_height_) +
                                   kLumaAlign);
  std::uint8_t* out = padded.data();
  const int error = sws_scale(scaler_.get(), frame.data, frame.linesize, 0, frame.height, &out, &stride);
  if (error < 0) return RefuseAv("the frames cannot be scaled", error);
  luma_.clear();
  for (int y = 0; y < luma_height_; ++y) {
    const auto row = padded.begin() + static_cast<std::ptrdiff_t>(y) * stride;
    luma_.insert(luma_.end(), row, row + luma_width_);
  }
  return {};
}

// FFmpeg's scene score (libavfilter/f_select.c): the mean absolute difference of brightness, or how much it grew since
// the frame before if that is less, so that steady motion is no cut.
void VideoAnalysis::CountCut() {
  if (previous_.size() != luma_.size()) return;
  const double difference = MeanDifference(luma_, previous_);
  const double score = std::min(difference, std::abs(difference - previous_difference_)) / 100;
  previous_difference_ = difference;
  if (score > kCutScore) ++report_.cuts;
}

// The most varied of a few frames from a tenth of the film on; of more, while all of them are blank.
void VideoAnalysis::ConsiderPoster(const AVFrame& frame, double at) {
  const bool candidate = at >= next_candidate_ && (candidates_ < kPosterCandidates || poster_score_ < kBlankDeviation);
  if (!candidate && poster_ != nullptr) return;
  if (candidate) {
    ++candidates_;
    const double step = wish_.declared_seconds > 0 ? wish_.declared_seconds / kPosterSteps : kPosterStep;
    next_candidate_ = at + std::min(kPosterStep, step);
  }
  const double score = candidate ? Deviation(luma_) : -1;  // the very first frame, should no other come
  if (poster_ != nullptr && score <= poster_score_) return;
  poster_ = Kept(frame);
  poster_score_ = score;
  report_.poster_at = at;
}

Processed<VideoReport> VideoAnalysis::Finish() {
  report_.frame_hash = hash_.Finish();
  auto poster = PictureOf(*poster_, report_.rotation, kPosterSide);
  if (!poster) return std::unexpected(poster.error());
  report_.poster = std::move(*poster);
  if (asked_ != nullptr && wish_.picture_at.value_or(0) < report_.seconds) {
    auto asked = PictureOf(*asked_, report_.rotation, kPosterSide);
    if (!asked) return std::unexpected(asked.error());
    report_.asked = std::move(*asked);
  }
  return std::move(report_);
}

}  // namespace processors::media
