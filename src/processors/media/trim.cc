#include "processors/media/trim.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>
#include <vector>

#include "job/limits.h"
#include "processors/media/input.h"
#include "processors/media/memory_output.h"
#include "processors/media/packet_reader.h"
#include "processors/media/xiph.h"

namespace processors::media {

namespace {

// Which muxer writes a container's like; sound alone may have a name of its own.
struct Target {
  std::string_view container;
  const char* muxer;
  std::string_view extension;
  std::string_view content_type;
  std::string_view audio_extension;
  std::string_view audio_content_type;
};
constexpr Target kTargets[] = {
    {"mp3", "mp3", "mp3", "audio/mpeg", "mp3", "audio/mpeg"},
    {"wav", "wav", "wav", "audio/wav", "wav", "audio/wav"},
    {"flac", "flac", "flac", "audio/flac", "flac", "audio/flac"},
    {"ogg", "ogg", "ogv", "video/ogg", "ogg", "audio/ogg"},
    {"mp4", "mp4", "mp4", "video/mp4", "m4a", "audio/mp4"},
    {"mov", "mov", "mov", "video/quicktime", "mov", "video/quicktime"},
    {"matroska", "matroska", "mkv", "video/x-matroska", "mka", "audio/x-matroska"},
    {"webm", "webm", "webm", "video/webm", "webm", "audio/webm"},
};

constexpr std::size_t kFlacHeader = 34;  // bytes of STREAMINFO

constexpr std::uint64_t kMaxPart = job::Limits{}.max_executor_output / 2;  // bytes, beside the other artifacts

// The cut on one stream, in its own time base; timestamps are relative to the file's start.
struct Cut {
  std::int64_t start = 0;
  std::int64_t end = 0;
};

struct MuxerFree {
  void operator()(AVFormatContext* format) const { avformat_free_context(format); }
};

std::int64_t FileStart(const Input& input, AVRational time_base) {
  const std::int64_t start = input.format()->start_time;
  return start == AV_NOPTS_VALUE ? 0 : av_rescale_q(start, AV_TIME_BASE_Q, time_base);
}

std::int64_t Ticks(double seconds, AVRational time_base) {
  return std::llround(seconds * time_base.den / time_base.num);
}

// Whether the packet's times are of a file that this executor takes at all; sums of others would overflow.
bool HasSaneTimes(const AVPacket& packet, AVRational time_base) {
  constexpr double kMost = 1e6;  // seconds, either way
  const auto sane = [&](std::int64_t ticks) {
    return std::abs(static_cast<double>(ticks) * av_q2d(time_base)) < kMost;
  };
  return sane(packet.pts) && sane(packet.dts) && sane(packet.duration);
}

// Where the film's copy begins: seconds of the last keyframe at or before `start`, by reading the whole file once. An
// index could lie.
Processed<double> KeyframeBefore(std::string_view bytes, double start) {
  auto input = Input::Open(bytes);
  if (!input) return std::unexpected(input.error());
  const AVStream* video = (*input)->video();
  const std::int64_t file_start = FileStart(**input, video->time_base);
  const std::int64_t wanted = Ticks(start, video->time_base);
  std::optional<std::int64_t> first;
  std::optional<std::int64_t> found;
  const auto packet = NewPacket();
  PacketReader packets(**input);
  for (;;) {
    const auto more = packets.Next(*packet);
    if (!more) return std::unexpected(more.error());
    if (!*more) break;
    const std::int64_t at = packet->pts == AV_NOPTS_VALUE ? packet->dts : packet->pts;
    packet->pts = packet->dts = at;
    if (packet->stream_index == video->index && (packet->flags & AV_PKT_FLAG_KEY) != 0 && at != AV_NOPTS_VALUE &&
        HasSaneTimes(*packet, video->time_base)) {
      if (!first) first = at - file_start;
      if (at - file_start <= wanted) found = std::max(found.value_or(at - file_start), at - file_start);
    }
  }
  if (!first) return Refuse("invalid-media", "the film has no keyframe to begin at");
  return static_cast<double>(found.value_or(*first)) * av_q2d(video->time_base);
}

// STREAMINFO counts the samples of the whole file (36 bits) and has their checksum (128 bits). The part has a count of
// its own, and a checksum of zeros, which means unknown.
void SetFlacTotals(std::uint8_t* stream_info, std::uint64_t samples) {
  stream_info[13] = static_cast<std::uint8_t>((stream_info[13] & 0xf0U) | (samples >> 32U & 0x0fU));
  for (unsigned i = 0; i < 4; ++i) stream_info[14 + i] = static_cast<std::uint8_t>(samples >> (24 - 8 * i));
  std::fill(stream_info + 18, stream_info + kFlacHeader, 0);
}

bool IsFlac(const AVCodecParameters& parameters) {
  return parameters.codec_id == AV_CODEC_ID_FLAC && parameters.extradata_size == static_cast<int>(kFlacHeader);
}

// In a file that libav's flac muxer wrote: behind the magic word and the block's four bytes.
void SetFlacFileTotals(std::string& file, std::uint64_t samples) {
  constexpr std::size_t kAt = 8;
  if (!file.starts_with("fLaC") || file.size() < kAt + kFlacHeader) return;
  SetFlacTotals(reinterpret_cast<std::uint8_t*>(file.data()) + kAt, samples);
}

// Vorbis and Theora carry their tags with what their decoders need.
Processed<void> DropComments(AVCodecParameters& parameters) {
  if (parameters.codec_id != AV_CODEC_ID_VORBIS && parameters.codec_id != AV_CODEC_ID_THEORA) return {};
  const auto bare =
      WithoutComments(parameters.codec_id, {parameters.extradata, static_cast<std::size_t>(parameters.extradata_size)});
  if (!bare) {
    return Refuse("invalid-media",
                  fmt::format("the {} stream's header is wrong", avcodec_get_name(parameters.codec_id)));
  }
  auto* data = static_cast<std::uint8_t*>(av_mallocz(bare->size() + AV_INPUT_BUFFER_PADDING_SIZE));
  if (data == nullptr) return RefuseMemory();
  std::ranges::copy(*bare, data);
  av_freep(&parameters.extradata);
  parameters.extradata = data;
  parameters.extradata_size = static_cast<int>(bare->size());
  return {};
}

class Copier {
 public:
  Copier(Input& input, TrimWish wish, double begin) : input_(input), wish_(wish), begin_(begin) {}

