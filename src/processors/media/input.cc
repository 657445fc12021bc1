#include "processors/media/input.h"

extern "C" {
#include <libavutil/opt.h>
}

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "job/limits.h"
#include "processors/sniff/sniff.h"

namespace processors::media {

namespace {

using std::string_view_literals::operator""sv;

constexpr int kIoBufferBytes = 32 * 1024;
constexpr std::int64_t kProbeBytes = 4 << 20;              // read at most, to learn what the header left out
constexpr std::int64_t kProbeMicros = 5LL * AV_TIME_BASE;  // and of each stream
constexpr int kLeastProbeScore = AVPROBE_SCORE_RETRY + 1;  // libav's own mark of a guess worth something
constexpr std::uint64_t kMaxReadings = 16;                 // of the same byte, by sample tables that overlap
constexpr std::uint64_t kReadingsSlack = 16ULL << 20U;     // for small files: repeated samples are no attack
constexpr std::uint32_t kMaxHeaderStreams = 64;            // libav stops making streams there

// Our name for the container, libav's name for its demuxer.
struct Container {
  std::string_view name;
  const char* demuxer;
};
constexpr Container kContainers[] = {
    {"mp3", "mp3"}, {"wav", "wav"},           {"flac", "flac"}, {"ogg", "ogg"},   {"mp4", "mov,mp4,m4a,3gp,3g2,mj2"},
    {"aac", "aac"}, {"matroska", "matroska"}, {"avi", "avi"},   {"aiff", "aiff"}, {"mpegts", "mpegts"},
};
constexpr char kDemuxerList[] = "mp3,wav,flac,ogg,mov,mp4,m4a,3gp,3g2,mj2,aac,matroska,webm,avi,aiff,mpegts";

struct Decoder {
  AVCodecID codec;
  const char* name;
};
constexpr Decoder kDecoders[] = {
    {AV_CODEC_ID_MP3, "mp3float"},
    {AV_CODEC_ID_AAC, "aac"},
    {AV_CODEC_ID_VORBIS, "vorbis"},
    {AV_CODEC_ID_OPUS, "opus"},
    {AV_CODEC_ID_FLAC, "flac"},
    {AV_CODEC_ID_ALAC, "alac"},
    {AV_CODEC_ID_PCM_U8, "pcm_u8"},
    {AV_CODEC_ID_PCM_S8, "pcm_s8"},
    {AV_CODEC_ID_PCM_S16LE, "pcm_s16le"},
    {AV_CODEC_ID_PCM_S16BE, "pcm_s16be"},
    {AV_CODEC_ID_PCM_S24LE, "pcm_s24le"},
    {AV_CODEC_ID_PCM_S24BE, "pcm_s24be"},
    {AV_CODEC_ID_PCM_S32LE, "pcm_s32le"},
    {AV_CODEC_ID_PCM_S32BE, "pcm_s32be"},
    {AV_CODEC_ID_PCM_F32LE, "pcm_f32le"},
    {AV_CODEC_ID_PCM_F32BE, "pcm_f32be"},
    {AV_CODEC_ID_PCM_F64LE, "pcm_f64le"},
    {AV_CODEC_ID_PCM_F64BE, "pcm_f64be"},
    {AV_CODEC_ID_PCM_ALAW, "pcm_alaw"},
    {AV_CODEC_ID_PCM_MULAW, "pcm_mulaw"},
    {AV_CODEC_ID_H264, "h264"},
    {AV_CODEC_ID_HEVC, "hevc"},
    {AV_CODEC_ID_VP8, "vp8"},
    {AV_CODEC_ID_VP9, "vp9"},
    {AV_CODEC_ID_AV1, "libdav1d"},
    {AV_CODEC_ID_MPEG4, "mpeg4"},
    {AV_CODEC_ID_MJPEG, "mjpeg"},
    {AV_CODEC_ID_THEORA, "theora"},
    {AV_CODEC_ID_PNG, "png"},
};

std::string DecoderList() {
  std::string list;
  for (const Decoder& decoder : kDecoders) {
    if (!list.empty()) list += ',';
    list += decoder.name;
  }
  return list;
}

// Past an ID3v2 tag: its length stands in four bytes of seven bits.
std::string_view SkipId3(std::string_view bytes) {
  if (!bytes.starts_with("ID3") || bytes.size() < 10) return bytes;
  std::size_t length = 0;
  for (std::size_t i = 6; i < 10; ++i) length = length << 7U | (static_cast<unsigned char>(bytes[i]) & 0x7fU);
  return bytes.substr(std::min(bytes.size(), length + 10));
}

// Files of QuickTime before it had a "ftyp" atom, and transport streams: what Sniff does not know.
std::string_view SniffRest(std::string_view bytes) {
  constexpr std::string_view kAtoms[] = {"moov", "mdat", "wide", "free", "skip"};
  constexpr std::size_t kTransportPacket = 188;
  if (bytes.size() >= 8 && std::ranges::find(kAtoms, bytes.substr(4, 4)) != std::end(kAtoms)) return "mp4";
  if (bytes.size() > 2 * kTransportPacket && bytes[0] == 'G' && bytes[kTransportPacket] == 'G' &&
      bytes[2 * kTransportPacket] == 'G') {
    return "mpegts";
  }
  return {};
}

const Container* ByName(std::string_view name) {
  const auto found = std::ranges::find(kContainers, name, &Container::name);
  return found == std::end(kContainers) ? nullptr : found;
}

// libav's guess for bytes that start with junk, as long as it guesses one of ours.
const Container* Probe(std::string_view bytes) {
  constexpr std::size_t kMost = 64 * 1024;
  std::vector<unsigned char> start(std::min(bytes.size(), kMost) + AVPROBE_PADDING_SIZE);
  std::memcpy(start.data(), bytes.data(), start.size() - AVPROBE_PADDING_SIZE);
  const AVProbeData data{.filename = "",
                         .buf = start.data(),
                         .buf_size = static_cast<int>(start.size() - AVPROBE_PADDING_SIZE),
                         .mime_type = nullptr};
  int score = 0;
  const AVInputFormat* guess = av_probe_input_format3(&data, 1, &score);
  if (guess == nullptr || score < kLeastProbeScore) return nullptr;
  const auto found = std::ranges::find_if(
      kContainers, [&](const Container& c) { return std::string_view(guess->name).starts_with(c.demuxer); });
  return found == std::end(kContainers) ? nullptr : found;
}

const Container* ChooseContainer(std::string_view bytes) {
  const auto behind_tag = SkipId3(bytes);
  if (const auto sniffed = Sniff(behind_tag)) return ByName(sniffed->format);
  if (const auto rest = SniffRest(bytes); !rest.empty()) return ByName(rest);
  return Probe(bytes);
}

// What a container's own header says beyond its family.
std::string_view Refine(std::string_view name, std::string_view bytes) {
  constexpr std::size_t kEbmlHeader = 64;
  if (name == "matroska" && bytes.substr(0, kEbmlHeader).contains("webm")) return "webm";
  if (name == "mp4" && bytes.substr(0, 12).ends_with("ftypqt  ")) return "mov";
  return name;
}

std::uint32_t LittleAt(std::string_view bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 4; i > 0; --i) value = value << 8U | static_cast<unsigned char>(bytes[at + i - 1]);
  return value;
}

// What the "data" chunk of a WAV file says: libav believes the file's length instead. 0: it says nothing, as when the
// writer could not go back.
double WavSeconds(std::string_view bytes, const AVCodecParameters& parameters) {
  constexpr std::size_t kHead = 8;  // of a chunk: its name, its length
  std::size_t at = 12;
  while (at + kHead <= bytes.size()) {
    const std::size_t length = LittleAt(bytes, at + 4);
    if (bytes.substr(at, 4) == "data") {
      const bool streamed = length == 0 || length >= 0x7fff'ffffU;
      const std::int64_t rate = static_cast<std::int64_t>(parameters.block_align) * parameters.sample_rate;
      return streamed || rate <= 0 ? 0 : static_cast<double>(length) / static_cast<double>(rate);
    }
    at += kHead + length + length % 2;
  }
  return 0;
}

Processed<void> RefuseStreams() {
  return Refuse("too-many-streams", fmt::format("the file has more than {} streams", job::kMaxMediaStreams));
}

void Set(void* object, const char* name, const char* value) {
  if (av_opt_set(object, name, value, 0) < 0) throw std::bad_alloc();
}

// Options of the decoders that look at the first frames; one dictionary a stream, as libav wants them.
class ProbeOptions {
 public:
  explicit ProbeOptions(unsigned streams) : dictionaries_(streams) {
    for (AVDictionary*& dictionary : dictionaries_) {
      if (av_dict_set_int(&dictionary, "max_pixels", kMaxVideoPixels, 0) < 0) throw std::bad_alloc();
      if (av_dict_set_int(&dictionary, "threads", 1, 0) < 0) throw std::bad_alloc();
    }
  }
  ~ProbeOptions() {
    for (AVDictionary*& dictionary : dictionaries_) av_dict_free(&dictionary);
  }
  ProbeOptions(const ProbeOptions&) = delete;
  ProbeOptions& operator=(const ProbeOptions&) = delete;
  [[nodiscard]] AVDictionary** data() { return dictionaries_.data(); }

