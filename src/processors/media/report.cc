#include "processors/media/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "processors/json_writer.h"

namespace processors::media {

namespace {

constexpr std::size_t kMaxTagBytes = 256;
constexpr std::size_t kPeakColumns = 128;

// What a listener knows a recording by. Comments and places are left out: they may say where someone lives.
struct Tag {
  const char* theirs;
  std::string_view ours;
};
constexpr Tag kTags[] = {
    {"title", "title"}, {"artist", "artist"}, {"album", "album"},       {"date", "date"},
    {"genre", "genre"}, {"track", "track"},   {"composer", "composer"}, {"album_artist", "albumArtist"}};

double Rounded(double value, double steps) {
  return std::round(value * steps) / steps;
}

std::int64_t Millis(double seconds) {
  return std::llround(seconds * 1000);
}

void WriteOptional(JsonWriter& json, std::string_view key, std::optional<double> value) {
  json.Key(key);
  if (value) {
    json.Number(Rounded(*value, 100));
  } else {
    json.Null();
  }
}

// Without control characters, cut at a character's border.
std::string Sanitised(std::string_view text) {
  std::string clean;
  for (const char c : text) {
    if (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f) clean += c;
    if (clean.size() > kMaxTagBytes) break;
  }
  if (clean.size() > kMaxTagBytes) {
    std::size_t end = kMaxTagBytes;
    while (end > 0 && (static_cast<unsigned char>(clean[end]) & 0xc0U) == 0x80U) --end;
    clean.resize(end);
  }
  return clean;
}

std::string_view KindOf(const AVStream& stream) {
  switch (stream.codecpar->codec_type) {
    case AVMEDIA_TYPE_AUDIO:
      return "audio";
    case AVMEDIA_TYPE_VIDEO:
      return (stream.disposition & (AV_DISPOSITION_ATTACHED_PIC | AV_DISPOSITION_TIMED_THUMBNAILS)) != 0 ? "cover"
                                                                                                         : "video";
    case AVMEDIA_TYPE_SUBTITLE:
      return "subtitle";
    case AVMEDIA_TYPE_ATTACHMENT:
      return "attachment";
    default:
      return "data";
  }
}

void WriteStreams(JsonWriter& json, const AVFormatContext& format) {
  json.Key("streams").BeginArray();
  for (unsigned i = 0; i < format.nb_streams; ++i) {
    const AVStream& stream = *format.streams[i];
    json.BeginObject();
    json.Key("kind").Text(KindOf(stream)).Key("codec").Text(avcodec_get_name(stream.codecpar->codec_id));
    json.EndObject();
  }
  json.EndArray();
}

// Ogg keeps its tags with the stream, the others with the file.
void WriteTags(JsonWriter& json, const Input& input) {
  json.Key("tags").BeginObject();
  for (const Tag& tag : kTags) {
    const AVDictionaryEntry* entry = av_dict_get(input.format()->metadata, tag.theirs, nullptr, 0);
    if (entry == nullptr && input.audio() != nullptr) {
      entry = av_dict_get(input.audio()->metadata, tag.theirs, nullptr, 0);
    }
    if (entry == nullptr) continue;
    if (const auto text = Sanitised(entry->value); !text.empty()) json.Key(tag.ours).Text(text);
  }
  json.EndObject();
}

void WritePeaks(JsonWriter& json, const Peaks& peaks) {
  const auto columns = peaks.Columns(kPeakColumns);
  json.Key("peaks").BeginObject().Key("count").Integer(columns.size());
  json.Key("min").BeginArray();
  for (const Peak& peak : columns) json.Number(Rounded(peak.least, 1000));
  json.EndArray().Key("max").BeginArray();
  for (const Peak& peak : columns) json.Number(Rounded(peak.most, 1000));
  json.EndArray().EndObject();
}

void WriteAudio(JsonWriter& json, const AVStream& stream, const AudioReport& audio) {
  json.Key("audio").BeginObject();
  json.Key("codec").Text(avcodec_get_name(stream.codecpar->codec_id));
  json.Key("sampleRate").Integer(audio.sample_rate).Key("channels").Integer(audio.channels);
  json.Key("layout").Text(audio.layout).Key("durationMs").Integer(Millis(audio.seconds));
  const int coded = av_get_exact_bits_per_sample(stream.codecpar->codec_id);
  const int bits = stream.codecpar->bits_per_raw_sample > 0 ? stream.codecpar->bits_per_raw_sample : coded;
  if (bits > 0) json.Key("bitDepth").Integer(bits);
  json.Key("loudness").BeginObject();
  WriteOptional(json, "integratedLufs", audio.loudness.integrated_lufs);
  WriteOptional(json, "rangeLu", audio.loudness.range_lu);
  WriteOptional(json, "truePeakDbtp", audio.loudness.true_peak_dbtp);
  WriteOptional(json, "samplePeakDb", audio.loudness.sample_peak_db);
  json.EndObject();
  if (audio.silent) json.Key("silent").Boolean(true);
  WritePeaks(json, audio.peaks);
  if (!audio.fingerprint.empty()) {
    json.Key("fingerprint").BeginObject().Key("chromaprint").Text(audio.fingerprint);
    json.Key("hash").Text(fmt::format("{:08x}", audio.fingerprint_hash)).EndObject();
  }
  json.EndObject();
}

void WriteVideo(JsonWriter& json, const Input& input, const VideoReport& video) {
  json.Key("video").BeginObject();
  json.Key("codec").Text(avcodec_get_name(input.video()->codecpar->codec_id));
  json.Key("width").Integer(video.width).Key("height").Integer(video.height);
  json.Key("rotation").Integer(video.rotation);
  json.Key("frameRate").Number(Rounded(FrameRateOf(input), 1000)).Key("frames").Integer(video.frames);
  json.Key("durationMs").Integer(Millis(video.seconds)).Key("pixelFormat").Text(video.pixel_format);
  json.Key("sceneCount").Integer(video.cuts + 1).Key("posterAtMs").Integer(Millis(video.poster_at));
  json.Key("frameHash").Text(base::ToHex(video.frame_hash));
  json.EndObject();
}

}  // namespace

double MediaReport::seconds() const {
  return std::max(audio ? audio->start + audio->seconds : 0, video ? video->start + video->seconds : 0);
}

double FrameRateOf(const Input& input) {
  const AVRational rate = av_guess_frame_rate(input.format(), input.video(), nullptr);
  return rate.num > 0 && rate.den > 0 ? av_q2d(rate) : 0;
}

std::string WriteReport(const Input& input, const MediaReport& report) {
  const double seconds = report.seconds();
  JsonWriter json;
  json.BeginObject();
  json.Key("container").Text(input.container()).Key("durationMs").Integer(Millis(seconds));
  json.Key("bitRate").Integer(seconds > 0 ? std::llround(static_cast<double>(input.bytes().size()) * 8 / seconds) : 0);
  WriteStreams(json, *input.format());
  WriteTags(json, input);
  if (report.pass.damaged > 0) json.Key("damagedPackets").Integer(report.pass.damaged);
  if (report.audio) WriteAudio(json, *input.audio(), *report.audio);
  if (report.video) WriteVideo(json, input, *report.video);
  if (report.trimmed) {
    json.Key("trim").BeginObject().Key("startMs").Integer(Millis(report.trimmed->start));
    json.Key("durationMs").Integer(Millis(report.trimmed->duration)).EndObject();
  }
  json.EndObject();
  return std::move(json).Take();
}

}  // namespace processors::media