  Processed<Trimmed> Run() {
    if (auto opened = Open(); !opened) return std::unexpected(opened.error());
    if (auto copied = CopyAll(); !copied) return std::unexpected(copied.error());
    if (const int error = av_write_trailer(muxer_.get()); error < 0) return std::unexpected(WriteFailure(error));
    avio_flush(output_.io());
    if (output_.overflowed()) return std::unexpected(WriteFailure(AVERROR(ENOSPC)));
    const bool film = input_.video() != nullptr;
    std::string file = std::move(output_).Take();
    if (target_->muxer == std::string_view("flac")) {
      const double samples = (last_ - first_) * routes_.front().from->codecpar->sample_rate;
      SetFlacFileTotals(file, static_cast<std::uint64_t>(std::llround(samples)));
    }
    return Trimmed{.artifact = {.name = fmt::format("trim.{}", film ? target_->extension : target_->audio_extension),
                                .content_type = std::string(film ? target_->content_type : target_->audio_content_type),
                                .bytes = std::move(file)},
                   .start = first_,
                   .duration = last_ - first_};
  }

 private:
  struct Route {
    const AVStream* from = nullptr;
    AVStream* to = nullptr;
    int pcm_frame = 0;  // bytes of one sample of all channels; 0: packets stay whole
    Cut cut;
    std::int64_t file_start = 0;
    std::int64_t next_dts = std::numeric_limits<std::int64_t>::min();
  };

