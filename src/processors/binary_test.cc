#include "processors/binary.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "job/limits.h"
#include "processors/test_input.h"

namespace processors {
namespace {

TEST(Binary, NamesTheTypeByItsContent) {
  const auto png = Invoke("binary", std::string("\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x8\6\0\0\0", 29));
  EXPECT_EQ(TextAt(png, "/mime"), "image/png");
  EXPECT_EQ(TextAt(png, "/head"), "89504e470d0a1a0a0000000d49484452");
  EXPECT_TRUE(png->result_json.starts_with(R"({"mime":"image/png")"));
  EXPECT_EQ(TextAt(Invoke("binary", "%PDF-1.4\n"), "/mime"), "application/pdf");
  EXPECT_EQ(TextAt(Invoke("binary", ""), "/mime"), "application/x-empty");
}

TEST(Binary, EntropyIsShannons) {
  EXPECT_EQ(NumberAt(Invoke("binary", ""), "/entropy"), 0);
  EXPECT_EQ(NumberAt(Invoke("binary", std::string(100, 'x')), "/entropy"), 0);
  EXPECT_EQ(NumberAt(Invoke("binary", "abcdabcd"), "/entropy"), 2);  // four equal shares
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  EXPECT_EQ(NumberAt(Invoke("binary", all), "/entropy"), 8);
  // 3/4 log2(4/3) + 1/4 log2(4)
  EXPECT_NEAR(NumberAt(Invoke("binary", "aaab"), "/entropy"), 0.811278, 1e-6);
}

TEST(Binary, ChunkHashesCoverTheBytesInOrder) {
  const std::string bytes = std::string(4096, 'a') + std::string(4096, 'b') + "c";
  const auto output = Invoke("binary", bytes, {{"chunks", R"({"size":4096})"}});
  EXPECT_EQ(NumberAt(output, "/chunks/count"), 3);
  EXPECT_EQ(TextAt(output, "/chunks/sha256/0"), base::ToHex(base::Sha256Of(std::string(4096, 'a'))));
  // printf c | sha256sum
  EXPECT_EQ(TextAt(output, "/chunks/sha256/2"), "2e7d2c03a9507ae265ecf5b5356885a53393a2029d241394997265a1a25aefc6");
  const auto whole = Invoke("binary", std::string(65536 * 300, 'z'));
  EXPECT_EQ(NumberAt(whole, "/chunks/count"), 300);
  EXPECT_EQ(simdjson::dom::array(Json(whole->result_json).at_pointer("/chunks/sha256")).size(), kMaxChunkHashes);
  EXPECT_TRUE(bool(Json(whole->result_json).at_pointer("/chunks/truncated")));
}

TEST(Binary, StringsAreRunsOfPrintableCharacters) {
  const auto output = Invoke("binary", std::string("\0\1narf\2abc\3zort!\xff", 17), {{"strings", R"({"min":4})"}});
  EXPECT_EQ(NumberAt(output, "/strings/count"), 2);
  EXPECT_EQ(NumberAt(output, "/strings/bytes"), 9);
  EXPECT_EQ(NumberAt(output, "/strings/longest"), 5);
  EXPECT_EQ(TextAt(output, "/strings/first/1"), "zort!");
}

TEST(Binary, TheVersionNamesTheLibrary) {
  EXPECT_TRUE(NewBinaryProcessor()->version().starts_with("1+magic5."));
}

RC_GTEST_PROP(Binary, AnyBytesGiveAResult, (const std::string& bytes)) {
  const auto output = Invoke("binary", bytes, {{"strings", "{}"}});
  RC_ASSERT(output.has_value());
  RC_ASSERT(NumberAt(output, "/bytes") == static_cast<double>(bytes.size()));
  RC_ASSERT(output->result_json.size() <= job::kMaxResultBytes);
}

}  // namespace
}  // namespace processors
