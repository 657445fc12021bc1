#include "wire/toon.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "wire/fakes.h"
#include "wire/json_text.h"

namespace wire {
namespace {

const std::string kHash(64, 'a');

struct Decoded {
  StrictParser parser;
  FieldErrors errors;
  ToonView toon;
  bool good = false;
  explicit Decoded(std::string_view line) {
    const auto element = parser.Parse(line);
    good = element && DecodeToon(*element, line, "/7", job::Limits(), toon, errors);
  }
};

TEST(DecodeToon, ReadsEachOfTheFourSources) {
  const Decoded data(R"({"toonId":"a","type":"image","data":"AAA="})");
  ASSERT_TRUE(data.good);
  EXPECT_EQ(data.toon.source, ToonView::Source::kData);
  EXPECT_EQ(data.toon.data_base64, "AAA=");
  const Decoded text(R"({"toonId":"a","type":"image","text":"\u00e9"})");
  ASSERT_TRUE(text.good);
  EXPECT_EQ(text.toon.text, "\xc3\xa9");
  const Decoded uri(R"({"toonId":"a","type":"image","uri":"artifact://)" + kHash + "\"}");
  ASSERT_TRUE(uri.good);
  ASSERT_TRUE(uri.toon.uri.has_value());
  EXPECT_EQ(FormatUri(*uri.toon.uri), "artifact://" + kHash);
  const Decoded json(R"({"toonId":"a","type":"image","json":null})");
  ASSERT_TRUE(json.good);
  EXPECT_EQ(json.toon.json_text, "null");
}

TEST(DecodeToon, GivesTheTextOfAJsonValueWhereverItStands) {
  for (const std::string_view value : {"1", "1.50", "\"a}\\\"]{\"", "{\"json\":[1,{\"b\":\"}\"}]}", "[]", "true"}) {
    const std::string v(value);
    for (const std::string& line :
         {R"({"json":)" + v + R"(,"toonId":"a","type":"t"})", R"({"toonId":"a","json":)" + v + R"(,"type":"t"})",
          R"({"toonId":"a","type":"t","metadata":{"x":"{"},"\u006ason": )" + v + " } "}) {
      const Decoded toon(line);
      ASSERT_TRUE(toon.good) << line;
      EXPECT_EQ(toon.toon.json_text, value) << line;
    }
  }
}

TEST(DecodeToon, NamesEveryBadField) {
  const Decoded bad(R"({"toonId":1,"type":"A","data":"!","text":"x","a/b":1})");
  EXPECT_FALSE(bad.good);
  std::vector<std::string> pointers;
  for (const auto& field : bad.errors.list()) pointers.push_back(field.pointer);
  EXPECT_EQ(pointers, (std::vector<std::string>{"/7/toonId", "/7/type", "/7/data", "/7/a~1b", "/7"}));
}

// The check that does not decode agrees with the one that does.
RC_GTEST_PROP(DecodeToon, AcceptsExactlyTheBase64ThatDecodes, ()) {
  auto text = *rc::gen::container<std::string>(rc::gen::element('A', 'B', 'Q', 'w', '/', '+', '9', '-', ' '));
  text += *rc::gen::element<std::string>("", "=", "==", "===");
  const Decoded toon(R"({"toonId":"a","type":"t","data":")" + text + "\"}");
  RC_ASSERT(toon.good == base::FromBase64(text).has_value());
}

TEST(ParseUri, AcceptsOneSpellingOnly) {
  EXPECT_TRUE(ParseUri("upload://" + kHash).has_value());
  for (const std::string& bad : std::vector<std::string>{
           "", "upload://", "upload://" + kHash + "a", "upload:/" + kHash, "file:///etc/passwd", "http://x/" + kHash,
           "upload://" + std::string(64, 'A'), "upload://" + std::string(64, 'g'), "UPLOAD://" + kHash}) {
    EXPECT_FALSE(ParseUri(bad).has_value()) << bad;
  }
}

TEST(Operations, KeepTheirParametersAndNameTheirFaults) {
  StrictParser parser;
  const auto element = parser.Parse(R"([{"by":2,"op":"scale","name":"x"},{"op":"scale"},{"op":5},{"by":1}])");
  ASSERT_TRUE(element.has_value());
  const Array array(*element);
  FieldErrors errors;
  const auto operations = DecodeOperations(array, "image", "/o", FakeCatalog(), errors);
  ASSERT_EQ(operations.size(), 2U);
  EXPECT_EQ(operations[0], (ports::Operation{"scale", R"({"by":2,"name":"x"})"}));
  ASSERT_EQ(errors.list().size(), 3U);
  EXPECT_EQ(errors.list()[0].pointer, "/o/1/by");
  EXPECT_EQ(errors.list()[1].pointer, "/o/2/op");
  EXPECT_EQ(errors.list()[2].pointer, "/o/3/op");
  EXPECT_FALSE(ReadOperations(array).has_value());
}

TEST(Ids, FollowTheirRules) {
  EXPECT_FALSE(RefuseJobId("JOB001.a_b:c-d").has_value());
  for (const std::string& bad : {std::string(), std::string("a b"), std::string("a/b"), std::string(".."),
                                 std::string("\xc3\xa9"), std::string(129, 'a')}) {
    EXPECT_TRUE(RefuseJobId(bad).has_value()) << bad;
  }
  EXPECT_FALSE(RefuseJobId(std::string(128, 'a')).has_value());
  EXPECT_FALSE(RefuseToonId("rat\xc3\xb3n / 1.png").has_value());
  for (const std::string& bad : {std::string(), std::string("a\nb"), std::string("a\x7f"), std::string("a\xc2\x85"),
                                 std::string("\xff"), std::string(257, 'a')}) {
    EXPECT_TRUE(RefuseToonId(bad).has_value()) << bad;
  }
  EXPECT_FALSE(RefuseType("my-type2").has_value());
  for (const std::string_view bad : {"", "A", "2a", "-a", "a_b"}) EXPECT_TRUE(RefuseType(bad).has_value()) << bad;
}

RC_GTEST_PROP(MemberText, StaysWithinAnyText, (const std::string& text)) {
  for (std::size_t index = 0; index < 3; ++index) {
    const auto view = MemberText("{\"a\":" + text, index, 2);
    RC_ASSERT(view.size() <= text.size() + 5);
  }
}

}  // namespace
}  // namespace wire
