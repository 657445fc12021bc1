#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <set>

#include "base/clock.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/log.h"

namespace base {
namespace {

TEST(Hash, MatchesTheVectorsOfTheStandards) {
  EXPECT_EQ(ToHex(Sha256Of("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(ToHex(HmacSha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");  // RFC 4231 case 2
  EXPECT_EQ(ToBase64("fooba"), "Zm9vYmE=");                                       // RFC 4648 section 10
  EXPECT_EQ(ToBase64Url("\xff\xfe"), "__4");
}

TEST(Hash, AStreamInPiecesEqualsTheWhole) {
  Sha256Stream stream;
  stream.Update("ab");
  stream.Update("");
  stream.Update("c");
  EXPECT_EQ(stream.Finish(), Sha256Of("abc"));
}

TEST(Base64, RefusesWhatIsNotCanonical) {
  for (std::string_view bad : {"A", "AA", "AAA", "AA=", "A===", "AB==", "AAB=", "AAAA\n", "AA AA", "____", "=AAA"}) {
    EXPECT_FALSE(FromBase64(bad).has_value()) << bad;
  }
  EXPECT_EQ(FromBase64("").value(), "");
  EXPECT_EQ(FromBase64("AA==").value(), std::string(1, '\0'));
}

RC_GTEST_PROP(Base64, DecodesWhatItEncodes, (const std::string& bytes)) {
  RC_ASSERT(FromBase64(ToBase64(bytes)).value() == bytes);
  RC_ASSERT(FromBase64Url(ToBase64Url(bytes)).value() == bytes);
  RC_ASSERT(FromHex(ToHex(std::string_view(bytes))).value() == bytes);
}

TEST(Clock, FormatsAndParsesUtc) {
  const auto time = ParseTime("2024-02-29T23:59:59.250Z").value();
  EXPECT_EQ(FormatTime(time), "2024-02-29T23:59:59.250Z");
  for (std::string_view bad : {"", "2023-02-29T00:00:00Z", "2024-01-01T24:00:00Z", "2024-01-01T00:00:00", "x"}) {
    EXPECT_FALSE(ParseTime(bad).has_value()) << bad;
  }
}

TEST(Error, PointerTokensAreEscaped) {
  EXPECT_EQ(PointerToken("a/b~c"), "a~1b~0c");
}

TEST(Error, EveryCodeHasAPolicyOfItsOwn) {
  std::set<std::string_view> names;
  for (int i = 0; i <= static_cast<int>(Code::kInternal); ++i) {
    const ErrorPolicy& policy = PolicyOf(static_cast<Code>(i));
    EXPECT_TRUE(names.insert(policy.name).second) << policy.name;
    EXPECT_GE(policy.http_status, 400);
  }
}

TEST(Log, StringsStayJsonWhateverTheBytes) {
  std::string out;
  AppendJsonString(out, std::string_view("a\"\n\x01\xff\xc3\xa9\xed\xa0\x80", 10));
  EXPECT_EQ(out, "\"a\\\"\\n\\u0001\xEF\xBF\xBD\xC3\xA9\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");
}

}  // namespace
}  // namespace base
