#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>
#include <simdjson.h>

#include <algorithm>
#include <cmath>
#include <fstream>

#include "job/limits.h"
#include "reducers/aligned_series.h"
#include "reducers/registry.h"
#include "reducers/totals.h"

namespace reducers {
namespace {

const ports::Reducer& Reducer(std::string_view name) {
  static const auto registry = NewReducers();
  return *registry->Find(name);
}

job::Outcome Outcome(std::string type, std::string result, std::int64_t micros = 1000, std::uint64_t bytes = 10) {
  job::Outcome outcome;
  outcome.state = job::ToonState::kSucceeded;
  outcome.type = std::move(type);
  outcome.result_json = std::move(result);
  outcome.duration = std::chrono::microseconds(micros);
  outcome.source_bytes = bytes;
  return outcome;
}

struct Json {
  explicit Json(const std::string& text) : element(parser.parse(text).value()) {}
  [[nodiscard]] double Number(std::string_view pointer) const { return double(element.at_pointer(pointer)); }
  [[nodiscard]] std::string Text(std::string_view pointer) const {
    return std::string(std::string_view(element.at_pointer(pointer)));
  }
  [[nodiscard]] bool Has(std::string_view pointer) const {
    return element.at_pointer(pointer).error() == simdjson::SUCCESS;
  }
  simdjson::dom::parser parser;
  simdjson::dom::element element;
};

std::string Series(std::int64_t step, std::int64_t start, const std::string& field, const std::string& buckets) {
  return fmt::format(R"({{"rows":3,"series":{{"step_ms":{},"start":{},"fields":{{"{}":{}}}}}}})", step, start, field,
                     buckets);
}

TEST(Registry, NamesItsReducersAndMergesByName) {
  const auto registry = NewReducers();
  EXPECT_EQ(registry->Names(), (std::vector<std::string>{"summary", "timeline", "contact-sheet", "playlist"}));
  EXPECT_EQ(registry->Find("narf"), nullptr);
  const auto merger = NewMerger(*registry);
  EXPECT_EQ(merger->Merge("summary", "", "").value(), "");
  EXPECT_EQ(merger->Merge("narf", "", "").error().code, base::Code::kUnsupported);
  EXPECT_EQ(merger->Merge("timeline", "garbage", "").error().code, base::Code::kCorrupt);
}

TEST(Summary, AddsUpByType) {
  auto reused = Outcome("message", R"({"format":"text","bytes":5})", 3000, 5);
  reused.reused = true;
  reused.attempts = 2;
  reused.artifacts.push_back({"a", "text/plain", 7, {}});
  const std::vector<job::Outcome> outcomes = {
      Outcome("message", R"({"format":"json","bytes":10})"),
      reused,
      Outcome("binary", R"({"mime":"image/png","bytes":10})"),
      Outcome("telemetry", R"({"rows":100,"badRows":3,"anomalyCount":2,"gapCount":1,"format":"csv"})"),
      Outcome("telemetry", R"({"rows":50,"badRows":0,"anomalyCount":1,"gapCount":0,"format":"ndjson"})"),
      Outcome("gameplay", R"({"rows":8,"badRows":0,"anomalyCount":0,"gapCount":0,"eventCount":8,"format":"ndjson"})"),
      Outcome("word-cloud", R"({"anything":true})")};
  const Json json(Reducer("summary").Render(Reducer("summary").Fold(outcomes)).value());
  EXPECT_EQ(json.Number("/toons"), 7);
  EXPECT_EQ(json.Number("/bytes"), 65);
  EXPECT_EQ(json.Number("/reused"), 1);
  EXPECT_EQ(json.Number("/retried"), 1);
  EXPECT_EQ(json.Number("/artifacts/count"), 1);
  EXPECT_EQ(json.Number("/artifacts/bytes"), 7);
  EXPECT_EQ(json.Number("/types/message/formats/json"), 1);
  EXPECT_EQ(json.Number("/types/message/formats/text"), 1);
  EXPECT_EQ(json.Number("/types/binary/mimes/image~1png"), 1);
  EXPECT_EQ(json.Number("/types/telemetry/rows"), 150);
  EXPECT_EQ(json.Number("/types/telemetry/badRows"), 3);
  EXPECT_EQ(json.Number("/types/telemetry/anomalies"), 3);
  EXPECT_EQ(json.Number("/types/telemetry/gaps"), 1);
  EXPECT_EQ(json.Number("/types/gameplay/events"), 8);
  EXPECT_EQ(json.Number("/types/word-cloud/toons"), 1);
  EXPECT_EQ(json.Number("/durationMs/min"), 1);
  EXPECT_EQ(json.Number("/durationMs/max"), 3);
  EXPECT_EQ(json.Number("/types/message/durationMs/mean"), 2);
}

TEST(Summary, FinishWritesOneFileThatSaysWhatItCovers) {
  const std::vector<job::Outcome> outcomes = {Outcome("message", R"({"format":"json"})")};
  const std::string partial = Reducer("summary").Fold(outcomes);
  const auto artifacts = Reducer("summary").Finish(
      {.partial = partial, .params_json = "{}", .toon_count = 3, .succeeded = 1, .failed = 2, .job_id = "acme\"1"});
  ASSERT_EQ(artifacts->size(), 1U);
  EXPECT_EQ(artifacts->front().name, "summary.json");
  const Json json(artifacts->front().bytes);
  EXPECT_EQ(json.Text("/jobId"), "acme\"1");
  EXPECT_EQ(json.Number("/failed"), 2);
  EXPECT_EQ(json.Number("/toons"), 1);
  EXPECT_EQ(Json(Reducer("summary").Finish({.params_json = "{}"})->front().bytes).Number("/toons"), 0);
}

TEST(Summary, TakesNoParameters) {
  EXPECT_TRUE(Reducer("summary").CheckParams("{}").empty());
  EXPECT_EQ(Reducer("summary").CheckParams(R"({"a/b":1})").at(0).pointer, "/a~1b");
  EXPECT_EQ(Reducer("summary").CheckParams("[]").at(0).pointer, "");
}

TEST(Histogram, QuantilesAreWithinTheirBound) {
  Histogram histogram;
  std::vector<std::uint64_t> values;
  for (std::uint64_t i = 0; i < 5000; ++i) values.push_back(i * i * 7 % 9'999'991);
  for (const auto value : values) histogram.Add(value);
  std::ranges::sort(values);
  for (const double share : {0.01, 0.5, 0.95, 0.99, 1.0}) {
    const auto exact = static_cast<double>(values[static_cast<std::size_t>(std::ceil(share * 5000)) - 1]);
    EXPECT_NEAR(histogram.Quantile(share), exact, exact / 16 + 0.5) << share;
  }
  Histogram small;
  for (const std::uint64_t value : {1U, 2U, 3U, 4U, 15U}) small.Add(value);
  EXPECT_EQ(small.Quantile(0.5), 3);  // below 16 exact
  EXPECT_EQ(small.Quantile(1), 15);
}

TEST(Timeline, AddsUpAlignedBucketsOfDifferentWidths) {
  // Buckets of 2 s from 8192 ms and of 1 s from 10240 ms; on common 2048 ms buckets 4, 5, 6 the second series' two
  // buckets 10 and 11 (of 1024 ms) fall into bucket 5.
  const std::vector<job::Outcome> outcomes = {
      Outcome("telemetry", Series(2048, 8192, "temp", "[[2,1,3,2],[1,10,10,10],null]")),
      Outcome("gameplay", Series(1024, 10240, "temp", "[[1,4,4,4],[3,1,7,4]]")), Outcome("telemetry", R"({"rows":1})"),
      Outcome("message", R"({"format":"json"})")};
  const std::string partial = Reducer("timeline").Fold(outcomes);
  const auto series = AlignedSeries::Decode(partial).value();
  EXPECT_EQ(series.toons(), 2U);
  EXPECT_EQ(series.shift(), 11U);
  const auto& field = series.fields().at("temp");
  ASSERT_EQ(field.size(), 2U);
  EXPECT_EQ(field.at(4), (Bucket{2, 1, 3, 4}));
  EXPECT_EQ(field.at(5), (Bucket{5, 1, 10, 26}));
  const Json json(Reducer("timeline").Render(partial).value());
  EXPECT_EQ(json.Text("/from"), "1970-01-01T00:00:08.192Z");
  EXPECT_EQ(json.Number("/fields/temp/count"), 7);
  EXPECT_NEAR(json.Number("/fields/temp/mean"), 30.0 / 7, 1e-12);
}

TEST(Timeline, CoarsensToAtMost256Buckets) {
  const std::vector<job::Outcome> outcomes = {Outcome("telemetry", Series(1, 0, "a", "[[1,1,1,1]]")),
                                              Outcome("telemetry", Series(1, 1'000'000, "a", "[[1,3,3,3]]"))};
  const auto series = AlignedSeries::Decode(Reducer("timeline").Fold(outcomes)).value();
  EXPECT_EQ(series.shift(), 12U);  // 1000000 >> 12 is 244; >> 11 would be 488
  EXPECT_EQ(series.last(), 244);
}

TEST(Timeline, PassesOverResultsOfAnotherShape) {
  for (const char* series :
       {"3", "[]", R"({"step_ms":3,"start":0,"fields":{}})", R"({"step_ms":-1,"start":0,"fields":{}})",
        R"({"step_ms":4,"start":2,"fields":{}})", R"({"step_ms":1024,"start":9223372036854775807,"fields":{}})"}) {
    const std::vector<job::Outcome> outcomes = {Outcome("telemetry", fmt::format(R"({{"series":{}}})", series)),
                                                Outcome("telemetry", "not json")};
    EXPECT_EQ(Reducer("timeline").Fold(outcomes), "") << series;
  }
  const std::vector<job::Outcome> odd = {
      Outcome("telemetry", Series(4, 0, "a", R"([1,[1],[1,2,3,"x"],[1,1e308,1e308,1e308],[2,1,3,2]])"))};
  const auto decoded = AlignedSeries::Decode(Reducer("timeline").Fold(odd)).value();
  ASSERT_EQ(decoded.fields().at("a").size(), 1U);
  EXPECT_EQ(decoded.fields().at("a").begin()->first, 4);
}

TEST(Timeline, ChecksItsParameters) {
  const auto check = [](std::string_view params) {
    std::vector<std::string> pointers;
    for (const auto& error : Reducer("timeline").CheckParams(params)) pointers.push_back(error.pointer);
    return pointers;
  };
  using Places = std::vector<std::string>;
  EXPECT_EQ(check("{}"), Places{});
  EXPECT_EQ(check(R"({"title":"Acme","fields":["a"]})"), Places{});
  EXPECT_EQ(check(R"({"title":7,"fields":[],"x":1})"), (Places{"/title", "/fields", "/x"}));
  EXPECT_EQ(check(R"({"fields":["a",""]})"), Places{"/fields/1"});
  EXPECT_EQ(check("7"), Places{""});
}

std::vector<ports::ArtifactBytes> FinishOf(const std::string& partial, std::string_view params) {
  return Reducer("timeline").Finish({.partial = partial, .params_json = params}).value();
}

TEST(Timeline, FinishDrawsAndListsTheFieldsAskedFor) {
  const std::vector<job::Outcome> outcomes = {
      Outcome("telemetry", Series(1024, 0, "a<b", "[[2,1,3,2],null,[1,5,5,5]]")),
      Outcome("telemetry", Series(1024, 0, "z,1", "[[1,0.5,0.5,0.5]]"))};
  const auto artifacts = FinishOf(Reducer("timeline").Fold(outcomes), R"({"title":"R&D"})");
  ASSERT_EQ(artifacts.size(), 2U);
  EXPECT_EQ(artifacts[1].bytes,
            "time,field,count,min,max,mean\n"
            "1970-01-01T00:00:00.000Z,a<b,2,1,3,2\n"
            "1970-01-01T00:00:02.048Z,a<b,1,5,5,5\n"
            "1970-01-01T00:00:00.000Z,\"z,1\",1,0.5,0.5,0.5\n");
  const std::string& svg = artifacts[0].bytes;
  EXPECT_NE(svg.find("<title id=\"t\">R&amp;D</title>"), std::string::npos);
  EXPECT_NE(svg.find("a&lt;b"), std::string::npos);
  EXPECT_EQ(svg.find("a<b"), std::string::npos);
  EXPECT_EQ(svg.find("nan"), std::string::npos);
  EXPECT_EQ(svg.find("var("), std::string::npos);  // a viewer without variables would paint it black
  const auto one = FinishOf(Reducer("timeline").Fold(outcomes), R"({"fields":["z,1","none"]})");
  EXPECT_EQ(one[1].bytes.find("a<b"), std::string::npos);
  EXPECT_NE(FinishOf("", "{}")[0].bytes.find("nothing to draw"), std::string::npos);
}

// A chart of realistic data for the eye: UBERTOONS_CHART names the file to write.
TEST(Timeline, AChartOfManyFieldsIsDrawnWhole) {
  std::vector<job::Outcome> outcomes;
  const std::int64_t start = 1'779'000'000'000 / 65536 * 65536;
  for (const char* field : {"temp_c", "pressure_hpa", "rpm", "battery_v", "constant"}) {
    std::string buckets = "[";
    for (int i = 0; i < 48; ++i) {
      const double wave = std::string_view(field) == "constant" ? 7 : 20 + 5 * std::sin(i * 0.3) * (field[0] - 'a');
      if (i != 0) buckets += ',';
      const double spread = std::string_view(field) == "constant" ? 0 : 2;
      buckets += i % 17 == 9 ? "null" : fmt::format("[10,{},{},{}]", wave - spread, wave + 2 * spread, wave);
    }
    outcomes.push_back(Outcome("telemetry", Series(65536, start, field, buckets + "]")));
  }
  const auto artifacts = FinishOf(Reducer("timeline").Fold(outcomes), R"({"title":"Acme gadgets, night shift"})");
  const std::string& svg = artifacts[0].bytes;
  EXPECT_TRUE(svg.ends_with("</svg>\n"));
  std::size_t panels = 0;
  for (auto at = svg.find("class=\"line s"); at != std::string::npos; at = svg.find("class=\"line s", at + 1)) ++panels;
  EXPECT_EQ(panels, 5U);
  if (const char* path = std::getenv("UBERTOONS_CHART")) std::ofstream(path) << svg;
}

// ---- properties ---------------------------------------------------------------------------------------------------

job::Outcome AnyOutcome() {
  const auto small = [](int least, int most) { return *rc::gen::inRange(least, most); };
  const auto type =
      *rc::gen::elementOf(std::vector<std::string>{"message", "binary", "telemetry", "gameplay", "custom"});
  auto outcome = Outcome(type, "{}", small(0, 1'000'000), static_cast<std::uint64_t>(small(0, 5000)));
  if (type == "custom") outcome.type += std::to_string(small(0, 40));
  if (type == "message") outcome.result_json = R"({"format":"json"})";
  if (type == "binary") outcome.result_json = fmt::format(R"({{"mime":"x/{}"}})", small(0, 100));
  if (type == "telemetry" || type == "gameplay") {
    std::string buckets;
    for (int i = small(1, 8); i > 0; --i) {
      const int value = small(-9, 9);
      buckets += fmt::format("{}[{},{},{},{}]", buckets.empty() ? "" : ",", small(1, 4), value - 1, value + 1, value);
    }
    const std::int64_t step = std::int64_t{1} << small(0, 20);
    outcome.result_json = Series(step, small(-300, 300) * step, fmt::format("f{}", small(0, 25)), "[" + buckets + "]");
  }
  outcome.reused = small(0, 2) != 0;
  return outcome;
}

std::vector<job::Outcome> SomeOutcomes() {
  std::vector<job::Outcome> outcomes;
  for (int i = *rc::gen::inRange(0, 60); i > 0; --i) outcomes.push_back(AnyOutcome());
  return outcomes;
}

// Integers this small add up without rounding, so that even sums are compared exactly.
void MergingIsFolding(std::string_view name) {
  const auto& reducer = Reducer(name);
  const auto a = SomeOutcomes();
  const auto b = SomeOutcomes();
  const auto c = SomeOutcomes();
  auto all = a;
  all.insert(all.end(), b.begin(), b.end());
  all.insert(all.end(), c.begin(), c.end());
  const std::string fa = reducer.Fold(a);
  const std::string fb = reducer.Fold(b);
  const std::string fc = reducer.Fold(c);
  const std::string ab = reducer.Merge(fa, fb).value();
  RC_ASSERT(ab == reducer.Merge(fb, fa).value());
  RC_ASSERT(reducer.Merge(ab, fc).value() == reducer.Merge(fa, reducer.Merge(fb, fc).value()).value());
  RC_ASSERT(reducer.Merge(ab, fc).value() == reducer.Fold(all));
  RC_ASSERT(reducer.Fold(all).size() <= job::kMaxPartialBytes);
}

RC_GTEST_PROP(Summary, MergingPartialsIsFoldingTheUnion, ()) {
  MergingIsFolding("summary");
}
RC_GTEST_PROP(Timeline, MergingPartialsIsFoldingTheUnion, ()) {
  MergingIsFolding("timeline");
}

RC_GTEST_PROP(Partials, GarbageIsCorruptAndNeverCrashes, (std::string bytes)) {
  for (const auto* name : {"summary", "timeline"}) {
    const auto merged = Reducer(name).Merge(bytes, "");
    if (!bytes.empty() && bytes[0] != 1) RC_ASSERT(merged.error().code == base::Code::kCorrupt);
  }
}

RC_GTEST_PROP(Partials, ADamagedOneIsCorruptOrStillRenders, ()) {
  for (const auto* name : {"summary", "timeline"}) {
    std::string partial = Reducer(name).Fold(SomeOutcomes());
    if (partial.empty()) continue;
    const auto at = *rc::gen::inRange<std::size_t>(0, partial.size());
    if (*rc::gen::arbitrary<bool>()) {
      RC_ASSERT(Reducer(name).Merge(partial.substr(0, at), partial).has_value() == (at == 0));
    } else {
      partial[at] = *rc::gen::arbitrary<char>();
      const auto merged = Reducer(name).Merge(partial, partial);
      if (!merged) RC_ASSERT(merged.error().code == base::Code::kCorrupt);
      static_cast<void>(Reducer(name).Finish({.partial = partial, .params_json = "{}"}));
    }
  }
}

TEST(Partials, TheLargestFitTheirLimit) {
  AlignedSeries series;
  for (int field = 0; field < 40; ++field) {
    for (int bucket = 0; bucket < 256; ++bucket) {
      series.Add(fmt::format("{:0>128}", field), 0, bucket, {~0ULL, -1.5, 2.5, 1e17});
    }
  }
  series.CountToon();
  series.Settle();
  EXPECT_LE(series.Encode().size(), job::kMaxPartialBytes);
  Totals totals;
  for (int type = 0; type < 60; ++type) {
    auto& one = totals.types[fmt::format("{:0>64}", type)];
    for (std::uint64_t i = 0; i < 100'000; ++i) one.durations.Add(1ULL << (i % 37) | i << (i % 20));
    for (int name = 0; name < 100; ++name) one.kinds.Add(fmt::format("{:0>64}", name), 1'000'000);
  }
  Totals trimmed;
  trimmed.Merge(totals);
  EXPECT_EQ(trimmed.types.size(), kMaxTypes);
  EXPECT_LE(trimmed.Encode().size(), job::kMaxPartialBytes);
  EXPECT_TRUE(Totals::Decode(trimmed.Encode()).has_value());
}

}  // namespace
}  // namespace reducers