  Processed<void> Open() {
    const auto found = std::ranges::find(kTargets, input_.container(), &Target::container);
    if (found == std::end(kTargets)) {
      return Refuse("unsupported-format", fmt::format("trim does not write {} files", input_.container()));
    }
    target_ = found;
    AVFormatContext* made = nullptr;
    const int error = avformat_alloc_output_context2(&made, nullptr, target_->muxer, nullptr);
    muxer_.reset(made);
    if (error < 0) return RefuseAv("the muxer is missing", error);
    muxer_->pb = output_.io();
    // Reproducible, and no look at the system's random numbers for serial numbers.
    muxer_->flags |= AVFMT_FLAG_CUSTOM_IO | AVFMT_FLAG_BITEXACT;
    if (auto added = AddRoute(input_.video()); !added) return added;
    if (auto added = AddRoute(input_.audio()); !added) return added;
    if (const int written = avformat_write_header(muxer_.get(), nullptr); written < 0) {
      return std::unexpected(WriteFailure(written));
    }
    return {};
  }

  Processed<void> AddRoute(const AVStream* from) {
    if (from == nullptr) return {};
    const AVCodecID codec = from->codecpar->codec_id;
    if (avformat_query_codec(muxer_->oformat, codec, FF_COMPLIANCE_NORMAL) == 0) {
      return Refuse("unsupported-format",
                    fmt::format("trim does not write {} in {} files", avcodec_get_name(codec), input_.container()));
    }
    AVStream* to = avformat_new_stream(muxer_.get(), nullptr);
    if (to == nullptr || avcodec_parameters_copy(to->codecpar, from->codecpar) < 0) return RefuseMemory();
    // Each container names codecs in its own way; of several names for one, the file's own stays.
    const AVCodecTag* const* tags = muxer_->oformat->codec_tag;
    if (tags == nullptr || av_codec_get_id(tags, from->codecpar->codec_tag) != codec) to->codecpar->codec_tag = 0;
    to->time_base = from->time_base;
    to->sample_aspect_ratio = from->sample_aspect_ratio;
    to->avg_frame_rate = from->avg_frame_rate;
    if (IsFlac(*to->codecpar)) SetFlacTotals(to->codecpar->extradata, 0);
    if (auto dropped = DropComments(*to->codecpar); !dropped) return dropped;
    if (auto copied = CopyRotation(*from, *to); !copied) return copied;
    const int bits = av_get_exact_bits_per_sample(codec);
    const bool pcm =
        std::string_view(avcodec_get_name(codec)).starts_with("pcm_") && bits > 0 && from->codecpar->sample_rate > 0;
    routes_.push_back({.from = from,
                       .to = to,
                       .pcm_frame = pcm ? bits / 8 * from->codecpar->ch_layout.nb_channels : 0,
                       .cut = {Ticks(begin_, from->time_base), Ticks(wish_.start + wish_.duration, from->time_base)},
                       .file_start = FileStart(input_, from->time_base)});
    return {};
  }

  static Processed<void> CopyRotation(const AVStream& from, AVStream& to) {
    std::size_t size = 0;
    const std::uint8_t* matrix = av_stream_get_side_data(&from, AV_PKT_DATA_DISPLAYMATRIX, &size);
    if (matrix == nullptr) return {};
    std::uint8_t* copy = av_stream_new_side_data(&to, AV_PKT_DATA_DISPLAYMATRIX, size);
    if (copy == nullptr) return RefuseMemory();
    std::copy_n(matrix, size, copy);
    return {};
  }

  Processed<void> CopyAll() {
    const auto packet = NewPacket();
    PacketReader packets(input_);
    for (;;) {
      const auto more = packets.Next(*packet);
      if (!more) return std::unexpected(more.error());
      if (!*more) break;
      const auto route =
          std::ranges::find_if(routes_, [&](const Route& r) { return r.from->index == packet->stream_index; });
      if (route != routes_.end()) {
        if (auto copied = Copy(*packet, *route); !copied) return copied;
      }
    }
    if (last_ <= first_) return Refuse("beyond-end", fmt::format("the file ends before {} s", wish_.start));
    return {};
  }

