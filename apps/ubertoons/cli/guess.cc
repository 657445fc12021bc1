#include "cli/guess.h"

#include <algorithm>

namespace cli {
namespace {

struct Known {
  std::string_view extension;
  std::string_view type;
  Carriage carriage;
  std::string_view content_type;
};
constexpr Known kKnown[] = {
    {"jpg", "image", Carriage::kData, "image/jpeg"},
    {"jpeg", "image", Carriage::kData, "image/jpeg"},
    {"png", "image", Carriage::kData, "image/png"},
    {"webp", "image", Carriage::kData, "image/webp"},
    {"gif", "image", Carriage::kData, "image/gif"},
    {"wav", "audio", Carriage::kData, "audio/wav"},
    {"mp3", "audio", Carriage::kData, "audio/mpeg"},
    {"flac", "audio", Carriage::kData, "audio/flac"},
    {"ogg", "audio", Carriage::kData, "audio/ogg"},
    {"mp4", "video", Carriage::kData, "video/mp4"},
    {"webm", "video", Carriage::kData, "video/webm"},
    {"mkv", "video", Carriage::kData, "video/x-matroska"},
    {"csv", "telemetry", Carriage::kText, "text/csv"},
    {"ndjson", "telemetry", Carriage::kText, "application/x-ndjson"},
    {"jsonl", "telemetry", Carriage::kText, "application/x-ndjson"},
    {"json", "message", Carriage::kJson, "application/json"},
    {"txt", "message", Carriage::kText, "text/plain"},
    {"eml", "message", Carriage::kText, "message/rfc822"},
};

struct Magic {
  std::size_t offset;
  std::string_view bytes;
  std::string_view extension;
};
constexpr Magic kMagic[] = {
    {0, "\xFF\xD8\xFF", "jpg"}, {0, "\x89PNG\r\n", "png"},
    {0, "GIF8", "gif"},         {8, "WEBP", "webp"},
    {8, "WAVE", "wav"},         {0, "ID3", "mp3"},
    {0, "fLaC", "flac"},        {0, "OggS", "ogg"},
    {4, "ftyp", "mp4"},         {0, "\x1A\x45\xDF\xA3", "mkv"},
};

std::string Lower(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return lower;
}

const Known* ByExtension(std::string_view extension) {
  const auto* found = std::ranges::find(kKnown, extension, &Known::extension);
  return found == std::end(kKnown) ? nullptr : found;
}

const Known* ByMagic(std::string_view head) {
  for (const Magic& magic : kMagic) {
    if (head.size() >= magic.offset && head.substr(magic.offset).starts_with(magic.bytes)) {
      return ByExtension(magic.extension);
    }
  }
  return nullptr;
}

}  // namespace

Guess GuessType(std::string_view path, std::string_view head) {
  const std::string lower = Lower(path);
  const std::size_t slash = lower.rfind('/');
  const std::size_t dot = lower.rfind('.');
  const bool has_extension = dot != std::string::npos && (slash == std::string::npos || dot > slash + 1) && dot != 0;
  const Known* known = has_extension ? ByExtension(std::string_view(lower).substr(dot + 1)) : nullptr;
  if (known == nullptr) known = ByMagic(head);
  if (known == nullptr) return {"binary", Carriage::kData, "application/octet-stream"};
  const bool gameplay = known->type == "telemetry" && lower.find("gameplay") != std::string::npos;
  return {gameplay ? "gameplay" : std::string(known->type), known->carriage, std::string(known->content_type)};
}

}  // namespace cli