 private:
  std::vector<AVDictionary*> dictionaries_;
};

}  // namespace

const AVCodec* FindDecoder(AVCodecID codec) {
  const auto found = std::ranges::find(kDecoders, codec, &Decoder::codec);
  return found == std::end(kDecoders) ? nullptr : avcodec_find_decoder_by_name(found->name);
}

Processed<std::unique_ptr<Input>> Input::Open(std::string_view bytes) {
  auto input = std::unique_ptr<Input>(new Input(bytes));
  if (auto opened = input->OpenContainer(); !opened) return std::unexpected(opened.error());
  if (auto found = input->FindStreams(); !found) return std::unexpected(found.error());
  if (auto checked = input->CheckDuration(); !checked) return std::unexpected(checked.error());
  return input;
}

Input::~Input() {
  avformat_close_input(&format_);
}

int Input::OnRead(void* opaque, std::uint8_t* out, int size) {
  auto& self = *static_cast<Input*>(opaque);
  const std::size_t count = std::min(static_cast<std::size_t>(std::max(size, 0)), self.bytes_.size() - self.position_);
  if (count == 0) return AVERROR_EOF;
  std::memcpy(out, self.bytes_.data() + self.position_, count);
  self.position_ += count;
  return static_cast<int>(count);
}

std::int64_t Input::OnSeek(void* opaque, std::int64_t offset, int whence) {
  auto& self = *static_cast<Input*>(opaque);
  const auto size = static_cast<std::int64_t>(self.bytes_.size());
  if (whence == AVSEEK_SIZE) return size;
  if ((whence & ~AVSEEK_FORCE) != SEEK_SET || offset < 0 || offset > size) return AVERROR(EINVAL);
  self.position_ = static_cast<std::size_t>(offset);
  return offset;
}

