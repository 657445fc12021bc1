#include "processors/media/picture.h"

extern "C" {
#include <libavutil/imgutils.h>
#include <libavutil/pixdesc.h>
}

#include <algorithm>
#include <array>
#include <cmath>
#include <span>

#include "processors/perceptual_hash.h"

namespace processors::media {

namespace {

constexpr int kJpegQuantiser = 3;  // of 2 (best) to 31: about quality 90
constexpr int kMaxAspect = 16;     // of a pixel: what a header claims beyond is not believed
constexpr std::array<std::uint8_t, 3> kPaper = {0xf7, 0xf7, 0xf5};
constexpr std::array<std::uint8_t, 3> kInk = {0x1f, 0x5f, 0x8b};
constexpr std::array<std::uint8_t, 3> kAxis = {0xc9, 0xcf, 0xd4};

struct Size {
  int width;
  int height;
};

Size FittedSize(const AVFrame& frame, int side) {
  double width = frame.width;
  double height = frame.height;
  const double aspect =
      frame.sample_aspect_ratio.num > 0 && frame.sample_aspect_ratio.den > 0 ? av_q2d(frame.sample_aspect_ratio) : 1.0;
  if (aspect > 1 && aspect <= kMaxAspect) height /= aspect;  // shrinking only: nothing is made up
  if (aspect < 1 && aspect >= 1.0 / kMaxAspect) width *= aspect;
  const double scale = std::min(1.0, side / std::max(width, height));
  const auto fit = [&](double length) { return std::max(1, static_cast<int>(std::lround(length * scale))); };
  return {fit(width), fit(height)};
}

// sws_scale between plain buffers; `flags` name its filter.
Processed<void> Scale(SwsContext* scaler, const std::uint8_t* const* planes, const int* strides, int rows,
                      std::uint8_t* const* out, const int* out_strides) {
  const int error = sws_scale(scaler, planes, strides, 0, rows, out, out_strides);
  if (error < 0) return RefuseAv("the picture cannot be scaled", error);
  return {};
}

Processed<AvPtr<SwsContext>> NewScaler(Size from, AVPixelFormat from_format, Size to, AVPixelFormat to_format,
                                       int flags) {
  SwsContext* scaler = sws_getContext(from.width, from.height, from_format, to.width, to.height, to_format,
                                      flags | SWS_ACCURATE_RND, nullptr, nullptr, nullptr);
  if (scaler == nullptr) return Refuse("invalid-media", "the picture's size or pixel format cannot be scaled");
  return AvPtr<SwsContext>(scaler);
}

// The frame's own colour matrix and range, where it says them: sws would take every one for BT.601.
void UseColours(SwsContext* scaler, const AVFrame& frame) {
  const int matrix = frame.colorspace == AVCOL_SPC_UNSPECIFIED ? SWS_CS_DEFAULT : frame.colorspace;
  const int full = frame.color_range == AVCOL_RANGE_JPEG ? 1 : 0;
  const AVPixFmtDescriptor* format = av_pix_fmt_desc_get(static_cast<AVPixelFormat>(frame.format));
  if (format == nullptr || (format->flags & AV_PIX_FMT_FLAG_RGB) != 0) return;
  if (frame.color_range == AVCOL_RANGE_UNSPECIFIED) return;
  constexpr int kUnit = 1 << 16;
  static_cast<void>(sws_setColorspaceDetails(scaler, sws_getCoefficients(matrix), full,
                                             sws_getCoefficients(SWS_CS_DEFAULT), 1, 0, kUnit, kUnit));
}

Picture Turned(const Picture& from, int rotation) {
  if (rotation == 0) return from;
  const bool lying = rotation != 180;
  Picture to{lying ? from.height : from.width, lying ? from.width : from.height, {}};
  to.rgb.resize(from.rgb.size());
  for (int y = 0; y < from.height; ++y) {
    for (int x = 0; x < from.width; ++x) {
      const int to_x = rotation == 90 ? from.height - 1 - y : rotation == 270 ? y : from.width - 1 - x;
      const int to_y = rotation == 90 ? x : rotation == 270 ? from.width - 1 - x : from.height - 1 - y;
      const auto at = (static_cast<std::size_t>(y) * from.width + x) * 3;
      const auto to_at = (static_cast<std::size_t>(to_y) * to.width + to_x) * 3;
      std::copy_n(from.rgb.begin() + static_cast<std::ptrdiff_t>(at), 3,
                  to.rgb.begin() + static_cast<std::ptrdiff_t>(to_at));
    }
  }
  return to;
}

void FillColumn(Picture& picture, int x, int from_y, int to_y, const std::array<std::uint8_t, 3>& colour) {
  for (int y = from_y; y <= to_y; ++y) {
    std::ranges::copy(colour, picture.rgb.begin() + (static_cast<std::ptrdiff_t>(y) * picture.width + x) * 3);
  }
}

// `picture` as a frame of the encoder's pixel format.
Processed<AvPtr<AVFrame>> FrameOf(const Picture& picture, AVPixelFormat format) {
  auto frame = NewFrame();
  frame->width = picture.width;
  frame->height = picture.height;
  frame->format = format;
  frame->color_range = AVCOL_RANGE_JPEG;
  if (const int error = av_frame_get_buffer(frame.get(), 0); error < 0) return RefuseAv("no room for a picture", error);
  const Size size{picture.width, picture.height};
  auto scaler = NewScaler(size, AV_PIX_FMT_RGB24, size, format, SWS_BICUBIC);
  if (!scaler) return std::unexpected(scaler.error());
  const std::uint8_t* plane = picture.rgb.data();
  const int stride = picture.width * 3;
  auto scaled = Scale(scaler->get(), &plane, &stride, picture.height, frame->data, frame->linesize);
  if (!scaled) return std::unexpected(scaled.error());
  return frame;
}

}  // namespace

Processed<Picture> PictureOf(const AVFrame& frame, int rotation, int side) {
  const Size size = FittedSize(frame, side);
  auto scaler = NewScaler({frame.width, frame.height}, static_cast<AVPixelFormat>(frame.format), size, AV_PIX_FMT_RGB24,
                          SWS_AREA);
  if (!scaler) return std::unexpected(scaler.error());
  UseColours(scaler->get(), frame);
  // sws writes whole vectors: into a frame with room for them, then row by row.
  auto scaled = NewFrame();
  scaled->width = size.width;
  scaled->height = size.height;
  scaled->format = AV_PIX_FMT_RGB24;
  if (const int error = av_frame_get_buffer(scaled.get(), 0); error < 0)
    return RefuseAv("no room for a picture", error);
  auto done = Scale(scaler->get(), frame.data, frame.linesize, frame.height, scaled->data, scaled->linesize);
  if (!done) return std::unexpected(done.error());
  Picture picture{size.width, size.height, {}};
  const auto row_bytes = static_cast<std::size_t>(size.width) * 3;
  picture.rgb.reserve(row_bytes * static_cast<std::size_t>(size.height));
  for (int y = 0; y < size.height; ++y) {
    const std::uint8_t* row = scaled->data[0] + static_cast<std::ptrdiff_t>(y) * scaled->linesize[0];
    picture.rgb.insert(picture.rgb.end(), row, row + row_bytes);
  }
  return Turned(picture, rotation);
}

Processed<std::uint64_t> HashOf(const Picture& picture) {
  constexpr int kSide = kHashSide;
  auto scaler =
      NewScaler({picture.width, picture.height}, AV_PIX_FMT_RGB24, {kSide, kSide}, AV_PIX_FMT_GRAY8, SWS_AREA);
  if (!scaler) return std::unexpected(scaler.error());
  const std::uint8_t* plane = picture.rgb.data();
  const int stride = picture.width * 3;
  std::array<std::uint8_t, kHashSide * kHashSide> grey{};
  std::uint8_t* out = grey.data();
  auto scaled = Scale(scaler->get(), &plane, &stride, picture.height, &out, &kSide);
  if (!scaled) return std::unexpected(scaled.error());
  HashGrid grid{};
  for (std::size_t i = 0; i < grey.size(); ++i) grid[i / kHashSide][i % kHashSide] = grey[i];
  return PerceptualHash(grid);
}

Picture DrawWaveform(const Peaks& peaks, int width, int height) {
  Picture picture{width, height, {}};
  const auto pixels = static_cast<std::size_t>(width) * static_cast<std::size_t>(height);
  picture.rgb.reserve(pixels * 3);
  for (std::size_t i = 0; i < pixels; ++i) picture.rgb.insert(picture.rgb.end(), kPaper.begin(), kPaper.end());
  const auto columns = peaks.Columns(static_cast<std::size_t>(width));
  const auto row_of = [&](float sample) {
    return static_cast<int>(std::lround((1 - sample) / 2 * static_cast<float>(height - 1)));
  };
  for (int x = 0; x < width; ++x) {
    FillColumn(picture, x, row_of(0), row_of(0), kAxis);
    if (columns.empty()) continue;
    const Peak& peak = columns[static_cast<std::size_t>(x) * columns.size() / static_cast<std::size_t>(width)];
    FillColumn(picture, x, row_of(peak.most), row_of(peak.least), kInk);
  }
  return picture;
}

Processed<std::string> Encode(const Picture& picture, PictureFormat format) {
  const bool jpeg = format == PictureFormat::kJpeg;
  const AVCodec* encoder = avcodec_find_encoder_by_name(jpeg ? "mjpeg" : "png");
  if (encoder == nullptr) return Refuse("encoder-missing", "this FFmpeg encodes no pictures");
  auto codec = Own(avcodec_alloc_context3(encoder));
  codec->width = picture.width;
  codec->height = picture.height;
  codec->pix_fmt = jpeg ? AV_PIX_FMT_YUVJ420P : AV_PIX_FMT_RGB24;
  codec->time_base = {1, 25};
  codec->thread_count = 1;
  codec->flags |= AV_CODEC_FLAG_BITEXACT;
  if (jpeg) {
    codec->flags |= AV_CODEC_FLAG_QSCALE;
    codec->global_quality = FF_QP2LAMBDA * kJpegQuantiser;
  }
  int error = avcodec_open2(codec.get(), encoder, nullptr);
  if (error < 0) return RefuseAv("the picture cannot be encoded", error);
  auto frame = FrameOf(picture, codec->pix_fmt);
  if (!frame) return std::unexpected(frame.error());
  (*frame)->quality = codec->global_quality;
  auto packet = NewPacket();
  if (error = avcodec_send_frame(codec.get(), frame->get()); error >= 0)
    error = avcodec_send_frame(codec.get(), nullptr);
  if (error >= 0) error = avcodec_receive_packet(codec.get(), packet.get());
  if (error < 0) return RefuseAv("the picture cannot be encoded", error);
  return std::string(reinterpret_cast<const char*>(packet->data), static_cast<std::size_t>(packet->size));
}

}  // namespace processors::media
