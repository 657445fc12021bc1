#include "reducers/playlist.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <iterator>

#include "base/log.h"
#include "job/limits.h"
#include "reducers/first_entries.h"
#include "reducers/params.h"
#include "reducers/sheet.h"

namespace reducers {

namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kMaxTagBytes = 80;
constexpr std::size_t kMaxNameBytes = 32;  // a container's or type's name
constexpr ParamRule kRules[] = {{ParamRule::Kind::kText, "title", 0, kMaxTitleBytes, {}}};

struct Entry {
  job::Position position = 0;
  std::string toon_id;
  std::string type;
  std::string container;
  std::uint64_t duration_ms = 0;
  std::string title;
  std::string artist;
  std::uint64_t width = 0;  // 0: no picture
  std::uint64_t height = 0;
  Tile tile;

  void Encode(base::Encoder& out) const {
    for (const auto* text : {&toon_id, &type, &container, &title, &artist}) out.Text(*text);
    for (const auto number : {duration_ms, width, height}) out.Varint(number);
    tile.Encode(out);
  }
  void Decode(base::Decoder& in) {
    toon_id = in.Text(job::kMaxToonIdBytes);
    type = in.Text(kMaxNameBytes);
    container = in.Text(kMaxNameBytes);
    title = in.Text(kMaxTagBytes);
    artist = in.Text(kMaxTagBytes);
    duration_ms = in.Varint();
    width = in.Varint();
    height = in.Varint();
    tile.Decode(in);
  }
};

// The listed entries, and the duration of all.
struct Index {
  FirstEntries<Entry> entries{kMaxPlaylistItems};
  std::uint64_t duration_ms = 0;

