extern "C" {
#include <libavutil/display.h>
#include <libavutil/opt.h>
}

#include <cmath>
#include <memory>
#include <numbers>
#include <stdexcept>

#include "processors/media/media.h"
#include "processors/media/memory_output.h"
#include "processors/media/picture.h"
#include "processors/media/resampler.h"
#include "processors/media/test_media.h"

namespace processors::media {

namespace {

void Check(int error, const char* what) {
  if (error < 0) throw std::runtime_error(what);
}

struct MuxerFree {
  void operator()(AVFormatContext* format) const { avformat_free_context(format); }
};

class Maker {
 public:
  explicit Maker(const Recipe& recipe) {
    AVFormatContext* made = nullptr;
    Check(avformat_alloc_output_context2(&made, nullptr, recipe.muxer.c_str(), nullptr), "muxer");
    muxer_.reset(made);
    muxer_->pb = output_.io();
    muxer_->flags |= AVFMT_FLAG_CUSTOM_IO | AVFMT_FLAG_BITEXACT;
    for (const auto& [key, value] : recipe.tags) av_dict_set(&muxer_->metadata, key.c_str(), value.c_str(), 0);
  }

  void AddTone(const Tone& tone) {
    auto codec = NewEncoder(tone.codec);
    codec->sample_rate = tone.rate;
    codec->bit_rate = tone.bit_rate;
    codec->sample_fmt = codec->codec->sample_fmts[0];
    codec->time_base = {1, tone.rate};
    av_channel_layout_default(&codec->ch_layout, tone.channels);
    AVStream* stream = Open(*codec);
    const int step = codec->frame_size > 0 ? codec->frame_size : 1024;
    const auto total = static_cast<std::int64_t>(tone.seconds * tone.rate);
    for (std::int64_t at = 0; at < total; at += step) {
      const auto count = static_cast<int>(std::min<std::int64_t>(step, total - at));
      const auto frame = ToneFrame(tone, at, count, *codec);
      frame->pts = at;
      Encode(*codec, frame.get(), *stream);
    }
    Encode(*codec, nullptr, *stream);
  }

  void AddFilm(const Film& film) {
    auto codec = NewEncoder(film.codec);
    codec->width = film.width;
    codec->height = film.height;
    codec->pix_fmt = film.codec == "mjpeg" ? AV_PIX_FMT_YUVJ420P : AV_PIX_FMT_YUV420P;
    codec->time_base = {1, film.rate};
    codec->framerate = {film.rate, 1};
    codec->gop_size = film.keyframe_every;
    codec->max_b_frames = 0;
    AVStream* stream = Open(*codec);
    stream->avg_frame_rate = codec->framerate;
    if (film.rotation != 0) {
      auto* matrix = av_stream_new_side_data(stream, AV_PKT_DATA_DISPLAYMATRIX, 9 * sizeof(std::int32_t));
      av_display_rotation_set(reinterpret_cast<std::int32_t*>(matrix), film.rotation);
    }
    std::int64_t at = 0;
    for (const auto& scene : film.scenes) {
      for (const int brightness : scene) {
        const auto frame = GreyFrame(film, brightness, codec->pix_fmt);
        frame->pts = at++;
        Encode(*codec, frame.get(), *stream);
      }
    }
    Encode(*codec, nullptr, *stream);
  }

  void AddCover(const std::string& png) {
    AVStream* stream = avformat_new_stream(muxer_.get(), nullptr);
    stream->codecpar->codec_type = AVMEDIA_TYPE_VIDEO;
    stream->codecpar->codec_id = AV_CODEC_ID_PNG;
    stream->codecpar->width = stream->codecpar->height = 8;
    stream->disposition = AV_DISPOSITION_ATTACHED_PIC;
    auto packet = NewPacket();
    Check(av_new_packet(packet.get(), static_cast<int>(png.size())), "cover");
    std::copy(png.begin(), png.end(), packet->data);
    packet->stream_index = stream->index;
    packet->flags |= AV_PKT_FLAG_KEY;
    packet->pts = packet->dts = 0;
    packets_.emplace_back(std::move(packet), AVRational{1, 1000});
  }

  std::string Finish() {
    Check(avformat_write_header(muxer_.get(), nullptr), "header");
    for (auto& [packet, base] : packets_) {
      av_packet_rescale_ts(packet.get(), base, muxer_->streams[packet->stream_index]->time_base);
      Check(av_interleaved_write_frame(muxer_.get(), packet.get()), "packet");
    }
    Check(av_write_trailer(muxer_.get()), "trailer");
    avio_flush(output_.io());
    return std::move(output_).Take();
  }

 private:
  AvPtr<AVCodecContext> NewEncoder(const std::string& name) {
    const AVCodec* encoder = avcodec_find_encoder_by_name(name.c_str());
    if (encoder == nullptr) throw std::runtime_error("no encoder " + name);
    auto codec = Own(avcodec_alloc_context3(encoder));
    codec->thread_count = 1;
    codec->strict_std_compliance = FF_COMPLIANCE_EXPERIMENTAL;
    if ((muxer_->oformat->flags & AVFMT_GLOBALHEADER) != 0) codec->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    return codec;
  }

