#include "reducers/sheet.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "base/log.h"
#include "job/limits.h"

namespace reducers {

namespace {

constexpr std::size_t kMaxColourBytes = 7;
constexpr std::string_view kPlain = "#c8c8c8";

// In this order: made for the purpose first.
constexpr std::string_view kPictureNames[] = {"preview.", "poster.", "thumbnail.", "waveform."};

struct Pictures {
  std::vector<std::string> bytes;  // per tile; empty: none
};

base::Result<Pictures> ReadPictures(const ports::ReduceInput& input, std::span<const Tile> tiles) {
  Pictures pictures;
  std::size_t left = kMaxSheetBytes;
  for (const Tile& tile : tiles) {
    std::string& bytes = pictures.bytes.emplace_back();
    if (tile.picture.bytes == 0 || tile.picture.bytes > left) continue;
    auto read = input.artifacts->Read(tile.picture);
    if (read) {
      bytes = std::move(*read);
      left -= bytes.size();
    } else if (base::PolicyOf(read.error().code).retryable) {
      return std::unexpected(std::move(read).error());
    }
  }
  return pictures;
}

std::string ParamsOf(std::span<const Tile> tiles, const SheetStyle& style) {
  const auto square = static_cast<std::uint32_t>(std::ceil(std::sqrt(static_cast<double>(tiles.size()))));
  std::string json = fmt::format(R"({{"columns":{},"tile":{},"format":"{}","title":)",
                                 std::max(style.columns == 0 ? square : style.columns, 1U), style.tile, style.format);
  base::AppendJsonString(json, style.title);
  json += R"(,"captions":[)";
  for (std::size_t i = 0; i < tiles.size(); ++i) {
    if (i > 0) json += ',';
    base::AppendJsonString(json, tiles[i].caption);
  }
  json += R"(],"colours":[)";
  for (std::size_t i = 0; i < tiles.size(); ++i) {
    if (i > 0) json += ',';
    base::AppendJsonString(json, tiles[i].colour.empty() ? kPlain : tiles[i].colour);
  }
  json += "]}";
  return json;
}

}  // namespace

void Tile::Encode(base::Encoder& out) const {
  out.Text(caption);
  out.Text(colour);
  out.Varint(picture.bytes);
  if (picture.bytes == 0) return;
  out.Text(picture.name);
  out.Text(picture.content_type);
  out.Text(base::View(picture.sha256));
}

void Tile::Decode(base::Decoder& in) {
  caption = in.Text(kMaxCaptionBytes);
  colour = in.Text(kMaxColourBytes);
  picture.bytes = in.Varint();
  if (picture.bytes == 0) return;
  picture.name = in.Text(kMaxPictureNameBytes);
  picture.content_type = in.Text(kMaxPictureNameBytes);
  const std::string_view digest = in.Text(picture.sha256.size());
  if (digest.size() != picture.sha256.size()) return in.Fail();
  std::ranges::copy(digest, reinterpret_cast<char*>(picture.sha256.data()));
}

job::Artifact PictureOf(const job::Outcome& outcome) {
  for (const std::string_view name : kPictureNames) {
    for (const job::Artifact& artifact : outcome.artifacts) {
      const bool fits = std::max(artifact.name.size(), artifact.content_type.size()) <= kMaxPictureNameBytes;
      if (artifact.name.starts_with(name) && artifact.content_type.starts_with("image/") && fits) return artifact;
    }
  }
  return {};
}

std::string CutText(std::string_view text, std::size_t most_bytes) {
  if (text.size() <= most_bytes) return std::string(text);
  while (most_bytes > 0 && (static_cast<unsigned char>(text[most_bytes]) & 0xc0U) == 0x80U) --most_bytes;
  return std::string(text.substr(0, most_bytes));
}

base::Result<ports::ArtifactBytes> DrawSheet(const ports::ReduceInput& input, std::span<const Tile> tiles,
                                             const SheetStyle& style) {
  if (input.images == nullptr || input.artifacts == nullptr) {
    return base::Fail(base::Code::kUnsupported, "no image executor on this worker");
  }
  UT_TRY_ASSIGN(const Pictures pictures, ReadPictures(input, tiles));
  const std::vector<ports::Operation> operations = {{.name = "contact-sheet", .params_json = ParamsOf(tiles, style)}};
  ports::IsolatedTask task{.tenant = input.tenant, .verb = "contact-sheet", .operations = &operations};
  std::ranges::copy(pictures.bytes, std::back_inserter(task.inputs));
  auto drawn = input.images->Run(task);
  if (!drawn) {
    const bool later = drawn.error().blame == ports::Blame::kResource;
    return base::Fail(later ? base::Code::kUnavailable : base::Code::kInternal,
                      fmt::format("{}: {}", drawn.error().error.code, drawn.error().error.message));
  }
  if (drawn->artifacts.size() != 1) return base::Fail(base::Code::kInternal, "the executor drew no sheet");
  ports::ArtifactBytes sheet = std::move(drawn->artifacts.front());
  sheet.name = fmt::format("{}.{}", style.name, style.format == "jpeg" ? "jpg" : style.format);
  return sheet;
}

}  // namespace reducers