  Processed<void> Copy(AVPacket& packet, Route& route) {
    if (packet.pts == AV_NOPTS_VALUE) packet.pts = packet.dts;
    if (packet.dts == AV_NOPTS_VALUE) packet.dts = packet.pts;
    if (packet.pts == AV_NOPTS_VALUE || packet.size <= 0 || !HasSaneTimes(packet, route.from->time_base)) return {};
    packet.pts -= route.file_start;
    packet.dts -= route.file_start;
    const bool film = route.from == input_.video();
    if (film ? !WantsFilm(packet, route) : !WantsSound(packet, route)) return {};
    if (route.pcm_frame > 0) CutSamples(packet, route);
    if (packet.size <= 0) return {};
    const double unit = av_q2d(route.from->time_base);
    if (film || input_.video() == nullptr) {
      first_ = std::min(first_, static_cast<double>(packet.pts) * unit);
      last_ = std::max(last_, static_cast<double>(packet.pts + std::max<std::int64_t>(packet.duration, 0)) * unit);
    }
    packet.pts -= route.cut.start;
    packet.dts = std::max(packet.dts - route.cut.start, route.next_dts);  // muxers refuse a clock that goes back
    packet.pts = std::max(packet.pts, packet.dts);
    route.next_dts = packet.dts + 1;
    packet.stream_index = route.to->index;
    packet.pos = -1;
    av_packet_rescale_ts(&packet, route.from->time_base, route.to->time_base);
    if (const int error = av_interleaved_write_frame(muxer_.get(), &packet); error < 0) {
      return std::unexpected(WriteFailure(error));
    }
    return {};
  }

  // From the chosen keyframe on. What follows it in the file but is shown before it belongs to the part cut away.
  [[nodiscard]] static bool WantsFilm(const AVPacket& packet, const Route& route) {
    return packet.pts >= route.cut.start && packet.dts < route.cut.end;
  }
  [[nodiscard]] static bool WantsSound(const AVPacket& packet, const Route& route) {
    return packet.pts + std::max<std::int64_t>(packet.duration, 1) > route.cut.start && packet.pts < route.cut.end;
  }

  // One sample is one tick of the sample rate, whatever the stream's time base.
  static void CutSamples(AVPacket& packet, const Route& route) {
    const AVRational tick = {1, route.from->codecpar->sample_rate};
    const AVRational base = route.from->time_base;
    const std::int64_t count = packet.size / route.pcm_frame;
    const std::int64_t at = av_rescale_q(packet.pts, base, tick);
    const std::int64_t skip = std::clamp<std::int64_t>(av_rescale_q(route.cut.start, base, tick) - at, 0, count);
    const std::int64_t keep =
        std::clamp<std::int64_t>(av_rescale_q(route.cut.end, base, tick) - at, skip, count) - skip;
    packet.data += skip * route.pcm_frame;
    packet.size = static_cast<int>(keep * route.pcm_frame);
    packet.pts = packet.dts = av_rescale_q(at + skip, tick, base);
    packet.duration = av_rescale_q(keep, tick, base);
  }

  [[nodiscard]] ports::ProcessorFailure WriteFailure(int error) const {
    if (output_.overflowed()) {
      return Refuse("output-too-large", fmt::format("the part is over {} bytes", kMaxPart)).error();
    }
    return RefuseAv("the part cannot be written", error).error();
  }

  Input& input_;
  const TrimWish wish_;
  const double begin_;  // seconds: the start, or the keyframe before it
  const Target* target_ = nullptr;
  MemoryOutput output_{kMaxPart};
  std::unique_ptr<AVFormatContext, MuxerFree> muxer_;
  std::vector<Route> routes_;
  double first_ = std::numeric_limits<double>::max();
  double last_ = 0;
};

}  // namespace

Processed<Trimmed> Trim(std::string_view bytes, TrimWish wish) {
  auto input = Input::Open(bytes);
  if (!input) return std::unexpected(input.error());
  double begin = wish.start;
  if ((*input)->video() != nullptr) {
    auto keyframe = KeyframeBefore(bytes, wish.start);
    if (!keyframe) return std::unexpected(keyframe.error());
    begin = *keyframe;
  }
  return Copier(**input, wish, begin).Run();
}

}  // namespace processors::media