  AVStream* Open(AVCodecContext& codec) {
    Check(avcodec_open2(&codec, codec.codec, nullptr), "open encoder");
    AVStream* stream = avformat_new_stream(muxer_.get(), nullptr);
    Check(avcodec_parameters_from_context(stream->codecpar, &codec), "parameters");
    stream->time_base = codec.time_base;
    return stream;
  }

  void Encode(AVCodecContext& codec, const AVFrame* frame, const AVStream& stream) {
    Check(avcodec_send_frame(&codec, frame), "encode");
    for (;;) {
      auto packet = NewPacket();
      const int error = avcodec_receive_packet(&codec, packet.get());
      if (error == AVERROR(EAGAIN) || error == AVERROR_EOF) return;
      Check(error, "receive");
      packet->stream_index = stream.index;
      packets_.emplace_back(std::move(packet), codec.time_base);
    }
  }

  static AvPtr<AVFrame> ToneFrame(const Tone& tone, std::int64_t at, int count, const AVCodecContext& codec) {
    auto from = NewFrame();
    from->format = AV_SAMPLE_FMT_FLT;
    from->sample_rate = tone.rate;
    from->nb_samples = count;
    av_channel_layout_default(&from->ch_layout, tone.channels);
    Check(av_frame_get_buffer(from.get(), 0), "buffer");
    auto* samples = reinterpret_cast<float*>(from->data[0]);
    const double peak = tone.dbfs < -150 ? 0 : std::pow(10, tone.dbfs / 20);
    for (int i = 0; i < count; ++i) {
      const double phase = 2 * std::numbers::pi * tone.hertz * static_cast<double>(at + i) / tone.rate;
      for (int c = 0; c < tone.channels; ++c)
        samples[i * tone.channels + c] = static_cast<float>(peak * std::sin(phase));
    }
    auto to = NewFrame();
    to->format = codec.sample_fmt;
    to->sample_rate = tone.rate;
    to->nb_samples = count;
    av_channel_layout_default(&to->ch_layout, tone.channels);
    Check(av_frame_get_buffer(to.get(), 0), "buffer");
    auto swr = Own(swr_alloc());
    Check(swr_convert_frame(swr.get(), to.get(), from.get()), "convert");
    return to;
  }

  // Brightness on the left, a fixed ramp on the right: no frame is of one colour.
  static AvPtr<AVFrame> GreyFrame(const Film& film, int brightness, AVPixelFormat format) {
    auto frame = NewFrame();
    frame->width = film.width;
    frame->height = film.height;
    frame->format = format;
    Check(av_frame_get_buffer(frame.get(), 0), "buffer");
    for (int y = 0; y < film.height; ++y) {
      for (int x = 0; x < film.width; ++x) {
        const int level = x < film.width * 3 / 4 ? brightness : brightness < 0 ? 16 : 255 * y / film.height;
        frame->data[0][y * frame->linesize[0] + x] = static_cast<std::uint8_t>(brightness < 0 ? 16 : level);
      }
    }
    for (int plane = 1; plane < 3; ++plane) {
      for (int y = 0; y < film.height / 2; ++y) {
        std::fill_n(frame->data[plane] + static_cast<std::ptrdiff_t>(y) * frame->linesize[plane], film.width / 2, 128);
      }
    }
    return frame;
  }

  MemoryOutput output_{64U << 20U};
  std::unique_ptr<AVFormatContext, MuxerFree> muxer_;
  std::vector<std::pair<AvPtr<AVPacket>, AVRational>> packets_;
};

}  // namespace

std::string Make(const Recipe& recipe) {
  Maker maker(recipe);
  for (const Film& film : recipe.films) maker.AddFilm(film);
  for (const Tone& tone : recipe.tones) maker.AddTone(tone);
  if (!recipe.cover.empty()) maker.AddCover(recipe.cover);
  return maker.Finish();
}

std::vector<int> Scene(int frames, int brightness) {
  return std::vector<int>(static_cast<std::size_t>(frames), brightness);
}

std::string Png(int width, int height) {
  Picture picture{width, height, {}};
  picture.rgb.assign(static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * 3, 0x80);
  return Encode(picture, PictureFormat::kPng).value();
}

Ran RunOn(std::string_view verb, const std::string& bytes, const std::vector<ports::Operation>& operations) {
  static const auto executor = NewMediaExecutor();
  return executor->Run({.tenant = "t", .verb = verb, .operations = &operations, .inputs = {bytes}});
}

simdjson::dom::element At(const Ran& ran, std::string_view pointer) {
  thread_local simdjson::dom::parser parser;
  return parser.parse(ran.value().result_json).value().at_pointer(pointer).value();
}

std::string Artifact(const Ran& ran, std::string_view name) {
  for (const auto& artifact : ran.value().artifacts) {
    if (artifact.name == name) return artifact.bytes;
  }
  return {};
}

}  // namespace processors::media
