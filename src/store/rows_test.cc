#include "store/rows.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace store {
namespace {

// docs/formats/store.md: a change here is a new version of the row. The other rows: wire/row_codec_test.cc.
TEST(Rows, HaveTheirGoldenBytes) {
  EXPECT_EQ(base::ToHex(EncodePlace({.uid = 1, .generation = 2, .position = 300})), "010102ac02");
  EXPECT_EQ(base::ToHex(EncodeCounts({{"image", 2}, {"data", 300}})), "01020464617461ac0205696d61676502");
  EXPECT_EQ(base::ToHex(EncodeNumber(300)), "01ac02");
}

TEST(Rows, CutOrLengthenedAreCorrupt) {
  const auto check = [](const std::string& row, auto decode) {
    for (std::size_t size = 0; size < row.size(); ++size) {
      EXPECT_EQ(decode(row.substr(0, size)).error().code, base::Code::kCorrupt) << size;
    }
    EXPECT_EQ(decode(row + "x").error().code, base::Code::kCorrupt);
  };
  check(EncodePlace({.uid = 1}), DecodePlace);
  check(EncodeCounts({{"data", 1}, {"image", 2}}), DecodeCounts);
}

RC_GTEST_PROP(Rows, OfAnyBytesNeitherCrashNorGuess, (std::string bytes)) {
  bytes.insert(bytes.begin(), 1);
  // What decodes encodes to the very same bytes.
  if (const auto place = DecodePlace(bytes)) RC_ASSERT(EncodePlace(*place) == bytes);
  if (const auto counts = DecodeCounts(bytes)) RC_ASSERT(EncodeCounts(*counts) == bytes);
}

}  // namespace
}  // namespace store
