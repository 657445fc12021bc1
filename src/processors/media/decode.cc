#include "processors/media/decode.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "processors/media/packet_reader.h"

namespace processors::media {

namespace {

// What may be missing at the end: encoders round up to whole packets, and declare what they pad.
constexpr double kShortSeconds = 0.25;
constexpr double kShortShare = 0.02;

// One stream's decoder and where its frames go.
class Channel {
 public:
  Channel(AVStream* stream, FrameSink* sink) : stream_(stream), sink_(sink) {}

  Processed<void> Open() {
    auto codec = OpenDecoder(*stream_);
    if (!codec) return std::unexpected(codec.error());
    codec_ = std::move(*codec);
    return {};
  }
  [[nodiscard]] int index() const { return stream_->index; }

  // packet: nullptr at the end, to get what the decoder still holds.
  Processed<void> Send(const AVPacket* packet, PassReport& report) {
    if (packet != nullptr) {
      ++packets_;
      ++report.packets;
      if ((packet->flags & AV_PKT_FLAG_CORRUPT) != 0) ++report.damaged;
    }
    int error = avcodec_send_packet(codec_.get(), packet);
    if (error == AVERROR(EAGAIN)) {  // full: cannot be, as every frame is taken below; counted rather than trusted
      ++report.damaged;
      return Receive(report);
    }
    if (error == AVERROR(ENOMEM)) return RefuseMemory();
    if (error < 0 && error != AVERROR_EOF) {
      ++report.damaged;
      return {};
    }
    return Receive(report);
  }
  [[nodiscard]] bool has_packets() const { return packets_ > 0; }
  [[nodiscard]] bool has_frames() const { return frames_ > 0; }

 private:
  Processed<void> Receive(PassReport& report) {
    for (;;) {
      const int error = avcodec_receive_frame(codec_.get(), frame_.get());
      if (error == AVERROR(EAGAIN) || error == AVERROR_EOF) return {};
      if (error == AVERROR(ENOMEM)) return RefuseMemory();
      if (error < 0) {
        ++report.damaged;
        return {};
      }
      ++frames_;
      if (frame_->decode_error_flags != 0 || (frame_->flags & AV_FRAME_FLAG_CORRUPT) != 0) ++report.damaged;
      auto taken = sink_->Take(*frame_, stream_->time_base);
      av_frame_unref(frame_.get());
      if (!taken) return taken;
    }
  }

  AVStream* const stream_;
  FrameSink* const sink_;
  AvPtr<AVCodecContext> codec_;
  AvPtr<AVFrame> frame_ = NewFrame();
  std::uint64_t packets_ = 0;
  std::uint64_t frames_ = 0;
};

using Channels = std::vector<Channel>;

Processed<Channels> OpenChannels(const Input& input, FrameSink* audio, FrameSink* video) {
  Channels channels;
  if (audio != nullptr) channels.emplace_back(input.audio(), audio);
  if (video != nullptr) channels.emplace_back(input.video(), video);
  for (unsigned i = 0; i < input.format()->nb_streams; ++i) input.format()->streams[i]->discard = AVDISCARD_ALL;
  for (Channel& channel : channels) {
    input.format()->streams[channel.index()]->discard = AVDISCARD_DEFAULT;
    if (auto opened = channel.Open(); !opened) return std::unexpected(opened.error());
  }
  return channels;
}

Processed<void> SendAll(Input& input, Channels& channels, PassReport& report) {
  const auto packet = NewPacket();
  PacketReader packets(input);
  for (;;) {
    const auto more = packets.Next(*packet);
    if (!more) return std::unexpected(more.error());
    if (!*more) break;
    for (Channel& channel : channels) {
      if (packet->stream_index != channel.index()) continue;
      if (auto sent = channel.Send(packet.get(), report); !sent) return sent;
    }
  }
  report.damaged += packets.errors();
  return {};
}

}  // namespace

Processed<AvPtr<AVCodecContext>> OpenDecoder(const AVStream& stream) {
  const AVCodec* decoder = FindDecoder(stream.codecpar->codec_id);
  const char* name = avcodec_get_name(stream.codecpar->codec_id);
  if (decoder == nullptr) return Refuse("unsupported-codec", fmt::format("the codec {} is not decoded here", name));
  auto codec = Own(avcodec_alloc_context3(decoder));
  int error = avcodec_parameters_to_context(codec.get(), stream.codecpar);
  if (error < 0) return RefuseAv(fmt::format("the {} stream's header is wrong", name), error);
  codec->thread_count = 1;
  codec->pkt_timebase = stream.time_base;
  codec->max_pixels = kMaxVideoPixels;
  codec->err_recognition = AV_EF_CRCCHECK;
  // FLAC's frames carry a checksum; libav mentions a wrong one to nobody unless it is told to drop the frame.
  if (decoder->id == AV_CODEC_ID_FLAC) codec->err_recognition |= AV_EF_EXPLODE;
  error = avcodec_open2(codec.get(), decoder, nullptr);
  if (error < 0) return RefuseAv(fmt::format("the {} stream's header is wrong", name), error);
  return codec;
}

Processed<PassReport> DecodeAll(Input& input, FrameSink* audio, FrameSink* video) {
  auto channels = OpenChannels(input, audio, video);
  if (!channels) return std::unexpected(channels.error());
  PassReport report;
  if (auto sent = SendAll(input, *channels, report); !sent) return std::unexpected(sent.error());
  for (Channel& channel : *channels) {
    if (auto flushed = channel.Send(nullptr, report); !flushed) return std::unexpected(flushed.error());
    const bool may_be_empty = video != nullptr && channel.index() != input.video()->index;
    if (!channel.has_frames() && (channel.has_packets() || !may_be_empty)) {
      const char* name = avcodec_get_name(input.format()->streams[channel.index()]->codecpar->codec_id);
      return Refuse("invalid-media", fmt::format("nothing of the {} stream can be decoded", name));
    }
  }
  return report;
}

Processed<void> CheckWhole(const Input& input, const PassReport& report, double decoded_seconds) {
  if (report.damaged > std::max<std::uint64_t>(1, report.packets / kMaxDamagedShare)) {
    return Refuse("invalid-media", fmt::format("{} of {} packets are damaged", report.damaged, report.packets));
  }
  const double declared = input.promised_seconds();
  if (declared - decoded_seconds > std::max(kShortSeconds, declared * kShortShare)) {
    return Refuse("truncated-media", fmt::format("the file says that it lasts {:.2f} s and ends after {:.2f} s",
                                                 declared, decoded_seconds));
  }
  return {};
}

}  // namespace processors::media
