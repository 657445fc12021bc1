#include "wire/strict_json.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <string>

#include "job/limits.h"

namespace wire {
namespace {

std::string Nested(std::size_t depth, std::string_view core) {
  return std::string(depth, '[') + std::string(core) + std::string(depth, ']');
}

TEST(StrictParser, RefusesWhatTheStandardForbids) {
  StrictParser parser;
  for (const std::string& bad : std::vector<std::string>{"",
                                                         " ",
                                                         "{",
                                                         "[1]]",
                                                         "{} {}",
                                                         "nul",
                                                         "NaN",
                                                         "Infinity",
                                                         "1e999",
                                                         "01",
                                                         "+1",
                                                         "'a'",
                                                         "[1,]",
                                                         "{\"a\":1,}",
                                                         "\"\\ud800\"",
                                                         "\"\\udc00\"",
                                                         "\"\\x\"",
                                                         "\"a",
                                                         "\"\x01\"",
                                                         "\"\xff\"",
                                                         "\"\xed\xa0\x80\"",
                                                         "\xef\xbb\xbf{}",
                                                         "18446744073709551616",
                                                         "-9223372036854775809",
                                                         std::string("{}\0", 3),
                                                         "{1:2}"}) {
    const auto result = parser.Parse(bad, "/x");
    ASSERT_FALSE(result.has_value()) << bad;
    EXPECT_EQ(result.error().code, base::Code::kInvalid) << bad;
    ASSERT_EQ(result.error().fields.size(), 1U) << bad;
    EXPECT_EQ(result.error().fields[0].pointer, "/x") << bad;
  }
  EXPECT_TRUE(parser.Parse(" {\"a\": [1, -0.5e-3, null, true, \"\\ud83d\\ude00\"]} ").has_value());
}

TEST(StrictParser, AcceptsDepth64AndRefuses65) {
  StrictParser parser;
  for (const std::string_view core : {"", "1"}) {
    EXPECT_TRUE(parser.Parse(Nested(64, core)).has_value()) << core;
    EXPECT_FALSE(parser.Parse(Nested(65, core)).has_value()) << core;
  }
  EXPECT_TRUE(parser.Parse(Nested(63, "{}")).has_value());
  EXPECT_TRUE(parser.Parse(Nested(63, "{\"a\":1}")).has_value());
  EXPECT_FALSE(parser.Parse(Nested(64, "{}")).has_value());
  EXPECT_FALSE(parser.Parse(Nested(64, "{\"a\":1}")).has_value());
  EXPECT_FALSE(parser.Parse(std::string(1 << 20, '[')).has_value());
}

TEST(StrictParser, KeepsItsDepthWhenItsBuffersGrowAndShrink) {
  StrictParser parser;
  ASSERT_TRUE(parser.Parse("\"" + std::string(1 << 20, 'x') + "\"").has_value());
  EXPECT_TRUE(parser.Parse(Nested(64, "1")).has_value());
  EXPECT_FALSE(parser.Parse(Nested(65, "1")).has_value());
}

TEST(StrictParser, NamesThePlaceOfADuplicateKey) {
  StrictParser parser;
  const auto pointer = [&](std::string_view text) {
    const auto result = parser.Parse(text, "/t");
    return result ? std::string("none") : result.error().fields.at(0).pointer;
  };
  EXPECT_EQ(pointer(R"({"a":1,"b":2,"a":3})"), "/t/a");
  EXPECT_EQ(pointer(R"({"a":[0,{"x":1,"x":1}]})"), "/t/a/1/x");
  EXPECT_EQ(pointer(R"({"a/b":{"~":1,"~":2}})"), "/t/a~1b/~0");
  EXPECT_EQ(pointer(R"({"a":1,"\u0061":2})"), "/t/a");
  EXPECT_EQ(pointer(R"({"":1,"":2})"), "/t/");
  EXPECT_EQ(pointer(R"({"a":{"b":1},"b":{"a":1}})"), "none");
}

// Objects of every size that the search treats differently, with one key repeated at any two places.
RC_GTEST_PROP(StrictParser, FindsTheOneDuplicateAmongManyKeys, ()) {
  const auto count = *rc::gen::inRange<std::size_t>(2, 200);
  const auto first = *rc::gen::inRange<std::size_t>(0, count);
  const auto second = *rc::gen::inRange<std::size_t>(0, count);
  std::string text = "{";
  for (std::size_t i = 0; i < count; ++i) {
    if (i > 0) text += ',';
    text += "\"key-" + std::to_string(i == second ? first : i) + "\":" + std::to_string(i);
  }
  text += "}";
  StrictParser parser;
  const auto result = parser.Parse(text);
  RC_ASSERT(result.has_value() == (first == second));
  if (!result) RC_ASSERT(result.error().fields.at(0).pointer == "/key-" + std::to_string(first));
}

RC_GTEST_PROP(StrictParser, NeverCrashesOnRandomBytes, (const std::string& bytes)) {
  StrictParser parser;
  (void)parser.Parse(bytes);
  (void)parser.Parse("{\"a\":" + bytes + "}");
}

TEST(StrictParser, ReadsInPlaceWhenThePaddingIsPromised) {
  std::string text = R"({"a":"b"})";
  const std::size_t size = text.size();
  text.append(64, 'x');
  StrictParser parser;
  const auto result = parser.Parse(std::string_view(text).substr(0, size), "", StrictParser::Padding::kPresent);
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(Minify(*result), R"({"a":"b"})");
}

TEST(FieldErrors, KeepsTheFirstHundredAndCountsAll) {
  FieldErrors errors;
  for (std::size_t i = 0; i < job::kMaxFieldErrors + 20; ++i) errors.Add("/" + std::to_string(i), "bad");
  EXPECT_TRUE(errors.full());
  const base::Error error = std::move(errors).ToError("the job");
  EXPECT_EQ(error.code, base::Code::kInvalid);
  EXPECT_EQ(error.fields.size(), job::kMaxFieldErrors);
  EXPECT_EQ(error.fields.back().pointer, "/99");
  EXPECT_EQ(error.message, "the job: 120 fields are wrong");
}

}  // namespace
}  // namespace wire
