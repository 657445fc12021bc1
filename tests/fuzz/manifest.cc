// An uploaded manifest: ManifestReader over NDJSON, then each line as the worker reads it again.
#include <vector>

#include "fuzz/rules.h"

namespace {

const fuzz::Rules& TheRules() {
  static const fuzz::Rules rules;
  return rules;
}

struct Line {
  std::string id;
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
  bool operator==(const Line&) const = default;
};

struct Taken final : wire::ManifestReader::Sink {
  std::vector<Line> lines;
  base::Status OnToon(job::Position position, const wire::ToonView& toon, std::uint64_t offset,
                      std::uint64_t length) override {
    fuzz::Require(position == lines.size(), "toons come in order");
    lines.push_back({std::string(toon.toon_id), offset, length});
    return {};
  }
};

// The worker finds a toon by its place alone.
void RequireFound(std::string_view manifest, const std::vector<Line>& lines) {
  std::uint64_t next = 0;
  for (const Line& line : lines) {
    fuzz::Require(line.offset == next && line.offset + line.length <= manifest.size(), "lines follow one another");
    next = line.offset + line.length;
    wire::StrictParser parser;
    const std::string text(manifest.substr(line.offset, line.length));
    const auto element = parser.Parse(text);
    fuzz::Require(element.has_value(), "a line that was accepted parses again");
    wire::ToonView toon;
    wire::FieldErrors errors;
    fuzz::Require(wire::DecodeToon(*element, text, "", TheRules().limits(), toon, errors), "and decodes again");
    fuzz::Require(toon.toon_id == line.id, "to the same toon");
  }
  fuzz::Require(next == manifest.size(), "lines cover the manifest");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::Text(data, size);
  Taken whole;
  wire::ManifestReader reader(TheRules().Get(), whole);
  const auto wrote = reader.Write(text);
  const base::Result<job::Position> count = wrote ? reader.Finish() : std::unexpected(wrote.error());

  Taken cut;
  wire::ManifestReader pieces(TheRules().Get(), cut);
  base::Status cut_wrote;
  (void)fuzz::InPieces(text, [&](std::string_view piece) { return (cut_wrote = pieces.Write(piece)).has_value(); });
  const base::Result<job::Position> cut_count = cut_wrote ? pieces.Finish() : std::unexpected(cut_wrote.error());

  fuzz::Require(count == cut_count, "pieces end as the whole does");
  fuzz::Require(whole.lines == cut.lines, "pieces give the same toons");
  if (!count) return 0;
  fuzz::Require(*count == whole.lines.size() && *count <= TheRules().limits().max_toons, "toons are counted");
  RequireFound(text, whole.lines);
  return 0;
}
