#include "processors/sniff/sniff.h"

#include <gtest/gtest.h>

#include <string>

namespace processors {
namespace {

using std::string_view_literals::operator""sv;

std::string_view FormatOf(std::string_view bytes) {
  const auto found = Sniff(bytes);
  return found ? found->format : "";
}
std::string CodeOf(std::string_view type, std::string_view bytes) {
  const auto refused = RefuseMismatch(type, bytes);
  return refused ? refused->error.code : "";
}

TEST(Sniff, KnowsFormatsByTheirFirstBytes) {
  EXPECT_EQ(FormatOf("\xff\xd8\xff\xe0"sv), "jpeg");
  EXPECT_EQ(FormatOf("RIFF\1\2\3\4WEBPVP8 "sv), "webp");
  EXPECT_EQ(FormatOf("RIFF\1\2\3\4WAVEfmt "sv), "wav");
  EXPECT_EQ(FormatOf("\0\0\0\x20"
                     "ftypisom"sv),
            "mp4");
  EXPECT_EQ(FormatOf("\0\0\0\x20"
                     "ftypavif"sv),
            "avif");
  EXPECT_EQ(FormatOf("\xff\xfb\x90\x00"sv), "mp3");
  EXPECT_EQ(FormatOf("\xff\xf1\x50\x80"sv), "aac");
  EXPECT_EQ(FormatOf("ID3\4\0"sv), "mp3");
}

TEST(Sniff, KnowsEveryBrandOfHeif) {
  for (const char* brand : {"heic", "heix", "heim", "hevc", "hevx", "mif1", "msf1"}) {
    const std::string bytes = std::string("\0\0\0\x20"sv) + "ftyp" + brand;
    EXPECT_EQ(FormatOf(bytes), "heif") << brand;
    EXPECT_EQ(CodeOf("video", bytes), "type-mismatch") << brand;
  }
}

TEST(Sniff, ClaimsNothingOfBytesThatItDoesNotKnow) {
  EXPECT_EQ(FormatOf(""), "");
  EXPECT_EQ(FormatOf("hello, world"), "");
  EXPECT_EQ(FormatOf("RIFF"), "");
  EXPECT_EQ(FormatOf("\xff\xff\xff\xff"sv), "");
  EXPECT_EQ(FormatOf("\xff"sv), "");
}

TEST(Sniff, RefusesWhatIsKnownToBeSomethingElse) {
  EXPECT_EQ(CodeOf("image", "ID3\4"sv), "type-mismatch");
  EXPECT_EQ(CodeOf("audio", "\xff\xd8\xff\xe0"sv), "type-mismatch");
  EXPECT_EQ(CodeOf("video", "RIFF\1\2\3\4WAVEfmt "sv), "type-mismatch");
  EXPECT_EQ(CodeOf("video", "#EXTM3U\n"sv), "type-mismatch");
  EXPECT_EQ(CodeOf("image", ""), "empty-source");
}

TEST(Sniff, LetsThroughWhatFitsAndWhatOnlyADecoderCanTell) {
  EXPECT_EQ(CodeOf("image", "GIF89a"sv), "");
  EXPECT_EQ(CodeOf("audio", "OggS"sv), "");
  EXPECT_EQ(CodeOf("video", "OggS"sv), "");
  EXPECT_EQ(CodeOf("image", "no magic at all"sv), "");
}

}  // namespace
}  // namespace processors
