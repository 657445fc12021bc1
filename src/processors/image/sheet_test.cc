#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "job/limits.h"
#include "processors/image/font.h"
#include "processors/image/test_images.h"

namespace processors {
namespace {

Output Sheet(const std::vector<std::string>& tiles, const std::string& params) {
  const Operations operations = {{"contact-sheet", params}};
  return Images().Run({.tenant = "t",
                       .verb = "contact-sheet",
                       .operations = &operations,
                       .inputs = std::vector<std::string_view>(tiles.begin(), tiles.end())});
}

int InkIn(const VImage& image, int left, int top, int width, int height) {
  const VImage grey = image.extract_area(left, top, width, height).colourspace(VIPS_INTERPRETATION_B_W);
  return static_cast<int>((grey < 100.0).avg() / 255 * width * height + 0.5);
}

TEST(ContactSheet, PlacesPicturesAndPlainTilesInAGrid) {
  const std::string red = Encoded(Plain(300, 300, {255, 0, 0}), ".webp[lossless]");
  const std::string broken = Encoded(Picture(1, 90, 90), ".jpg").substr(0, 500);
  const auto output =
      Sheet({red, "", broken}, R"({"columns":2,"tile":64,"format":"png","captions":["one","two","three"],)"
                               R"("colours":["#000000","#00ff00","#0000ff"]})");
  ASSERT_EQ(CodeOf(output), "ok");
  EXPECT_EQ(NumberAt(output, "/tiles"), 3);
  EXPECT_EQ(NumberAt(output, "/undecodable"), 1);
  const auto& artifact = ArtifactOf(output, "contact-sheet.png");
  EXPECT_EQ(artifact.content_type, "image/png");
  const VImage sheet = Decoded(artifact.bytes);
  EXPECT_EQ(sheet.width(), NumberAt(output, "/width"));
  EXPECT_EQ(sheet.height(), NumberAt(output, "/height"));
  // Gap 6, pad 4, tile 64, caption 15: cards of 72 x 87.
  EXPECT_EQ(sheet.width(), 6 + 2 * (72 + 6));
  EXPECT_EQ(sheet.height(), 6 + 2 * (87 + 6));
  EXPECT_EQ(sheet.getpoint(42, 42), (std::vector<double>{255, 0, 0}));
  EXPECT_EQ(sheet.getpoint(42 + 78, 42), (std::vector<double>{0, 255, 0}));
  EXPECT_EQ(sheet.getpoint(42, 42 + 93), (std::vector<double>{0, 0, 255}));
  for (const int left : {6, 84}) EXPECT_GT(InkIn(sheet, left + 4, 6 + 70, 64, 17), 10) << "no caption at " << left;
}

TEST(ContactSheet, TransparentTilesShowTheCard) {
  const auto output =
      Sheet({Encoded(Plain(64, 64, {0, 0, 0, 0}), ".png")}, R"({"columns":1,"tile":64,"format":"png"})");
  EXPECT_EQ(Decoded(ArtifactOf(output, "contact-sheet.png").bytes).getpoint(40, 40),
            (std::vector<double>{255, 255, 255}));
}

TEST(ContactSheet, ATitleStandsAbove) {
  const std::vector<std::string> tiles(6);
  const auto plain = Sheet(tiles, R"({"columns":3,"tile":128,"format":"png"})");
  const auto titled = Sheet(tiles, R"({"columns":3,"tile":128,"format":"png","title":"Narf: 6 toons"})");
  EXPECT_EQ(NumberAt(titled, "/height"), NumberAt(plain, "/height") + 32);
  EXPECT_GT(InkIn(Decoded(titled->artifacts.front().bytes), 0, 0, 200, 36), 100);
  EXPECT_EQ(InkIn(Decoded(plain->artifacts.front().bytes), 0, 0, 200, 8), 0);
}

TEST(ContactSheet, TheMostTilesFitEveryFormatInOneColumnToo) {
  const std::vector<std::string> tiles(job::kMaxSheetTiles);
  for (const char* columns : {"1", "400"}) {
    const auto output =
        Sheet(tiles, std::string(R"({"tile":256,"format":"jpeg","columns":)") + columns + R"(,"title":"all"})");
    ASSERT_EQ(CodeOf(output), "ok") << columns;
    EXPECT_LE(NumberAt(output, "/width"), 16383);
    EXPECT_LE(NumberAt(output, "/height"), 16383);
  }
  EXPECT_EQ(CodeOf(Sheet(std::vector<std::string>(job::kMaxSheetTiles + 1), "{}")), "too-many-tiles");
}

TEST(ContactSheet, NoTilesMakeAnEmptySheet) {
  const auto output = Sheet({}, R"({"columns":4,"tile":64,"format":"jpeg"})");
  ASSERT_EQ(CodeOf(output), "ok");
  EXPECT_EQ(NumberAt(output, "/tiles"), 0);
  EXPECT_EQ(ArtifactOf(output, "contact-sheet.jpg").content_type, "image/jpeg");
}

TEST(ContactSheet, MutatedTilesNeverDoHarm) {
  std::vector<std::string> tiles;
  for (std::uint32_t seed = 0; seed < 200; ++seed) {
    std::mt19937 random(seed);
    tiles.push_back(Encoded(Picture(seed, 48, 36), seed % 2 == 0 ? ".webp" : ".jpg"));
    for (int i = 0; i < 6; ++i) tiles.back()[random() % tiles.back().size()] ^= static_cast<char>(1U << random() % 8);
  }
  const auto output = Sheet(tiles, R"({"columns":10,"tile":64,"format":"jpeg"})");
  ASSERT_EQ(CodeOf(output), "ok");
  EXPECT_GT(NumberAt(output, "/undecodable"), 20);
}

TEST(Text, IsReadAsUtf8WhateverItHolds) {
  EXPECT_EQ(Font::Characters("Brücke Ω €"), U"Brücke Ω €");
  EXPECT_EQ(Font::Characters("\xf0\x9f\x90\xad"), U"\U0001f42d");
  EXPECT_EQ(Font::Characters("a\nb\x7f"), U"a b ");
  EXPECT_EQ(Font::Characters("\xff\xc3(\xe2\x82"), U"\ufffd\ufffd(\ufffd\ufffd");
  EXPECT_EQ(Font::Characters("\xed\xa0\x80\xc0\x80"), U"\ufffd\ufffd\ufffd\ufffd\ufffd");  // a surrogate, an overlong 0
}

TEST(Text, IsShortenedToItsWidth) {
  const Font font;
  EXPECT_EQ(font.Shortened(U"short", 12, 200), U"short");
  const std::u32string cut = font.Shortened(U"a caption that is much too long for one tile", 12, 100);
  EXPECT_LE(font.Width(cut, 12), 100);
  EXPECT_EQ(cut.back(), U'…');
  EXPECT_GT(font.Width(cut, 12), 80);
  EXPECT_EQ(font.Width(U"", 12), 0);
  EXPECT_GT(font.Width(U"m", 24), font.Width(U"m", 12));
}

}  // namespace
}  // namespace processors
