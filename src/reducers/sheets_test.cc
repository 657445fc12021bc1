// contact-sheet and playlist: what they fold, in which order they merge, and what they ask the image executor for.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <simdjson.h>

#include <map>

#include "job/limits.h"
#include "reducers/playlist.h"
#include "reducers/registry.h"
#include "reducers/sheet.h"

namespace reducers {
namespace {

const ports::Reducer& Reducer(std::string_view name) {
  static const auto registry = NewReducers();
  return *registry->Find(name);
}

job::Artifact Picture(std::string name, std::string type = "image/webp") {
  return {.name = name, .content_type = std::move(type), .bytes = 5, .sha256 = base::Sha256Of(name)};
}

job::Outcome Toon(job::Position position, std::string type, std::string result, std::vector<job::Artifact> artifacts) {
  job::Outcome outcome;
  outcome.position = position;
  outcome.state = job::ToonState::kSucceeded;
  outcome.toon_id = job::ToonId(fmt::format("toon-{}", position));
  outcome.type = std::move(type);
  outcome.result_json = std::move(result);
  outcome.artifacts = std::move(artifacts);
  return outcome;
}
job::Outcome Image(job::Position position) {
  return Toon(position, "image", R"({"format":"jpeg","dominantColour":"#102030"})",
              {Picture(fmt::format("preview.{}", position))});
}
job::Outcome Clip(job::Position position, std::string result) {
  return Toon(position, "video", std::move(result), {Picture("poster.png", "image/png")});
}

std::string FoldOne(const ports::Reducer& reducer, const job::Outcome& outcome) {
  return reducer.Fold(std::span(&outcome, 1));
}

struct FakeArtifacts final : ports::ArtifactReader {
  base::Result<std::string> Read(const job::Artifact& artifact) override {
    if (const auto bad = broken.find(artifact.name); bad != broken.end()) return base::Fail(bad->second, "gone");
    return "<" + artifact.name + ">";
  }
  std::map<std::string, base::Code> broken;
};

struct FakeImages final : ports::Executor {
  std::string version() override { return "1"; }
  std::expected<ports::ProcessorOutput, ports::ProcessorFailure> Run(const ports::IsolatedTask& task) override {
    verb = task.verb;
    tenant = task.tenant;
    params = task.operations->front().params_json;
    inputs.assign(task.inputs.begin(), task.inputs.end());
    if (failure) return std::unexpected(*failure);
    ports::ProcessorOutput output;
    output.artifacts.push_back({"contact-sheet.webp", "image/webp", "sheet"});
    return output;
  }
  std::string verb, tenant, params;
  std::vector<std::string> inputs;
  std::optional<ports::ProcessorFailure> failure;
};

struct Bench {
  FakeArtifacts artifacts;
  FakeImages images;
  base::Result<std::vector<ports::ArtifactBytes>> Finish(std::string_view reducer, std::string_view partial,
                                                         std::string_view params = "{}") {
    return Reducer(reducer).Finish({.partial = partial,
                                    .params_json = params,
                                    .job_id = "JOB1",
                                    .tenant = "acme",
                                    .artifacts = &artifacts,
                                    .images = &images});
  }
};

TEST(ContactSheet, DrawsEveryImageInTheOrderOfTheManifestWhateverTheOrderOfMerging) {
  const auto& sheet = Reducer("contact-sheet");
  std::string forward;
  std::string backward;
  for (job::Position i = 0; i < 9; ++i) forward = sheet.Merge(forward, FoldOne(sheet, Image(i))).value();
  for (job::Position i = 9; i-- > 0;) backward = sheet.Merge(FoldOne(sheet, Image(i)), backward).value();
  EXPECT_EQ(forward, backward);
  Bench bench;
  const auto made = bench.Finish("contact-sheet", forward, R"({"title":"Lab","columns":3})").value();
  ASSERT_EQ(made.size(), 1U);
  EXPECT_EQ(made[0].name, "contact-sheet.webp");
  EXPECT_EQ(bench.images.verb, "contact-sheet");
  EXPECT_EQ(bench.images.tenant, "acme");
  ASSERT_EQ(bench.images.inputs.size(), 9U);
  EXPECT_EQ(bench.images.inputs[7], "<preview.7>");
  simdjson::dom::parser parser;
  const simdjson::dom::element params = parser.parse(bench.images.params);
  EXPECT_EQ(std::string_view(params.at_pointer("/captions/8")), "toon-8");
  EXPECT_EQ(std::string_view(params.at_pointer("/colours/0")), "#102030");
  EXPECT_EQ(std::string_view(params.at_pointer("/title")), "Lab");
  EXPECT_EQ(std::int64_t(params.at_pointer("/columns")), 3);
}

TEST(ContactSheet, KeepsTheFirstTilesAndCountsAll) {
  const auto& sheet = Reducer("contact-sheet");
  std::string all;
  std::vector<job::Outcome> page;
  for (job::Position i = 0; i < job::kMaxSheetTiles + 50; ++i) page.push_back(Image(i));
  all = sheet.Merge(sheet.Fold(page), FoldOne(sheet, Image(10'000))).value();
  EXPECT_LT(all.size(), job::kMaxPartialBytes);
  EXPECT_EQ(sheet.Render(all).value(), R"({"tiles":451,"listed":400})");
  Bench bench;
  ASSERT_TRUE(bench.Finish("contact-sheet", all));
  EXPECT_EQ(bench.images.inputs.back(), "<preview.399>");
}

TEST(ContactSheet, IsNothingWithoutPictures) {
  const auto& sheet = Reducer("contact-sheet");
  EXPECT_EQ(FoldOne(sheet, Toon(0, "message", "{}", {})), "");
  Bench bench;
  EXPECT_TRUE(bench.Finish("contact-sheet", "").value().empty());
  EXPECT_EQ(bench.images.verb, "");
}

TEST(ContactSheet, LeavesATilePlainWhoseArtifactIsGoneButWaitsForAStoreThatIsAway) {
  const auto& sheet = Reducer("contact-sheet");
  Bench bench;
  bench.artifacts.broken["preview.0"] = base::Code::kNotFound;
  const std::string both = sheet.Merge(FoldOne(sheet, Image(0)), FoldOne(sheet, Image(1))).value();
  ASSERT_TRUE(bench.Finish("contact-sheet", both));
  EXPECT_EQ(bench.images.inputs, (std::vector<std::string>{"", "<preview.1>"}));
  bench.artifacts.broken["preview.0"] = base::Code::kUnavailable;
  EXPECT_EQ(bench.Finish("contact-sheet", both).error().code, base::Code::kUnavailable);
}

TEST(ContactSheet, SaysWhyNoSheetCouldBeDrawn) {
  const std::string one = FoldOne(Reducer("contact-sheet"), Image(0));
  Bench bench;
  bench.images.failure = ports::ProcessorFailure{.error = {"memory-limit", "64 MiB"}, .blame = ports::Blame::kLethal};
  const auto died = bench.Finish("contact-sheet", one);
  EXPECT_EQ(died.error().code, base::Code::kInternal);
  EXPECT_EQ(died.error().message, "memory-limit: 64 MiB");
  bench.images.failure->blame = ports::Blame::kResource;
  EXPECT_EQ(bench.Finish("contact-sheet", one).error().code, base::Code::kUnavailable);
  const auto nobody = Reducer("contact-sheet").Finish({.partial = one, .params_json = "{}"});
  EXPECT_EQ(nobody.error().code, base::Code::kUnsupported);
}

TEST(Sheets, ChecksParametersAndAsksForWhatTheyDraw) {
  const auto& sheet = Reducer("contact-sheet");
  EXPECT_TRUE(sheet.CheckParams(R"({"title":"x","columns":5,"tile":128,"format":"png"})").empty());
  std::vector<std::string> places;
  for (const auto& bad : sheet.CheckParams(R"({"title":1,"columns":0,"tile":257,"format":"gif","a/b":1})")) {
    places.push_back(bad.pointer);
  }
  EXPECT_EQ(places, (std::vector<std::string>{"/title", "/columns", "/tile", "/format", "/a~1b"}));
  EXPECT_EQ(sheet.CheckParams("[]").front().pointer, "");
  EXPECT_EQ(sheet.Needs("image")->name, "preview");
  EXPECT_EQ(sheet.Needs("audio"), std::nullopt);
  EXPECT_EQ(Reducer("playlist").Needs("audio")->name, "poster");
  EXPECT_EQ(Reducer("playlist").work_class(), "image");
  EXPECT_EQ(Reducer("summary").Needs("image"), std::nullopt);
}

TEST(Playlist, ListsClipsWithDurationsTagsAndPosters) {
  const auto& list = Reducer("playlist");
  const std::string first =
      FoldOne(list, Clip(4, R"({"container":"mp4","durationMs":61500.4,"tags":{"title":"Night\nrun","artist":"Pinky"},)"
                            R"("video":{"width":320,"height":240}})"));
  const std::string second = FoldOne(list, Clip(1, R"({"container":"webm","durationMs":1500})"));
  const std::string both = list.Merge(first, second).value();
  EXPECT_EQ(list.Render(both).value(), R"({"items":2,"listed":2,"durationMs":63000})");
  Bench bench;
  const auto made = bench.Finish("playlist", both).value();
  ASSERT_EQ(made.size(), 3U);
  EXPECT_EQ(made[0].name, "playlist.json");
  EXPECT_EQ(made[2].name, "playlist.webp");
  simdjson::dom::parser parser;
  const simdjson::dom::element json = parser.parse(made[0].bytes);
  EXPECT_EQ(std::string_view(json.at_pointer("/title")), "JOB1");
  EXPECT_EQ(std::string_view(json.at_pointer("/entries/0/toonId")), "toon-1");
  EXPECT_EQ(std::int64_t(json.at_pointer("/entries/1/durationMs")), 61500);
  EXPECT_EQ(std::string_view(json.at_pointer("/entries/1/poster/sha256")), base::ToHex(base::Sha256Of("poster.png")));
  EXPECT_EQ(made[1].bytes,
            "#EXTM3U\n#PLAYLIST:JOB1\n#EXTINF:1.500,toon-1\n./toon-1\n#EXTINF:61.500,Pinky - Night run\n./toon-4\n");
  EXPECT_NE(bench.images.params.find(R"(["0:02 toon-1","1:02 toon-4"])"), std::string::npos);
}

TEST(Playlist, StaysBelowThePartialLimitWithTheLongestEntries) {
  const auto& list = Reducer("playlist");
  std::vector<job::Outcome> page;
  for (job::Position i = 0; i < 1000; ++i) {
    page.push_back(
        Clip(i, fmt::format(R"({{"container":"{0}","durationMs":99999999,"tags":{{"title":"{0}","artist":"{0}"}}}})",
                            std::string(300, 'x'))));
    page.back().toon_id = job::ToonId(std::string(job::kMaxToonIdBytes, 'y'));
  }
  const std::string partial = list.Fold(page);
  EXPECT_LT(partial.size(), job::kMaxPartialBytes);
  EXPECT_LT(list.Merge(partial, partial).value().size(), job::kMaxPartialBytes);
}

TEST(Playlist, RefusesPartialsThatDoNotDecode) {
  for (const std::string_view name : {"playlist", "contact-sheet"}) {
    std::string good = FoldOne(Reducer(name), Clip(1, R"({"container":"mp4"})"));
    for (std::size_t cut = 1; cut < good.size(); ++cut) {
      EXPECT_EQ(Reducer(name).Render(good.substr(0, cut)).error().code, base::Code::kCorrupt) << name << cut;
    }
    EXPECT_EQ(Reducer(name).Merge(good + "x", "").error().code, base::Code::kCorrupt);
  }
}

TEST(Sheets, CutsTextAtACharactersBorder) {
  EXPECT_EQ(CutText("ratón", 4), "rat");
  EXPECT_EQ(CutText("ratón", 5), "rató");
  EXPECT_EQ(CutText("ratón", 99), "ratón");
}

TEST(Sheets, PrefersThePictureMadeForThePurpose) {
  auto toon =
      Toon(0, "image", "{}", {Picture("clip.mp4", "video/mp4"), Picture("thumbnail.webp"), Picture("preview.webp")});
  EXPECT_EQ(PictureOf(toon).name, "preview.webp");
  toon.artifacts.pop_back();
  EXPECT_EQ(PictureOf(toon).name, "thumbnail.webp");
  toon.artifacts.pop_back();
  EXPECT_EQ(PictureOf(toon).bytes, 0U);
}

}  // namespace
}  // namespace reducers