  [[nodiscard]] std::string Encode() {
    base::Encoder out;
    out.Varint(duration_ms);
    return std::move(out).Take() + entries.Encode(kVersion);
  }
  [[nodiscard]] static base::Result<Index> Decode(std::string_view bytes) {
    Index index;
    if (bytes.empty()) return index;
    base::Decoder in(bytes);
    index.duration_ms = in.Varint();
    if (!in.ok() || in.rest().empty()) return base::Fail(base::Code::kCorrupt, "a partial does not decode");
    UT_TRY_ASSIGN(index.entries, FirstEntries<Entry>::Decode(in.rest(), kVersion, kMaxPlaylistItems));
    return index;
  }
};

std::string Clock(std::uint64_t ms) {
  const std::uint64_t seconds = (ms + 500) / 1000;
  if (seconds < 3600) return fmt::format("{}:{:02}", seconds / 60, seconds % 60);
  return fmt::format("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
}

Entry EntryOf(const job::Outcome& outcome, simdjson::dom::parser& parser) {
  Entry entry{.position = outcome.position, .toon_id = outcome.toon_id.str(), .type = outcome.type};
  const auto result = parser.parse(outcome.result_json.data(), outcome.result_json.size());
  const auto text = [&](const char* pointer, std::size_t most) {
    std::string_view found;
    return result.at_pointer(pointer).get(found) == simdjson::SUCCESS ? CutText(found, most) : std::string();
  };
  const auto number = [&](const char* pointer) {
    double found = 0;
    const bool given = result.at_pointer(pointer).get(found) == simdjson::SUCCESS && found >= 0 && found < 1e12;
    return given ? static_cast<std::uint64_t>(found) : 0;
  };
  entry.container = text("/container", kMaxNameBytes);
  entry.duration_ms = number("/durationMs");
  entry.title = text("/tags/title", kMaxTagBytes);
  entry.artist = text("/tags/artist", kMaxTagBytes);
  entry.width = number("/video/width");
  entry.height = number("/video/height");
  entry.tile.picture = PictureOf(outcome);
  return entry;
}

void AppendEntry(const Entry& entry, std::string& out) {
  fmt::format_to(std::back_inserter(out), R"({{"position":{},"toonId":)", entry.position);
  base::AppendJsonString(out, entry.toon_id);
  const auto text = [&](std::string_view name, std::string_view value) {
    if (value.empty()) return;
    fmt::format_to(std::back_inserter(out), R"(,"{}":)", name);
    base::AppendJsonString(out, value);
  };
  text("type", entry.type);
  text("container", entry.container);
  fmt::format_to(std::back_inserter(out), R"(,"durationMs":{})", entry.duration_ms);
  text("title", entry.title);
  text("artist", entry.artist);
  if (entry.width != 0) {
    fmt::format_to(std::back_inserter(out), R"(,"width":{},"height":{})", entry.width, entry.height);
  }
  if (entry.tile.picture.bytes != 0) {
    out += R"(,"poster":{"name":)";
    base::AppendJsonString(out, entry.tile.picture.name);
    fmt::format_to(std::back_inserter(out), R"(,"sha256":"{}","contentType":)", base::ToHex(entry.tile.picture.sha256));
    base::AppendJsonString(out, entry.tile.picture.content_type);
    out += '}';
  }
  out += '}';
}

std::string ToJson(const Index& index, std::string_view job_id, std::string_view title) {
  std::string out = R"({"jobId":)";
  base::AppendJsonString(out, job_id);
  out += R"(,"title":)";
  base::AppendJsonString(out, title);
  const auto& entries = index.entries.entries();
  fmt::format_to(std::back_inserter(out), R"(,"items":{},"omitted":{},"durationMs":{},"entries":[)",
                 index.entries.total(), index.entries.total() - entries.size(), index.duration_ms);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (i > 0) out += ',';
    AppendEntry(entries[i], out);
  }
  out += "]}\n";
  return out;
}

// A line of M3U: tags come from files, and a line break in one would be a line of the playlist.
std::string OneLine(std::string_view text) {
  std::string line(text);
  std::ranges::replace_if(line, [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
  return line;
}

std::string ToM3u(const Index& index, std::string_view title) {
  std::string out = fmt::format("#EXTM3U\n#PLAYLIST:{}\n", OneLine(title));
  for (const Entry& entry : index.entries.entries()) {
    const std::string name = entry.title.empty() ? entry.toon_id : entry.title;
    const std::string by = entry.artist.empty() ? name : fmt::format("{} - {}", entry.artist, name);
    fmt::format_to(std::back_inserter(out), "#EXTINF:{:.3f},{}\n", static_cast<double>(entry.duration_ms) / 1000,
                   OneLine(by));
    // "./" keeps an id that starts with # from being a comment, and one with a colon from being an address.
    fmt::format_to(std::back_inserter(out), "./{}\n", OneLine(entry.toon_id));
  }
  return out;
}

class Playlist final : public ports::Reducer {
 public:
  [[nodiscard]] std::string_view name() const override { return "playlist"; }
  [[nodiscard]] std::string_view work_class() const override { return "image"; }

  [[nodiscard]] std::vector<base::FieldError> CheckParams(std::string_view params_json) const override {
    return CheckRules(params_json, name(), kRules);
  }

  [[nodiscard]] std::optional<ports::Operation> Needs(std::string_view type) const override {
    if (type == "audio" || type == "video") return ports::Operation{.name = "poster"};
    return std::nullopt;
  }

  [[nodiscard]] std::string Fold(std::span<const job::Outcome> outcomes) const override {
    Index index;
    simdjson::dom::parser parser;
    for (const job::Outcome& outcome : outcomes) {
      if (outcome.type != "audio" && outcome.type != "video") continue;
      Entry entry = EntryOf(outcome, parser);
      index.duration_ms += entry.duration_ms;
      index.entries.Add(std::move(entry));
    }
    return index.entries.total() == 0 ? std::string() : index.Encode();
  }

  [[nodiscard]] base::Result<std::string> Merge(std::string_view a, std::string_view b) const override {
    UT_TRY_ASSIGN(Index left, Index::Decode(a));
    UT_TRY_ASSIGN(Index right, Index::Decode(b));
    if (a.empty()) return std::string(b);
    left.entries.Merge(std::move(right.entries));
    left.duration_ms += right.duration_ms;
    return left.Encode();
  }

  [[nodiscard]] base::Result<std::string> Render(std::string_view partial) const override {
    UT_TRY_ASSIGN(const Index index, Index::Decode(partial));
    return fmt::format(R"({{"items":{},"listed":{},"durationMs":{}}})", index.entries.total(),
                       index.entries.entries().size(), index.duration_ms);
  }

  [[nodiscard]] base::Result<std::vector<ports::ArtifactBytes>> Finish(const ports::ReduceInput& input) const override {
    UT_TRY_ASSIGN(const Index index, Index::Decode(input.partial));
    std::vector<ports::ArtifactBytes> artifacts;
    if (index.entries.total() == 0) return artifacts;
    const std::string title = TextParam(input.params_json, "title").value_or(std::string(input.job_id));
    artifacts.push_back({"playlist.json", "application/json", ToJson(index, input.job_id, title)});
    artifacts.push_back({"playlist.m3u8", "application/vnd.apple.mpegurl", ToM3u(index, title)});
    std::vector<Tile> tiles;
    for (const Entry& entry : index.entries.entries()) {
      const std::string caption = fmt::format("{} {}", Clock(entry.duration_ms), entry.toon_id);
      tiles.push_back({.caption = CutText(caption, kMaxCaptionBytes), .picture = entry.tile.picture});
    }
    UT_TRY_ASSIGN(ports::ArtifactBytes sheet, DrawSheet(input, tiles, {.name = name(), .title = title}));
    artifacts.push_back(std::move(sheet));
    return artifacts;
  }
};

}  // namespace

std::unique_ptr<ports::Reducer> NewPlaylist() {
  return std::make_unique<Playlist>();
}

}  // namespace reducers
