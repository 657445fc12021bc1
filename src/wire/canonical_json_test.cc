#include "wire/canonical_json.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <bit>
#include <charconv>
#include <cmath>

namespace wire {
namespace {

std::string Canonical(std::string_view json) {
  StrictParser parser;
  const auto element = parser.Parse(json);
  if (!element) return "refused";
  std::string out;
  AppendCanonical(*element, out);
  return out;
}
std::string Number(std::uint64_t bits) {
  std::string out;
  AppendNumber(std::bit_cast<double>(bits), out);
  return out;
}

// RFC 8785 appendix B.
TEST(CanonicalJson, PrintsTheNumbersOfTheRfc) {
  const std::pair<std::uint64_t, std::string_view> vectors[] = {
      {0x0000000000000000, "0"},
      {0x8000000000000000, "0"},
      {0x0000000000000001, "5e-324"},
      {0x8000000000000001, "-5e-324"},
      {0x7fefffffffffffff, "1.7976931348623157e+308"},
      {0xffefffffffffffff, "-1.7976931348623157e+308"},
      {0x4340000000000000, "9007199254740992"},
      {0xc340000000000000, "-9007199254740992"},
      {0x4430000000000000, "295147905179352830000"},
      {0x44b52d02c7e14af5, "9.999999999999997e+22"},
      {0x44b52d02c7e14af6, "1e+23"},
      {0x44b52d02c7e14af7, "1.0000000000000001e+23"},
      {0x444b1ae4d6e2ef4e, "999999999999999700000"},
      {0x444b1ae4d6e2ef4f, "999999999999999900000"},
      {0x444b1ae4d6e2ef50, "1e+21"},
      {0x3eb0c6f7a0b5ed8c, "9.999999999999997e-7"},
      {0x3eb0c6f7a0b5ed8d, "0.000001"},
      {0x41b3de4355555553, "333333333.3333332"},
      {0x41b3de4355555554, "333333333.33333325"},
      {0x41b3de4355555555, "333333333.3333333"},
      {0x41b3de4355555556, "333333333.3333334"},
      {0x41b3de4355555557, "333333333.33333343"},
      {0xbecbf647612f3696, "-0.0000033333333333333333"},
      {0x43143ff3c1cb0959, "1424953923781206.2"},
  };
  for (const auto& [bits, text] : vectors) EXPECT_EQ(Number(bits), text);
}

// RFC 8785 section 3.2.2.
TEST(CanonicalJson, SerialisesTheExampleOfTheRfc) {
  EXPECT_EQ(Canonical(R"({
      "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
      "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
      "literals": [null, true, false]
    })"),
            "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],"
            "\"string\":\"\xe2\x82\xac$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}");
}

// RFC 8785 section 3.2.3.
TEST(CanonicalJson, SortsKeysByUtf16AsTheRfcDoes) {
  EXPECT_EQ(Canonical(R"({"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh",
      "1":"One","\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control",
      "\u00f6":"Latin Small Letter O With Diaeresis"})"),
            "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\xc2\x80\":\"Control\","
            "\"\xc3\xb6\":\"Latin Small Letter O With Diaeresis\",\"\xe2\x82\xac\":\"Euro Sign\","
            "\"\xf0\x9f\x98\x80\":\"Emoji: Grinning Face\",\"\xef\xac\xb3\":\"Hebrew Letter Dalet With Dagesh\"}");
  EXPECT_EQ(Canonical(R"({"ab":1,"a":2,"":3})"), R"({"":3,"a":2,"ab":1})");
}

TEST(CanonicalJson, EscapesOneCharacterWhereverItStands) {
  constexpr std::size_t kLongest = 27;  // some words of eight bytes and a rest
  const std::pair<std::string_view, std::string_view> kForms[] = {{R"(\")", R"(\")"},
                                                                  {R"(\\)", R"(\\)"},
                                                                  {R"(\b)", R"(\b)"},
                                                                  {R"(\u0000)", R"(\u0000)"},
                                                                  {R"(\u001f)", R"(\u001f)"},
                                                                  {R"(\u0020)", " "},
                                                                  {"\u00a2\u00dc", "\u00a2\u00dc"},
                                                                  {"!#[]", "!#[]"}};
  for (const auto& [written, canonical] : kForms) {
    for (std::size_t length = 0; length <= kLongest; ++length) {
      for (std::size_t at = 0; at <= length; ++at) {
        std::string text = '"' + std::string(length, 'x') + '"';
        std::string expected = text;
        text.insert(at + 1, written).insert(1, written);
        expected.insert(at + 1, canonical).insert(1, canonical);
        EXPECT_EQ(Canonical(text), expected);
      }
    }
  }
}

TEST(CanonicalJson, PrintsLargeIntegersAsTheDoubleTheyRoundTo) {
  EXPECT_EQ(Canonical("[9007199254740993,-9007199254740993,18446744073709551615,-0,1.0]"),
            "[9007199254740992,-9007199254740992,18446744073709552000,0,1]");
}

RC_GTEST_PROP(CanonicalJson, NumbersReadBackAsThemselves, (std::uint64_t bits)) {
  const auto value = std::bit_cast<double>(bits);
  RC_PRE(std::isfinite(value));
  const std::string text = Number(bits);
  double again = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), again);
  RC_ASSERT(result.ptr == text.data() + text.size());
  RC_ASSERT(again == value);
  RC_ASSERT(Canonical(text) == text);
}

}  // namespace
}  // namespace wire
