#include "reducers/contact_sheet.h"

#include <fmt/format.h>
#include <simdjson.h>

#include "job/limits.h"
#include "reducers/first_entries.h"
#include "reducers/params.h"
#include "reducers/sheet.h"

namespace reducers {

namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::string_view kFormats[] = {"webp", "jpeg", "png"};
constexpr ParamRule kRules[] = {{ParamRule::Kind::kText, "title", 0, kMaxTitleBytes, {}},
                                {ParamRule::Kind::kInteger, "columns", 1, 40, {}},
                                {ParamRule::Kind::kInteger, "tile", 64, 256, {}},
                                {ParamRule::Kind::kChoice, "format", 0, 0, kFormats}};

struct Entry {
  job::Position position = 0;
  Tile tile;
  void Encode(base::Encoder& out) const { tile.Encode(out); }
  void Decode(base::Decoder& in) { tile.Decode(in); }
};
using Entries = FirstEntries<Entry>;

std::string ColourOf(const job::Outcome& outcome, simdjson::dom::parser& parser) {
  std::string_view colour;
  const auto parsed = parser.parse(outcome.result_json.data(), outcome.result_json.size());
  if (parsed.at_key("dominantColour").get(colour) != simdjson::SUCCESS || colour.size() != 7) return {};
  return std::string(colour);
}

class ContactSheet final : public ports::Reducer {
 public:
  [[nodiscard]] std::string_view name() const override { return "contact-sheet"; }
  [[nodiscard]] std::string_view work_class() const override { return "image"; }

  [[nodiscard]] std::vector<base::FieldError> CheckParams(std::string_view params_json) const override {
    return CheckRules(params_json, name(), kRules);
  }

  [[nodiscard]] std::optional<ports::Operation> Needs(std::string_view type) const override {
    if (type == "image") return ports::Operation{.name = "preview"};
    if (type == "video") return ports::Operation{.name = "poster"};
    return std::nullopt;
  }

  [[nodiscard]] std::string Fold(std::span<const job::Outcome> outcomes) const override {
    Entries entries(job::kMaxSheetTiles);
    simdjson::dom::parser parser;
    for (const job::Outcome& outcome : outcomes) {
      if (outcome.type != "image" && outcome.type != "video") continue;
      entries.Add({.position = outcome.position,
                   .tile = {.caption = CutText(outcome.toon_id.str(), kMaxCaptionBytes),
                            .colour = ColourOf(outcome, parser),
                            .picture = PictureOf(outcome)}});
    }
    return entries.total() == 0 ? std::string() : entries.Encode(kVersion);
  }

  [[nodiscard]] base::Result<std::string> Merge(std::string_view a, std::string_view b) const override {
    UT_TRY_ASSIGN(Entries left, Entries::Decode(a, kVersion, job::kMaxSheetTiles));
    UT_TRY_ASSIGN(Entries right, Entries::Decode(b, kVersion, job::kMaxSheetTiles));
    if (a.empty()) return std::string(b);
    left.Merge(std::move(right));
    return left.Encode(kVersion);
  }

  [[nodiscard]] base::Result<std::string> Render(std::string_view partial) const override {
    UT_TRY_ASSIGN(const Entries entries, Entries::Decode(partial, kVersion, job::kMaxSheetTiles));
    return fmt::format(R"({{"tiles":{},"listed":{}}})", entries.total(), entries.entries().size());
  }

  [[nodiscard]] base::Result<std::vector<ports::ArtifactBytes>> Finish(const ports::ReduceInput& input) const override {
    UT_TRY_ASSIGN(const Entries entries, Entries::Decode(input.partial, kVersion, job::kMaxSheetTiles));
    std::vector<ports::ArtifactBytes> artifacts;
    if (entries.total() == 0) return artifacts;
    std::vector<Tile> tiles;
    for (const Entry& entry : entries.entries()) tiles.push_back(entry.tile);
    const SheetStyle style{
        .name = name(),
        .title = TextParam(input.params_json, "title").value_or(std::string(input.job_id)),
        .format = TextParam(input.params_json, "format").value_or("webp"),
        .columns = static_cast<std::uint32_t>(IntegerParam(input.params_json, "columns").value_or(0)),
        .tile = static_cast<std::uint32_t>(IntegerParam(input.params_json, "tile").value_or(160))};
    UT_TRY_ASSIGN(ports::ArtifactBytes sheet, DrawSheet(input, tiles, style));
    artifacts.push_back(std::move(sheet));
    return artifacts;
  }
};

}  // namespace

std::unique_ptr<ports::Reducer> NewContactSheet() {
  return std::make_unique<ContactSheet>();
}

}  // namespace reducers
