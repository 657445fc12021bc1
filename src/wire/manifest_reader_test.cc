#include <gtest/gtest.h>

#include "wire/fakes.h"
#include "wire/submission.h"

namespace wire {
namespace {

struct Lines final : ManifestReader::Sink {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges;
  [[nodiscard]] base::Status OnToon(job::Position position, const ToonView& toon, std::uint64_t offset,
                                    std::uint64_t length) override {
    EXPECT_EQ(position, ranges.size());
    EXPECT_FALSE(toon.toon_id.empty());
    ranges.emplace_back(offset, length);
    return {};
  }
};

constexpr std::string_view kOne = R"({"toonId":"a","type":"message","text":"x"})";
constexpr std::string_view kTwo = R"( {"toonId": "b", "type": "message", "text": "x"} )";

base::Result<job::Position> Read(const std::string& text, Lines& lines, std::size_t piece = SIZE_MAX,
                                 const FakeRules& fake = {}) {
  ManifestReader reader(fake.rules(), lines);
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t size = std::min(piece, text.size() - at);
    UT_TRY(reader.Write(std::string_view(text).substr(at, size)));
    at += size;
  }
  return reader.Finish();
}
std::string Pointer(const std::string& text) {
  Lines lines;
  const auto result = Read(text, lines);
  return result ? "good" : result.error().fields.at(0).pointer;
}

TEST(ManifestReader, GivesEachLinesPlaceWhateverEndsIt) {
  for (const std::string_view end : {"", "\n", "\r\n"}) {
    for (const std::size_t piece : {SIZE_MAX, std::size_t{1}, std::size_t{17}}) {
      const std::string text = std::string(kOne) + "\r\n" + std::string(kTwo) + std::string(end);
      Lines lines;
      const auto count = Read(text, lines, piece);
      ASSERT_TRUE(count.has_value()) << count.error().message;
      EXPECT_EQ(*count, 2U);
      ASSERT_EQ(lines.ranges.size(), 2U);
      EXPECT_EQ(lines.ranges[0], std::make_pair(std::uint64_t{0}, std::uint64_t{kOne.size() + 2}));
      EXPECT_EQ(lines.ranges[1],
                std::make_pair(std::uint64_t{kOne.size() + 2}, std::uint64_t{kTwo.size() + end.size()}));
    }
  }
}

TEST(ManifestReader, NamesBadLines) {
  const std::string one = std::string(kOne) + "\n";
  EXPECT_EQ(Pointer(""), "");
  EXPECT_EQ(Pointer("\n"), "/0");
  EXPECT_EQ(Pointer(one + "\n" + std::string(kTwo)), "/1");
  EXPECT_EQ(Pointer(one + " \r\n"), "/1");
  EXPECT_EQ(Pointer(one + one), "/1/toonId");
  EXPECT_EQ(Pointer(one + "{"), "/1");
  EXPECT_EQ(Pointer(one + R"({"toonId":"z","type":"message","text":"x","text":"y"})"), "/1/text");
  EXPECT_EQ(Pointer(one + std::string(kTwo) + std::string(kTwo)), "/1");
}

TEST(ManifestReader, NamesTheLimitThatIsPassed) {
  FakeRules fake;
  fake.limits.max_toons = 1;
  Lines lines;
  auto result = Read(std::string(kOne) + "\n" + std::string(kTwo), lines, SIZE_MAX, fake);
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, base::Code::kTooLarge);
  EXPECT_EQ(result.error().message, "over max_toons (1)");
  fake.limits.max_toon_bytes = kOne.size() - 1;
  Lines none;
  result = Read(std::string(kOne), none, 5, fake);
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().fields.at(0).pointer, "/0");
  fake = FakeRules();
  fake.limits.max_manifest_bytes = kOne.size();
  Lines more;
  EXPECT_TRUE(Read(std::string(kOne), more, 5, fake).has_value());
  EXPECT_FALSE(Read(std::string(kOne) + "\n", more, 5, fake).has_value());
}

}  // namespace
}  // namespace wire
