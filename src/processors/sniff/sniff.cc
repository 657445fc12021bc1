#include "processors/sniff/sniff.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace processors {

namespace {

using std::string_view_literals::operator""sv;

// Bytes at an offset; a second pair where one is not enough (RIFF says its form at 8).
struct Rule {
  std::size_t at = 0;
  std::string_view bytes;
  std::size_t also_at = 0;
  std::string_view also;
  Sniffed found;
};

constexpr Rule kRules[] = {
    {0, "\xff\xd8\xff"sv, 0, {}, {"jpeg", "JPEG image", Kind::kImage}},
    {0, "\x89PNG\r\n\x1a\n"sv, 0, {}, {"png", "PNG image", Kind::kImage}},
    {0, "RIFF"sv, 8, "WEBP"sv, {"webp", "WebP image", Kind::kImage}},
    {0, "GIF8"sv, 0, {}, {"gif", "GIF image", Kind::kImage}},
    {0, "II*\0"sv, 0, {}, {"tiff", "TIFF image", Kind::kImage}},
    {0, "MM\0*"sv, 0, {}, {"tiff", "TIFF image", Kind::kImage}},
    {0, "BM"sv, 6, "\0\0\0\0"sv, {"bmp", "BMP image", Kind::kImage}},
    {4, "ftypavif"sv, 0, {}, {"avif", "AVIF image", Kind::kImage}},
    {4, "ftypavis"sv, 0, {}, {"avif", "AVIF image", Kind::kImage}},
    {4, "ftypheic"sv, 0, {}, {"heif", "HEIF image", Kind::kImage}},
    {4, "ftypmif1"sv, 0, {}, {"heif", "HEIF image", Kind::kImage}},
    {4, "ftyphevc"sv, 0, {}, {"heif", "HEIF image", Kind::kImage}},
    {4, "ftypheix"sv, 0, {}, {"heif", "HEIF image", Kind::kImage}},
    {4, "ftyphevx"sv, 0, {}, {"heif", "HEIF image", Kind::kImage}},
    {4, "ftypheim"sv, 0, {}, {"heif", "HEIF image", Kind::kImage}},
    {4, "ftypmsf1"sv, 0, {}, {"heif", "HEIF image", Kind::kImage}},
    {0, "8BPS"sv, 0, {}, {"psd", "Photoshop document", Kind::kOther}},
    {0, "RIFF"sv, 8, "WAVE"sv, {"wav", "WAV audio", Kind::kAudio}},
    {0, "RF64"sv, 8, "WAVE"sv, {"wav", "WAV audio", Kind::kAudio}},
    {0, "RIFF"sv, 8, "AVI "sv, {"avi", "AVI video", Kind::kVideo}},
    {0, "fLaC"sv, 0, {}, {"flac", "FLAC audio", Kind::kAudio}},
    {4, "ftypM4A "sv, 0, {}, {"mp4", "MPEG-4 audio", Kind::kAudio}},
    {4, "ftyp"sv, 0, {}, {"mp4", "MPEG-4 container", Kind::kTimed}},
    {0, "OggS"sv, 0, {}, {"ogg", "Ogg container", Kind::kTimed}},
    {0, "\x1a\x45\xdf\xa3"sv, 0, {}, {"matroska", "Matroska or WebM container", Kind::kTimed}},
    {0, "FORM"sv, 8, "AIFF"sv, {"aiff", "AIFF audio", Kind::kAudio}},
    {0, "\x00\x00\x01\xba"sv, 0, {}, {"mpeg-ps", "MPEG programme stream", Kind::kTimed}},
    {0, "FLV\x01"sv, 0, {}, {"flv", "Flash video", Kind::kVideo}},
    {0, "%PDF-"sv, 0, {}, {"pdf", "PDF document", Kind::kOther}},
    {0, "PK\x03\x04"sv, 0, {}, {"zip", "ZIP archive", Kind::kOther}},
    {0, "\x1f\x8b\x08"sv, 0, {}, {"gzip", "gzip data", Kind::kOther}},
    {0,
     "\x7f"
     "ELF"sv,
     0,
     {},
     {"elf", "ELF program", Kind::kOther}},
    {0, "SQLite format 3\0"sv, 0, {}, {"sqlite", "SQLite database", Kind::kOther}},
    {0, "<svg"sv, 0, {}, {"svg", "SVG drawing", Kind::kOther}},
    {0, "<?xml"sv, 0, {}, {"xml", "XML document", Kind::kOther}},
    {0, "#EXTM3U"sv, 0, {}, {"m3u8", "playlist", Kind::kOther}},
    {0, "ffconcat version"sv, 0, {}, {"ffconcat", "FFmpeg concat script", Kind::kOther}},
};

bool HasAt(std::string_view bytes, std::size_t at, std::string_view wanted) {
  return bytes.size() >= at && bytes.substr(at).starts_with(wanted);
}

// The frame header of MPEG audio (ISO 11172-3, 2.4.2.3): sync, then no reserved layer, bit rate or sampling rate. AAC's
// ADTS has layer 0 there.
std::optional<Sniffed> SniffFrame(std::string_view bytes) {
  if (bytes.size() < 4) return std::nullopt;
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  if (byte(0) != 0xff || (byte(1) & 0xe0U) != 0xe0U) return std::nullopt;
  const unsigned layer = byte(1) >> 1U & 3U;
  const unsigned rate = byte(2) >> 2U & 3U;
  if ((byte(1) & 0xf6U) == 0xf0U) return Sniffed{"aac", "AAC audio", Kind::kAudio};
  if (layer == 0 || rate == 3 || byte(2) >> 4U == 15U || (byte(1) >> 3U & 3U) == 1) return std::nullopt;
  return Sniffed{"mp3", "MPEG audio", Kind::kAudio};
}

}  // namespace

std::optional<Sniffed> Sniff(std::string_view bytes) {
  for (const Rule& rule : kRules) {
    if (HasAt(bytes, rule.at, rule.bytes) && HasAt(bytes, rule.also_at, rule.also)) return rule.found;
  }
  if (bytes.starts_with("ID3")) return Sniffed{"mp3", "MPEG audio", Kind::kAudio};
  return SniffFrame(bytes);
}

std::optional<ports::ProcessorFailure> RefuseMismatch(std::string_view type, std::string_view bytes) {
  if (bytes.empty())
    return ports::ProcessorFailure{.error = {"empty-source", fmt::format("the {} has no bytes", type)}};
  const auto found = Sniff(bytes);
  if (!found) return std::nullopt;
  const bool fits = (type == "image" && found->kind == Kind::kImage) ||
                    (type == "audio" && (found->kind == Kind::kAudio || found->kind == Kind::kTimed)) ||
                    (type == "video" && (found->kind == Kind::kVideo || found->kind == Kind::kTimed));
  if (fits) return std::nullopt;
  return ports::ProcessorFailure{
      .error = {"type-mismatch", fmt::format("the toon is declared as {}, its bytes are a {}", type, found->label)}};
}

}  // namespace processors
