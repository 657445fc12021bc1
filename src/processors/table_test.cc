#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "job/limits.h"
#include "processors/analysis.h"
#include "processors/csv_scanner.h"
#include "processors/statistics.h"
#include "processors/table_reader.h"
#include "processors/test_input.h"
#include "processors/typing.h"
#include "processors/value.h"

namespace processors {
namespace {

std::string Artifact(const Processed<ports::ProcessorOutput>& output, std::string_view name) {
  for (const auto& artifact : output.value().artifacts) {
    if (artifact.name == name) return artifact.bytes;
  }
  return "(none)";
}

// ---- values -------------------------------------------------------------------------------------------------------

TEST(Values, TimestampsOfManyFormsAreOneInstant) {
  // date -u -d 2026-01-31T12:30:15Z +%s -> 1769862615
  for (const char* text : {"2026-01-31T12:30:15Z", "2026-01-31 12:30:15", "2026-01-31T12:30:15.000",
                           "2026/01/31 12:30:15", "2026-01-31T14:30:15+02:00", "2026-01-31T14:30:15+0200",
                           "2026-01-31T14:30:15+02", "2026-01-31t07:00:15-05:30"}) {
    EXPECT_EQ(ParseTimestamp(text), 1769862615000) << text;
  }
  EXPECT_EQ(ParseTimestamp("2026-01-31T12:30:15.1239Z"), 1769862615123);
  EXPECT_EQ(ParseTimestamp("2026-01-31"), 1769817600000);
  EXPECT_EQ(ParseTimestamp("1969-12-31T23:59:59.999Z"), -1);
  for (const char* bad :
       {"", "2026", "2026-02-30", "2026-01-31T25:00", "2026-01-31T12", "2026-01-31T12:30:15.", "26-01-31 1",
        "2026-01-31T12:30:15ZZ", "2026-01-31T12:30:15+99:00", "2026-01/31", "0000-01-01"}) {
    EXPECT_EQ(ParseTimestamp(bad), std::nullopt) << bad;
  }
  EXPECT_EQ(FormatMillis(1769862615123), "2026-01-31T12:30:15.123Z");
  EXPECT_EQ(FormatMillis(-1), "1969-12-31T23:59:59.999Z");
}

RC_GTEST_PROP(Values, FormattedTimesReadBack, ()) {
  const auto ms = *rc::gen::inRange<std::int64_t>(-62'135'596'800'000, 253'402'300'799'999);
  RC_ASSERT(ParseTimestamp(FormatMillis(ms)) == ms);
}

TEST(Values, NumbersAreDecimalAndFinite) {
  EXPECT_EQ(ParseNumber("+1.5e3", Comma::kNever)->value, 1500);
  EXPECT_EQ(ParseNumber("-0.25", Comma::kNever)->value, -0.25);
  EXPECT_EQ(ParseNumber("3,5", Comma::kDecimal)->value, 3.5);
  EXPECT_TRUE(ParseNumber("42", Comma::kNever)->whole);
  EXPECT_FALSE(ParseNumber("42.0", Comma::kNever)->whole);
  for (const char* bad :
       {"", "-", "+", "1e400", "inf", "nan", "0x10", "007", "1.2.3", "1,2,3", "1 2", "9007199254740994", "--1"}) {
    EXPECT_EQ(ParseNumber(bad, Comma::kDecimal).has_value(), false) << bad;
  }
}

// ---- statistics; expected values by Python's statistics module and the type 7 formula written out ----------------

TEST(Statistics, DescribesASample) {
  std::vector<double> values = {12.5, 13.1, 12.9, 13.4, 12.7, 55.0, 13.0, 12.8};
  const double percents[] = {50, 95, 99, 0, 100};
  const auto d = Describe(values, percents);
  EXPECT_EQ(d.count, 8U);
  EXPECT_EQ(d.min, 12.5);
  EXPECT_EQ(d.max, 55.0);
  EXPECT_NEAR(d.mean, 18.175, 1e-12);
  EXPECT_NEAR(d.stddev, 14.881988154429214, 1e-9);
  EXPECT_NEAR(d.percentiles[0], 12.95, 1e-12);
  EXPECT_NEAR(d.percentiles[1], 40.44, 1e-9);
  EXPECT_NEAR(d.percentiles[2], 52.088, 1e-9);
  EXPECT_EQ(d.percentiles[3], 12.5);
  EXPECT_EQ(d.percentiles[4], 55.0);
}

TEST(Statistics, WelfordKeepsItsDigitsFarFromZero) {
  std::vector<double> values = {1e9 + 4, 1e9 + 7, 1e9 + 13, 1e9 + 16};
  EXPECT_NEAR(Describe(values, {}).stddev, 5.477225575051661, 1e-9);  // sqrt(30)
}

TEST(Statistics, ScoresAreThePublishedOnes) {
  const std::vector<double> sample = {12.5, 13.1, 12.9, 13.4, 12.7, 55.0, 13.0, 12.8};
  auto values = sample;
  EXPECT_NEAR(ScoringOf(values, AnomalyMethod::kMad).Score(55), 141.8138, 0.001);  // 0.6745 * 42.05 / 0.2
  std::vector<double> flat = {1, 1, 1, 1, 1, 1, 9};
  EXPECT_NEAR(ScoringOf(flat, AnomalyMethod::kMad).Score(9), 5.585192, 1e-5);  // 8 / (1.253314 * 8/7)
  values = sample;
  EXPECT_NEAR(ScoringOf(values, AnomalyMethod::kIqr).Score(55), 104.5625, 1e-6);
  std::vector<double> same(10, 3.0);
  EXPECT_EQ(ScoringOf(same, AnomalyMethod::kMad).Score(1e9), 0);
  std::vector<double> few = {1, 2, 1000};
  EXPECT_EQ(ScoringOf(few, AnomalyMethod::kMad).Score(1000), 0);
}

RC_GTEST_PROP(Statistics, QuantilesEqualTheSortedDefinition, ()) {
  auto values = *rc::gen::nonEmpty(rc::gen::container<std::vector<double>>(
      rc::gen::map(rc::gen::inRange(-1000, 1000), [](int i) { return i / 8.0; })));
  const double share = *rc::gen::inRange(0, 1001) / 1000.0;
  auto sorted = values;
  std::ranges::sort(sorted);
  const double rank = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(rank);
  const double above = sorted[std::min(below + 1, sorted.size() - 1)];
  const double expected = sorted[below] + (rank - static_cast<double>(below)) * (above - sorted[below]);
  RC_ASSERT(std::abs(Quantile(values, share) - expected) < 1e-9);
}

// ---- reading ------------------------------------------------------------------------------------------------------

TEST(Csv, QuotesDelimitersAndLineEnds) {
  const auto output =
      Invoke("telemetry", "\xef\xbb\xbfname;\"say \"\"hi\"\"\";n\r\n\"a;b\";\"two\r\nlines\";1\r\n c ;d;2\r\n");
  EXPECT_EQ(TextAt(output, "/delimiter"), ";");
  EXPECT_EQ(TextAt(output, "/schema/1/name"), "say \"hi\"");
  EXPECT_EQ(Artifact(output, "cleaned.csv"), "name,\"say \"\"hi\"\"\",n\na;b,\"two\r\nlines\",1\nc,d,2\n");
  EXPECT_EQ(NumberAt(output, "/cleaning/repairs/trimmed"), 1);
}

TEST(Csv, DetectsTheDelimiter) {
  EXPECT_EQ(DetectDelimiter("a,b\n1,2\n"), ',');
  EXPECT_EQ(DetectDelimiter("a;b\n1,5;2,5\n3,1;4\n"), ';');
  EXPECT_EQ(DetectDelimiter("a\tb c\n1\t2\n"), '\t');
  EXPECT_EQ(DetectDelimiter("a|b|c\n1|2|3\n"), '|');
  EXPECT_EQ(DetectDelimiter("\"a,b\";c\n\"d,e\";f\n"), ';');
  EXPECT_EQ(DetectDelimiter("single\n1\n"), ',');
}

TEST(Csv, RaggedRowsAreBadAndNamed) {
  const auto output = Invoke("telemetry", "a,b\n1,2\n3\n4,5,6\n7,8,,\n9,10\n");
  EXPECT_EQ(NumberAt(output, "/rows"), 5);
  EXPECT_EQ(NumberAt(output, "/badRows"), 2);
  EXPECT_EQ(NumberAt(output, "/cleaning/rowsKept"), 3);
  EXPECT_EQ(NumberAt(output, "/cleaning/bad/0/line"), 3);
  EXPECT_EQ(TextAt(output, "/cleaning/bad/1/why"), "3 fields, expected 2");
  EXPECT_EQ(NumberAt(output, "/cleaning/repairs/cutTails"), 1);
}

TEST(Csv, AnUnclosedQuoteSpoilsItsLineOnly) {
  const auto output = Invoke("telemetry", "a,b\n1,2\n3,\"4\n5,6\n7,8\n");
  EXPECT_EQ(NumberAt(output, "/badRows"), 1);
  EXPECT_EQ(NumberAt(output, "/cleaning/bad/0/line"), 3);
  EXPECT_EQ(NumberAt(output, "/fields/b/count"), 3);
}

TEST(Csv, AFileWithoutHeaderGetsNames) {
  const auto output = Invoke("telemetry", "2026-01-01T00:00:00Z,1.5\n2026-01-01T00:00:01Z,2.5\n");
  EXPECT_EQ(TextAt(output, "/schema/1/name"), "c2");
  EXPECT_EQ(NumberAt(output, "/rows"), 2);
}

TEST(Csv, RepairsAreCounted) {
  const auto output =
      Invoke("telemetry", "t;v;w\n1; 3,5 ;N/A\n2;4,5;1\n3;x;2\n4;1;\n5;1;1\n6;1;1\n7;1;1\n8;1;1\n9;1;1\n10;1;1\n");
  EXPECT_EQ(NumberAt(output, "/cleaning/repairs/decimalCommas"), 2);
  EXPECT_EQ(NumberAt(output, "/cleaning/repairs/trimmed"), 1);
  EXPECT_EQ(NumberAt(output, "/cleaning/repairs/nullWords"), 1);
  EXPECT_EQ(NumberAt(output, "/cleaning/repairs/coerced"), 1);
  EXPECT_EQ(TextAt(output, "/schema/1/kind"), "number");
  EXPECT_EQ(TextAt(output, "/schema/2/kind"), "integer");
  EXPECT_TRUE(Artifact(output, "cleaned.csv").starts_with("t,v,w\n1,3.5,\n2,4.5,1\n3,,2\n4,1,\n"));
}

TEST(Ndjson, NestedMembersAreFlattened) {
  const auto output = Invoke(
      "telemetry",
      "{\"t\":\"2026-01-01T00:00:00Z\",\"pos\":{\"x\":1,\"y\":{\"z\":-2.5}}}\n\n{\"pos\":{\"x\":2},\"tag\":[1,2]}\n");
  EXPECT_EQ(Artifact(output, "cleaned.csv"), "t,pos.x,pos.y.z,tag\n2026-01-01T00:00:00Z,1,-2.5,\n,2,,\"[1,2]\"\n");
  EXPECT_EQ(TextAt(output, "/format"), "ndjson");
}

TEST(Ndjson, BadLinesAreNamed) {
  const auto output =
      Invoke("telemetry", "{\"a\":1}\n{\"a\":\n{\"a\":1e400}\n{\"a\":2,\"a\":3}\n{\"a\":2}\n{\"a\":3}\n{\"a\":5}\n");
  EXPECT_EQ(NumberAt(output, "/badRows"), 3);
  EXPECT_EQ(NumberAt(output, "/cleaning/bad/0/line"), 2);
  EXPECT_EQ(TextAt(output, "/cleaning/bad/2/why"), "a member is named twice");
  EXPECT_EQ(CodeOf(Invoke("telemetry", "{\"a\":\n{\"a\":1}\n{")), "invalid-ndjson");
}

TEST(Json, AnArrayOfObjectsIsATable) {
  const auto output = Invoke("telemetry", R"([{"a":1},{"a":2}])", {}, ports::SourceForm::kJson);
  EXPECT_EQ(TextAt(output, "/format"), "json");
  EXPECT_EQ(NumberAt(output, "/fields/a/mean"), 1.5);
}

TEST(Tables, RefusesWhatIsNotATable) {
  EXPECT_EQ(CodeOf(Invoke("telemetry", "")), "empty");
  EXPECT_EQ(CodeOf(Invoke("telemetry", " \n\n")), "empty");
  EXPECT_EQ(CodeOf(Invoke("telemetry", "a,b\n")), "empty");
  EXPECT_EQ(CodeOf(Invoke("telemetry", "a,\xff\n1,2\n")), "invalid-encoding");
  EXPECT_EQ(CodeOf(Invoke("telemetry", std::string("\xff\xfe"
                                                   "a\0,\0",
                                                   6))),
            "invalid-encoding");
  EXPECT_EQ(CodeOf(Invoke("telemetry", std::string("a,b\n1,\0\n", 8))), "invalid-csv");
  EXPECT_EQ(CodeOf(Invoke("telemetry", std::string(1'000'000, ','))), "too-many-columns");
  EXPECT_EQ(CodeOf(Invoke("telemetry", "a,b\n1\n2\n3,4\n")), "invalid-csv");
  EXPECT_EQ(CodeOf(Invoke("telemetry", "just some\nprose here\nand more\n")), "invalid-csv");
  EXPECT_EQ(CodeOf(Invoke("telemetry", "[1,2]")), "invalid-ndjson");
  EXPECT_EQ(CodeOf(Invoke("telemetry", "[")), "invalid-ndjson");
}

TEST(Tables, LargeHostileInputsEndSoon) {
  EXPECT_EQ(CodeOf(Invoke("telemetry", std::string(4'000'000, 'x'))), "empty");
  EXPECT_EQ(CodeOf(Invoke("telemetry", std::string(4'000'000, '"'))), "empty");
  std::string quotes = "a,b\n";
  for (int i = 0; i < 200'000; ++i) quotes += "\"x\"\"\n";
  EXPECT_EQ(CodeOf(Invoke("telemetry", quotes)), "invalid-csv");
  std::string sparse;
  for (int i = 0; i < 3000; ++i) sparse += "{\"k" + std::to_string(i) + "\":1}\n";
  EXPECT_EQ(CodeOf(Invoke("telemetry", sparse)), "too-many-columns");
  std::string deep(200'000, '[');
  EXPECT_EQ(CodeOf(Invoke("telemetry", "{\"a\":" + deep)), "invalid-ndjson");
}

RC_GTEST_PROP(Tables, AnyTextGivesAResultOrAnError, ()) {
  const auto text =
      *rc::gen::container<std::string>(rc::gen::elementOf(std::string("a1,;\n\r\t\"|{}:[] .-eT\0\xc3\xa9", 22)));
  for (const char* type : {"telemetry", "gameplay"}) {
    const auto output = Invoke(type, text);
    if (output) RC_ASSERT(Json(output->result_json).is_object());
  }
}

// What was cleaned once is clean: the artifact read again gives the same artifact and needs no repair.
RC_GTEST_PROP(Tables, CleaningIsIdempotent, ()) {
  std::string csv = "time,a,b,name\n";
  for (int i = *rc::gen::inRange(1, 40); i > 0; --i) {
    csv += FormatMillis(1'769'862'615'000 + *rc::gen::inRange(0, 100'000));
    csv += "," + std::to_string(*rc::gen::inRange(-50, 50)) + ", " + std::to_string(*rc::gen::inRange(0, 100) / 7.0);
    csv += "," + *rc::gen::elementOf(std::vector<std::string>{"narf", "\"a,b\"", "N/A", "", "\"q\"\"q\""}) + "\n";
  }
  const std::string once = Artifact(Invoke("telemetry", csv), "cleaned.csv");
  const auto again = Invoke("telemetry", once);
  RC_ASSERT(Artifact(again, "cleaned.csv") == once);
  RC_ASSERT(NumberAt(again, "/cleaning/duplicates/rows") == 0);
}

// ---- analysis -----------------------------------------------------------------------------------------------------

std::string Ramp(int rows, int skip_from, int skip_to, int spike) {
  std::string csv = "timestamp,temp_c\n";
  for (int i = 0; i < rows; ++i) {
    if (i >= skip_from && i < skip_to) continue;
    csv += FormatMillis(1'769'862'600'000 + i * 1000LL) + "," + std::to_string(i == spike ? 900 : 20 + i % 5) + "\n";
  }
  return csv;
}

TEST(Telemetry, FindsThePlantedGapAndAnomaly) {
  const auto output = Invoke("telemetry", Ramp(100, 40, 50, 70));
  EXPECT_EQ(TextAt(output, "/timeColumn"), "timestamp");
  EXPECT_EQ(NumberAt(output, "/cleaning/gaps/stepMs"), 1000);
  EXPECT_EQ(NumberAt(output, "/gapCount"), 1);
  EXPECT_EQ(NumberAt(output, "/cleaning/gaps/missing"), 10);
  EXPECT_EQ(TextAt(output, "/cleaning/gaps/list/0/from"), "2026-01-31T12:30:39Z");
  EXPECT_EQ(TextAt(output, "/cleaning/gaps/list/0/to"), "2026-01-31T12:30:50Z");
  EXPECT_EQ(NumberAt(output, "/anomalyCount"), 1);
  EXPECT_EQ(NumberAt(output, "/anomalies/list/0/value"), 900);
  EXPECT_EQ(NumberAt(output, "/anomalies/list/0/row"), 60);
  EXPECT_EQ(TextAt(output, "/anomalies/list/0/time"), "2026-01-31T12:31:10Z");
}

TEST(Telemetry, EpochSecondsAndMillisecondsAreTimes) {
  const auto seconds = Invoke("telemetry", "ts,v\n1769862615,1\n1769862616.5,2\n");
  EXPECT_EQ(Artifact(seconds, "cleaned.csv"), "ts,v\n2026-01-31T12:30:15Z,1\n2026-01-31T12:30:16.500Z,2\n");
  const auto millis = Invoke("telemetry", "epoch_ms,v\n1769862615000,1\n1769862616000,2\n");
  EXPECT_EQ(TextAt(millis, "/schema/0/kind"), "timestamp");
  EXPECT_EQ(TextAt(Invoke("telemetry", "price,v\n1769862615,1\n"), "/schema/0/kind"), "integer");
}

TEST(Telemetry, DuplicatesAreDroppedUnlessAskedNotTo) {
  const std::string csv = "time,v\n2026-01-01,1\n2026-01-02,2\n2026-01-01,1\n2026-01-02,3\n";
  const auto dropped = Invoke("telemetry", csv);
  EXPECT_EQ(NumberAt(dropped, "/cleaning/duplicates/rows"), 1);
  EXPECT_EQ(NumberAt(dropped, "/cleaning/duplicates/timestamps"), 1);
  EXPECT_EQ(NumberAt(dropped, "/cleaning/rowsKept"), 3);
  const auto kept = Invoke("telemetry", csv, {{"clean", R"({"dropDuplicates":false,"emit":false})"}});
  EXPECT_EQ(NumberAt(kept, "/cleaning/rowsKept"), 4);
  EXPECT_EQ(NumberAt(kept, "/cleaning/duplicates/timestamps"), 1);
  EXPECT_TRUE(kept->artifacts.empty());
}

TEST(Telemetry, OperationsChooseFieldsPercentilesAndMethod) {
  const auto output =
      Invoke("telemetry", "a,b\n1,10\n2,20\n3,30\n4,40\n5,50\n6,60\n7,700\n",
             {{"stats", R"({"fields":["b"],"percentiles":[25,99.9]})"}, {"anomalies", R"({"method":"iqr"})"}});
  EXPECT_EQ(NumberAt(output, "/fields/b/p25"), 25);
  EXPECT_NEAR(NumberAt(output, "/fields/b/p99.9"), 696.16, 1e-9);  // 60 + 0.994 * 640
  EXPECT_EQ(output->result_json.find(R"("a":{"count")"), std::string::npos);
  EXPECT_EQ(TextAt(output, "/anomalies/method"), "iqr");
  EXPECT_EQ(NumberAt(output, "/anomalies/threshold"), 1.5);
  EXPECT_EQ(NumberAt(output, "/anomalyCount"), 1);
}

TEST(Telemetry, ResamplesToMeans) {
  const std::string csv = "time,v\n2026-01-01T00:00:03Z,1\n2026-01-01T00:00:01Z,3\n2026-01-01T00:00:25Z,7\n";
  EXPECT_EQ(Artifact(Invoke("telemetry", csv, {{"resample", R"({"step":"10s"})"}}), "resampled.csv"),
            "time,v,rows\n2026-01-01T00:00:00Z,2,2\n2026-01-01T00:00:10Z,,0\n2026-01-01T00:00:20Z,7,1\n");
  EXPECT_EQ(CodeOf(Invoke("telemetry", "a\n1\n", {{"resample", R"({"step":"10s"})"}})), "no-time-column");
  EXPECT_EQ(CodeOf(Invoke("telemetry", "time,v\n2000-01-01,1\n2020-01-01,2\n", {{"resample", R"({"step":"1ms"})"}})),
            "resample-too-fine");
}

TEST(Telemetry, SeriesHaveAlignedBuckets) {
  const auto output = Invoke("telemetry", Ramp(100, 0, 0, -1));
  const auto step = static_cast<std::int64_t>(NumberAt(output, "/series/step_ms"));
  EXPECT_EQ(step, 4096);  // 99 s in at most 48 buckets: 2048 ms would make 49
  EXPECT_EQ(static_cast<std::int64_t>(NumberAt(output, "/series/start")) % step, 0);
  double count = 0;
  for (const auto bucket : simdjson::dom::array(Json(output->result_json).at_pointer("/series/fields/temp_c"))) {
    count += double(bucket.at(0));
  }
  EXPECT_EQ(count, 100);
}

TEST(Telemetry, AResultFitsItsLimitAndSaysSoWhenCut) {
  std::string csv = "time";
  for (int column = 0; column < 600; ++column) csv += ",sensor_with_quite_a_long_name_" + std::to_string(column);
  for (int row = 0; row < 60; ++row) {
    csv += "\n" + FormatMillis(1'769'862'600'000 + row * 1000LL);
    for (int column = 0; column < 600; ++column) csv += "," + std::to_string(row * column / 7.0 + (row == 3 ? 1e7 : 0));
  }
  const auto output = Invoke("telemetry", csv);
  EXPECT_LE(output->result_json.size(), job::kMaxResultBytes);
  EXPECT_TRUE(bool(Json(output->result_json).at_pointer("/truncated")));
  EXPECT_EQ(NumberAt(output, "/columnCount"), 601);
  EXPECT_EQ(NumberAt(output, "/anomalyCount"), 600);
}

TEST(Gameplay, CountsEventsPlayersAndSessions) {
  const std::string log = R"({"ts":"2026-01-01T00:00:00Z","event":"plan","actor":{"name":"Brain"},"session_id":"s1"})"
                          "\n"
                          R"({"ts":"2026-01-01T00:01:00Z","event":"narf","actor":{"name":"Pinky"},"session_id":"s1"})"
                          "\n"
                          R"({"ts":"2026-01-02T00:00:00Z","event":"plan","actor":{"name":"Brain"},"session_id":"s2"})"
                          "\n";
  const auto output = Invoke("gameplay", log);
  EXPECT_EQ(NumberAt(output, "/eventCount"), 3);
  EXPECT_EQ(NumberAt(output, "/events/kinds/counts/plan"), 2);
  EXPECT_EQ(NumberAt(output, "/events/kinds/distinct"), 2);
  EXPECT_EQ(TextAt(output, "/events/sessions/column"), "session_id");
  EXPECT_EQ(NumberAt(output, "/events/sessions/count"), 2);
  EXPECT_EQ(NumberAt(output, "/events/sessions/durationMs/max"), 60000);
  EXPECT_EQ(NumberAt(output, "/events/players/counts/Brain"), 2);
  EXPECT_EQ(CodeOf(Invoke("gameplay", "who,what\nPinky,narf\nBrain,plan\n")), "ok");
}

}  // namespace
}  // namespace processors
