#include "processors/catalog.h"

#include <gtest/gtest.h>

#include "processors/params.h"
#include "processors/schema_rules.h"

namespace processors {
namespace {

std::vector<std::string> Pointers(std::string_view type, std::string name, std::string params) {
  std::vector<std::string> pointers;
  for (const auto& error : NewCatalog({"word-cloud"})->Check(type, {std::move(name), std::move(params)})) {
    EXPECT_FALSE(error.detail.empty());
    pointers.push_back(error.pointer);
  }
  return pointers;
}
using Places = std::vector<std::string>;

TEST(Catalog, KnowsTheSevenTypesAndTheConfiguredOnes) {
  const auto catalog = NewCatalog({"word-cloud"});
  for (const auto type : job::kBuiltinTypeNames) EXPECT_TRUE(catalog->KnowsType(type)) << type;
  EXPECT_TRUE(catalog->KnowsType("word-cloud"));
  EXPECT_FALSE(catalog->KnowsType("smell"));
  EXPECT_FALSE(catalog->KnowsType(""));
}

TEST(Catalog, AcceptsEveryOperationWithGoodParameters) {
  const struct {
    const char* type;
    const char* name;
    const char* params;
  } cases[] = {
      {"image", "thumbnail", "{}"},
      {"image", "thumbnail", R"({"width":64,"height":64,"format":"webp","quality":80,"fit":"cover"})"},
      {"image", "resize", R"({"height":10})"},
      {"image", "crop", R"({"left":0,"top":0,"width":1,"height":16383})"},
      {"image", "rotate", R"({"angle":-90.5})"},
      {"image", "convert", R"({"format":"jpeg","quality":1})"},
      {"image", "grayscale", "{}"},
      {"image", "describe", "{}"},
      {"image", "describe", R"({"location":true})"},
      {"image", "preview", "{}"},
      {"audio", "waveform", R"({"width":640})"},
      {"video", "poster", R"({"at":1.5})"},
      {"video", "trim", R"({"start":0,"duration":2})"},
      {"telemetry", "clean", R"({"emit":false,"dropDuplicates":true,"maxGapSteps":3})"},
      {"gameplay", "stats", R"({"fields":["a"],"percentiles":[0,50,99.9,100]})"},
      {"telemetry", "anomalies", R"({"method":"iqr","threshold":1.5})"},
      {"telemetry", "resample", R"({"step":"10s"})"},
      {"message", "validate", R"({"schema":{"type":"object"}})"},
      {"message", "emit", "{}"},
      {"binary", "chunks", R"({"size":4096})"},
      {"binary", "strings", R"({"min":4})"},
      {"word-cloud", "anything", R"({"x":[1]})"},
  };
  for (const auto& c : cases) EXPECT_EQ(Pointers(c.type, c.name, c.params), Places{}) << c.name << c.params;
}

TEST(Catalog, NamesTheUnknownOperation) {
  EXPECT_EQ(Pointers("message", "thumbnail", "{}"), Places{"/op"});
  EXPECT_EQ(Pointers("telemetry", "", "{}"), Places{"/op"});
  EXPECT_EQ(Pointers("smell", "emit", "{}"), Places{""});
}

TEST(Catalog, NamesEveryBadParameter) {
  EXPECT_EQ(Pointers("image", "thumbnail", R"({"width":0,"height":1.5,"format":"bmp","quality":"9","a/b":1})"),
            (Places{"/width", "/height", "/format", "/quality", "/a~1b"}));
  EXPECT_EQ(Pointers("image", "crop", R"({"left":-1})"), (Places{"/left", "/top", "/width", "/height"}));
  EXPECT_EQ(Pointers("image", "thumbnail", R"({"fit":"fill"})"), Places{"/fit"});
  EXPECT_EQ(Pointers("image", "resize", "{}"), Places{"/width"});
  EXPECT_EQ(Pointers("image", "resize", R"({"width":16384})"), Places{"/width"});
  EXPECT_EQ(Pointers("image", "describe", R"({"location":"yes"})"), Places{"/location"});
  EXPECT_EQ(Pointers("image", "preview", R"({"width":64})"), Places{"/width"});
  EXPECT_EQ(Pointers("audio", "waveform", R"({"width":4097,"height":2049})"), (Places{"/width", "/height"}));
  EXPECT_EQ(Pointers("video", "trim", R"({"start":0,"duration":0})"), Places{"/duration"});
  EXPECT_EQ(Pointers("telemetry", "clean", R"({"emit":0})"), Places{"/emit"});
  EXPECT_EQ(Pointers("telemetry", "stats", R"({"fields":[],"percentiles":[50,101,"x"]})"),
            (Places{"/fields", "/percentiles/1", "/percentiles/2"}));
  EXPECT_EQ(Pointers("telemetry", "resample", R"({"step":"10"})"), Places{"/step"});
  EXPECT_EQ(Pointers("binary", "chunks", R"({"size":4095})"), Places{"/size"});
  EXPECT_EQ(Pointers("message", "emit", "[]"), Places{""});
  EXPECT_EQ(Pointers("word-cloud", "x", "3"), Places{""});
}

TEST(Catalog, ChecksSchemasBeforeAnybodyCompilesThem) {
  const auto schema = [](const std::string& text) {
    return Pointers("message", "validate", R"({"schema":)" + text + "}");
  };
  EXPECT_EQ(schema("[]"), Places{"/schema"});
  EXPECT_EQ(schema(R"({"description":")" + std::string(kMaxSchemaBytes, 'x') + R"("})"), Places{"/schema"});
  EXPECT_EQ(schema(R"({"$ref":"http://example.org/s.json"})"), Places{"/schema/$ref"});
  EXPECT_EQ(schema(R"({"$ref":"#/definitions/none"})"), Places{"/schema/$ref"});
  EXPECT_EQ(schema(R"({"$ref":"#"})"), Places{"/schema"});
  EXPECT_EQ(schema(R"({"properties":{"a":{"pattern":"(a+)+$"}}})"), Places{"/schema/properties/a/pattern"});
  EXPECT_EQ(schema(R"({"patternProperties":{"(x*)*":{}}})"), Places{"/schema/patternProperties/(x*)*"});
  EXPECT_EQ(schema(R"({"multipleOf":0})"), Places{"/schema/multipleOf"});
  EXPECT_EQ(schema(R"({"definitions":{"n":{"type":"number"}},"properties":{"a":{"$ref":"#/definitions/n"}}})"),
            Places{});
}

TEST(Catalog, RefusesReferencesThatDouble) {
  std::string schema = R"({"definitions":{"d0":{"type":"number"})";
  for (int i = 1; i <= 40; ++i) {
    const std::string below = R"({"$ref":"#/definitions/d)" + std::to_string(i - 1) + R"("})";
    schema += R"(,"d)" + std::to_string(i) + R"(":{"allOf":[)" + below + "," + below + "]}";
  }
  schema += R"(},"$ref":"#/definitions/d40"})";
  EXPECT_EQ(Pointers("message", "validate", R"({"schema":)" + schema + "}"), Places{"/schema"});
}

TEST(Patterns, OrdinaryOnesAreAccepted) {
  for (const char* pattern : {"^[A-Z]{3}-[0-9]{4}$", "^[^@]+@[^@]+\\.[a-z]{2,8}$", "^(cat|dog|mouse)$", "[]a]", "a{2}?",
                              "^\\d+(?:ms|s)$", ""}) {
    EXPECT_EQ(RefusePattern(pattern), nullptr) << pattern;
  }
}

TEST(Patterns, WhatMayTakeExponentialTimeIsRefused) {
  for (const char* pattern :
       {"(a*)*", "(a|a)+", "(a){2,3}", "\\1", "a*b*c*d*", "(?=a)", "[a", "a\\", "a{9999}", "a|b|c|d|e|f|g|h|i|j"}) {
    EXPECT_NE(RefusePattern(pattern), nullptr) << pattern;
  }
}

TEST(Durations, AreWholeUnits) {
  using std::chrono::milliseconds;
  EXPECT_EQ(ParseDuration("500ms"), milliseconds(500));
  EXPECT_EQ(ParseDuration("2h"), milliseconds(7'200'000));
  EXPECT_EQ(ParseDuration("366d"), milliseconds(31'622'400'000));
  for (const char* bad :
       {"", "s", "0s", "-1s", "1.5s", "1 s", "1y", "367d", "99999999999999999999s", "9223372036854775807h"}) {
    EXPECT_EQ(ParseDuration(bad), std::nullopt) << bad;
  }
}

}  // namespace
}  // namespace processors