int Input::OnOpen(AVFormatContext* format, AVIOContext** /*io*/, const char* /*url*/, int /*flags*/,
                  AVDictionary** /*options*/) {
  ++static_cast<Input*>(format->opaque)->refused_opens_;
  return AVERROR(EPERM);
}

Processed<void> Input::OpenContainer() {
  const Container* chosen = ChooseContainer(bytes_);
  if (chosen == nullptr) return Refuse("unsupported-format", "the bytes are of no audio or video format that is read");
  container_ = Refine(chosen->name, bytes_);
  auto* buffer = static_cast<unsigned char*>(av_malloc(kIoBufferBytes));
  if (buffer == nullptr) throw std::bad_alloc();
  io_ = Own(avio_alloc_context(buffer, kIoBufferBytes, 0, this, OnRead, nullptr, OnSeek));
  format_ = avformat_alloc_context();
  if (format_ == nullptr) throw std::bad_alloc();
  format_->pb = io_.get();
  format_->opaque = this;
  format_->io_open = OnOpen;
  format_->flags |= AVFMT_FLAG_CUSTOM_IO;
  format_->probesize = kProbeBytes;
  format_->max_analyze_duration = kProbeMicros;
  format_->max_streams = kMaxHeaderStreams;
  Set(format_, "format_whitelist", kDemuxerList);
  Set(format_, "codec_whitelist", DecoderList().c_str());
  Set(format_, "protocol_whitelist", "none");
  static_cast<void>(TakeTooManyStreams());
  // On failure libav frees the context and sets the pointer to null.
  const int error = avformat_open_input(&format_, "", av_find_input_format(chosen->demuxer), nullptr);
  if (TakeTooManyStreams()) return RefuseStreams();
  if (error < 0) return RefuseAv(fmt::format("the {} container cannot be read", container_), error);
  return {};
}

Processed<void> Input::FindStreams() {
  if (format_->nb_streams > job::kMaxMediaStreams) return RefuseStreams();
  ChooseStreams();
  // Once more below, as decoders know better; but sizes that they refuse, they forget.
  if (auto sized = CheckSize(); !sized) return sized;
  ProbeOptions options(format_->nb_streams);
  const int error = avformat_find_stream_info(format_, options.data());
  if (TakeTooManyStreams() || format_->nb_streams > job::kMaxMediaStreams) return RefuseStreams();
  if (error < 0) return RefuseAv(fmt::format("the {} container's streams cannot be read", container_), error);
  ChooseStreams();
  return CheckSize();
}

void Input::ChooseStreams() {
  audio_ = video_ = cover_ = nullptr;
  constexpr int kStill = AV_DISPOSITION_ATTACHED_PIC | AV_DISPOSITION_TIMED_THUMBNAILS;
  for (unsigned i = 0; i < format_->nb_streams; ++i) {
    AVStream* stream = format_->streams[i];
    const bool chosen_by_file = (stream->disposition & AV_DISPOSITION_DEFAULT) != 0;
    const auto take = [&](AVStream*& slot) {
      if (slot == nullptr || (chosen_by_file && (slot->disposition & AV_DISPOSITION_DEFAULT) == 0)) slot = stream;
    };
    if (stream->codecpar->codec_type == AVMEDIA_TYPE_AUDIO) {
      take(audio_);
    } else if (stream->codecpar->codec_type == AVMEDIA_TYPE_VIDEO) {
      take((stream->disposition & kStill) == 0 ? video_ : cover_);
    }
  }
}

Processed<void> Input::CheckSize() const {
  if (video_ == nullptr) return {};
  const std::int64_t width = video_->codecpar->width;
  const std::int64_t height = video_->codecpar->height;
  constexpr std::int64_t kSide = job::kMaxVideoSide;
  if (width <= kSide && height <= kSide && width * height <= kMaxVideoPixels) return {};
  return Refuse("video-too-large", fmt::format("a frame of {}x{} is over {} pixels or {} a side", width, height,
                                               kMaxVideoPixels, job::kMaxVideoSide));
}

Processed<void> Input::CheckDuration() const {
  const double seconds = declared_seconds();
  if (seconds > static_cast<double>(job::kMaxMediaDuration.count())) {
    return Refuse("too-long", fmt::format("the file says that it lasts {:.0f} s, over {} s", seconds,
                                          job::kMaxMediaDuration.count()));
  }
  return {};
}

double Input::declared_seconds() const {
  if (container_ == "wav" && audio_ != nullptr) return WavSeconds(bytes_, *audio_->codecpar);
  if (format_->duration <= 0 || format_->duration_estimation_method == AVFMT_DURATION_FROM_BITRATE) return 0;
  return static_cast<double>(format_->duration) / AV_TIME_BASE;
}

double Input::promised_seconds() const {
  const double declared = declared_seconds();
  if (container_ == "wav") return declared;
  double longest = 0;
  unsigned chosen = 0;
  bool known = true;
  for (const AVStream* stream : {audio_, video_}) {
    if (stream == nullptr) continue;
    ++chosen;
    known = known && stream->duration > 0;
    longest = std::max(longest, static_cast<double>(stream->duration) * av_q2d(stream->time_base));
  }
  if (known) return std::min(declared, longest);
  const bool others = format_->nb_streams > chosen + (cover_ == nullptr ? 0 : 1);
  return others ? 0 : declared;
}

int Input::Read(AVPacket& packet) {
  const int error = av_read_frame(format_, &packet);
  if (error < 0) return error;
  handed_out_ += static_cast<std::uint64_t>(std::max(packet.size, 0));
  if (handed_out_ <= bytes_.size() * kMaxReadings + kReadingsSlack) return 0;
  av_packet_unref(&packet);
  return AVERROR(EFBIG);
}

}  // namespace processors::media
