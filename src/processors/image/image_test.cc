#include "processors/image/image.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "job/limits.h"
#include "processors/image/orc_cache.h"
#include "processors/image/test_images.h"

namespace processors {
namespace {

using ::testing::HasSubstr;

std::vector<double> PixelAt(const VImage& image, int x, int y) {
  return image.getpoint(x, y);
}
std::vector<std::string> NamesOf(const Output& output) {
  std::vector<std::string> names;
  for (const auto& artifact : output.value().artifacts) names.push_back(artifact.name);
  return names;
}
using Names = std::vector<std::string>;

void ExpectColour(const VImage& image, int x, int y, const std::vector<double>& colour, double most = 6) {
  const auto pixel = PixelAt(image, x, y);
  ASSERT_EQ(pixel.size(), colour.size());
  for (std::size_t i = 0; i < colour.size(); ++i)
    EXPECT_NEAR(pixel[i], colour[i], most) << x << "," << y << " band " << i;
}

// Red, green over blue, white: each quarter tells where it went.
VImage Quarters(int width, int height) {
  VImage image = Plain(width, height, {255, 255, 255}).copy_memory();
  const auto fill = VImage::option;
  image.draw_rect({255, 0, 0}, 0, 0, width / 2, height / 2, fill()->set("fill", true));
  image.draw_rect({0, 255, 0}, width / 2, 0, width - width / 2, height / 2, fill()->set("fill", true));
  image.draw_rect({0, 0, 255}, 0, height / 2, width / 2, height - height / 2, fill()->set("fill", true));
  return image;
}

TEST(Thumbnail, IsWhatABareLibvipsLoopMakes) {
  const std::string bytes = Encoded(Picture(3, 1280, 960), ".jpg[Q=85,strip]");
  const auto output = RunImage(bytes, {{"thumbnail", R"({"width":256})"}});
  VipsBlob* blob = vips_blob_new(nullptr, bytes.data(), bytes.size());
  const VImage bare = VImage::thumbnail_buffer(blob, 256);
  EXPECT_TRUE(ArtifactOf(output, "thumbnail.webp").bytes == Encoded(bare, ".webp[Q=80,effort=4]"));
  vips_area_unref(VIPS_AREA(blob));
  EXPECT_EQ(ArtifactOf(output, "thumbnail.webp").content_type, "image/webp");
}

TEST(Thumbnail, IsTheBareOneAtEveryFactorThatTheDecoderShrinksBy) {
  for (const auto& [width, height] : {std::pair(1600, 900), std::pair(333, 1021), std::pair(64, 4100)}) {
    for (const int side : {20, 64, 130, 300, 2000}) {
      const std::string bytes = Encoded(Picture(5, width, height), ".jpg[Q=90,strip]");
      const auto output = RunImage(bytes, {{"thumbnail", fmt::format(R"({{"width":{},"format":"png"}})", side)}});
      VipsBlob* blob = vips_blob_new(nullptr, bytes.data(), bytes.size());
      const VImage bare = VImage::thumbnail_buffer(blob, side, VImage::option()->set("size", VIPS_SIZE_DOWN));
      const VImage made = Decoded(ArtifactOf(output, "thumbnail.png").bytes);
      ASSERT_EQ(made.width(), bare.width()) << width << " " << side;
      ASSERT_EQ(made.height(), bare.height()) << width << " " << side;
      EXPECT_EQ((made - bare).abs().max(), 0) << width << " x " << height << " to " << side;
      vips_area_unref(VIPS_AREA(blob));
    }
  }
}

TEST(Thumbnail, CompilesNoLoopAgainForAnotherImageOfTheSameSize) {
  const Operations operations = {{"thumbnail", R"({"width":222})"}};
  const auto first = RunImage(Encoded(Picture(6, 900, 700), ".jpg"), operations);
  const std::size_t reused = ReusedLoops();
  const auto second = RunImage(Encoded(Picture(7, 900, 700), ".jpg"), operations);
  EXPECT_GT(ReusedLoops(), reused);
  EXPECT_NE(ArtifactOf(first, "thumbnail.webp").bytes, ArtifactOf(second, "thumbnail.webp").bytes);
}

TEST(Thumbnail, FitsInsideItsBoxAndNeverGrows) {
  const std::string bytes = Encoded(Picture(1, 400, 300), ".png");
  const auto size = [&](const char* params) {
    const auto output = RunImage(bytes, {{"thumbnail", params}});
    const VImage image = Decoded(output.value().artifacts.front().bytes);
    return std::pair(image.width(), image.height());
  };
  EXPECT_EQ(size("{}"), std::pair(256, 192));
  EXPECT_EQ(size(R"({"width":100})"), std::pair(100, 75));
  EXPECT_EQ(size(R"({"height":60})"), std::pair(60, 45));
  EXPECT_EQ(size(R"({"width":100,"height":30})"), std::pair(40, 30));
  EXPECT_EQ(size(R"({"width":5000})"), std::pair(400, 300));
  EXPECT_EQ(size(R"({"width":50,"height":50,"fit":"cover"})"), std::pair(50, 50));
  EXPECT_EQ(size(R"({"width":200,"height":20,"fit":"cover","format":"png"})"), std::pair(200, 20));
  EXPECT_EQ(size(R"({"width":350,"height":350,"fit":"cover"})"), std::pair(350, 300));
}

TEST(Thumbnail, ArtifactsHaveNamesOfTheirOwn) {
  const auto output =
      RunImage(Encoded(Picture(1, 1200, 900), ".jpg"), {{"thumbnail", R"({"width":64})"},
                                                        {"thumbnail", R"({"width":800})"},
                                                        {"thumbnail", R"({"width":700})"},
                                                        {"thumbnail", R"({"width":300,"format":"jpeg"})"},
                                                        {"preview", "{}"},
                                                        {"convert", R"({"format":"webp"})"}});
  ASSERT_EQ(CodeOf(output), "ok");
  EXPECT_EQ(NamesOf(output), (Names{"thumbnail.webp", "thumbnail-2.webp", "thumbnail-3.webp", "thumbnail.jpg",
                                    "preview.webp", "image.webp"}));
  const int widths[] = {64, 800, 700, 300, 192, 1200};
  for (std::size_t i = 0; i < 6; ++i) EXPECT_EQ(Decoded(output->artifacts[i].bytes).width(), widths[i]) << i;
}

TEST(Orientation, EveryOneIsTurnedUpright) {
  // What has to be done to an upright picture so that a viewer that obeys the tag shows it upright.
  const auto stored = [](int orientation) {
    const VImage image = Quarters(80, 60);
    switch (orientation) {
      case 2:
        return image.flip(VIPS_DIRECTION_HORIZONTAL);
      case 3:
        return image.rot(VIPS_ANGLE_D180);
      case 4:
        return image.flip(VIPS_DIRECTION_VERTICAL);
      case 5:
        return image.rot(VIPS_ANGLE_D270).flip(VIPS_DIRECTION_VERTICAL);
      case 6:
        return image.rot(VIPS_ANGLE_D270);
      case 7:
        return image.rot(VIPS_ANGLE_D90).flip(VIPS_DIRECTION_VERTICAL);
      case 8:
        return image.rot(VIPS_ANGLE_D90);
      default:
        return image;
    }
  };
  for (int orientation = 1; orientation <= 8; ++orientation) {
    VImage image = stored(orientation).copy();
    image.set(VIPS_META_ORIENTATION, orientation);
    const auto output = RunImage(Encoded(image, ".jpg[Q=95]"),
                                 {{"thumbnail", R"({"width":40,"format":"png"})"}, {"convert", R"({"format":"png"})"}});
    ASSERT_EQ(CodeOf(output), "ok");
    for (const auto& artifact : output->artifacts) {
      SCOPED_TRACE(artifact.name + " " + std::to_string(orientation));
      const VImage upright = Decoded(artifact.bytes);
      EXPECT_EQ(upright.width() * 3, upright.height() * 4);
      ExpectColour(upright, 5, 5, {254, 0, 0});
      ExpectColour(upright, upright.width() - 5, 5, {0, 255, 1});
      ExpectColour(upright, 5, upright.height() - 5, {0, 0, 254});
      EXPECT_EQ(vips_image_get_orientation(upright.get_image()), 1);
    }
  }
}

TEST(Transforms, WorkOnWhatTheOnesBeforeLeft) {
  const auto output = RunImage(Encoded(Quarters(80, 60), ".png"),
                               {{"crop", R"({"left":40,"top":0,"width":40,"height":60})"},  // green over white
                                {"rotate", R"({"angle":90})"},                              // white beside green
                                {"resize", R"({"width":30})"},
                                {"thumbnail", R"({"width":15,"format":"png"})"},
                                {"grayscale", "{}"}});
  ASSERT_EQ(CodeOf(output), "ok");
  EXPECT_EQ(NamesOf(output), (Names{"thumbnail.png", "image.png"}));
  const VImage thumbnail = Decoded(ArtifactOf(output, "thumbnail.png").bytes);
  EXPECT_EQ(thumbnail.width(), 15);
  EXPECT_EQ(thumbnail.height(), 10);
  ExpectColour(thumbnail, 2, 5, {255, 255, 255});
  ExpectColour(thumbnail, 12, 5, {0, 255, 0});
  const VImage grey = Decoded(ArtifactOf(output, "image.png").bytes);
  EXPECT_EQ(grey.bands(), 1);
  EXPECT_EQ(grey.width(), 30);
  EXPECT_LT(PixelAt(grey, 25, 5)[0], 230);
  // The description is the source's.
  EXPECT_EQ(NumberAt(output, "/width"), 80);
}

TEST(Transforms, ResizeReachesTheSizeAsked) {
  const std::string bytes = Encoded(Picture(1, 200, 100), ".jpg");
  const auto size = [&](const char* params) {
    const VImage image = Decoded(ArtifactOf(RunImage(bytes, {{"resize", params}}), "image.jpg").bytes);
    return std::pair(image.width(), image.height());
  };
  EXPECT_EQ(size(R"({"width":50})"), std::pair(50, 25));
  EXPECT_EQ(size(R"({"height":33})"), std::pair(66, 33));
  EXPECT_EQ(size(R"({"width":60,"height":90})"), std::pair(60, 90));
  EXPECT_EQ(size(R"({"width":400})"), std::pair(400, 200));
  EXPECT_EQ(size(R"({"width":1})"), std::pair(1, 1));
}

TEST(Transforms, WhatWouldGrowTooLargeIsRefused) {
  const std::string bytes = Encoded(Plain(4, 1000, {1, 2, 3}), ".png");
  EXPECT_EQ(CodeOf(RunImage(bytes, {{"resize", R"({"width":16383})"}})), "too-many-pixels");
  EXPECT_EQ(CodeOf(RunImage(bytes, {{"resize", R"({"width":9000,"height":9000})"}})), "too-many-pixels");
  const auto wide = RunImage(Encoded(Plain(17000, 2, {1, 2, 3}), ".png"), {{"convert", R"({"format":"webp"})"}});
  EXPECT_EQ(CodeOf(wide), "output-too-large");
  EXPECT_THAT(wide.error().error.message, HasSubstr("17000 x 2"));
}

TEST(Transforms, ACropOutsideIsRefused) {
  const std::string bytes = Encoded(Picture(1, 80, 60), ".jpg");
  EXPECT_EQ(CodeOf(RunImage(bytes, {{"crop", R"({"left":0,"top":0,"width":80,"height":60})"}})), "ok");
  for (const char* params :
       {R"({"left":1,"top":0,"width":80,"height":60})", R"({"left":0,"top":1,"width":80,"height":60})",
        R"({"left":1000000,"top":0,"width":1,"height":1})"}) {
    EXPECT_EQ(CodeOf(RunImage(bytes, {{"crop", params}})), "crop-outside") << params;
  }
}

TEST(Transforms, RotatingByAnyAngleIsClockwiseOverWhiteOrNothing) {
  const std::string opaque = Encoded(Quarters(100, 100), ".png");
  const auto turned = Decoded(ArtifactOf(RunImage(opaque, {{"rotate", R"({"angle":45})"}}), "image.png").bytes);
  EXPECT_NEAR(turned.width(), 142, 1);
  ExpectColour(turned, 3, 3, {255, 255, 255}, 0);
  ExpectColour(turned, 71, 20, {255, 0, 0});   // the red quarter is at the top
  ExpectColour(turned, 120, 71, {0, 255, 0});  // the green one at the right
  const auto quarter = Decoded(ArtifactOf(RunImage(opaque, {{"rotate", R"({"angle":-270})"}}), "image.png").bytes);
  ExpectColour(quarter, 10, 10, {0, 0, 255}, 0);
  ExpectColour(quarter, 90, 10, {255, 0, 0}, 0);
  const std::string clear = Encoded(Plain(50, 50, {9, 99, 199, 255}), ".png");
  const auto clear_turned = Decoded(ArtifactOf(RunImage(clear, {{"rotate", R"({"angle":30.5})"}}), "image.png").bytes);
  EXPECT_EQ(PixelAt(clear_turned, 1, 1)[3], 0);
  ExpectColour(clear_turned, clear_turned.width() / 2, clear_turned.height() / 2, {9, 99, 199, 255}, 1);
}

TEST(Convert, KeepsSixteenBitsInAPngOnly) {
  const VImage deep = Picture(1, 64, 48).colourspace(VIPS_INTERPRETATION_RGB16);
  const auto output = RunImage(
      Encoded(deep, ".png"),
      {{"convert", R"({"format":"png"})"}, {"convert", R"({"format":"jpeg"})"}, {"thumbnail", R"({"format":"png"})"}});
  EXPECT_EQ(Decoded(ArtifactOf(output, "image.png").bytes).format(), VIPS_FORMAT_USHORT);
  EXPECT_EQ((Decoded(ArtifactOf(output, "image.png").bytes) - deep).abs().max(), 0);
  EXPECT_EQ(Decoded(ArtifactOf(output, "image.jpg").bytes).format(), VIPS_FORMAT_UCHAR);
  EXPECT_EQ(Decoded(ArtifactOf(output, "thumbnail.png").bytes).format(), VIPS_FORMAT_UCHAR);
  const auto small = RunImage(Encoded(deep, ".png"), {{"resize", R"({"width":32})"}});
  EXPECT_EQ(Decoded(ArtifactOf(small, "image.png").bytes).format(), VIPS_FORMAT_USHORT);
}

TEST(Convert, TransparencyBecomesWhiteInAJpeg) {
  const std::string clear = Encoded(Plain(40, 40, {0, 0, 0, 0}), ".png");
  const auto output = RunImage(clear, {{"convert", R"({"format":"jpeg"})"}, {"convert", R"({"format":"webp"})"}});
  ExpectColour(Decoded(ArtifactOf(output, "image.jpg").bytes), 20, 20, {255, 255, 255}, 1);
  EXPECT_EQ(PixelAt(Decoded(ArtifactOf(output, "image.webp").bytes), 20, 20)[3], 0);
}

TEST(Convert, ColoursBecomeSrgb) {
  const VImage orange = Plain(64, 64, {230, 140, 40});
  const auto profile = VImage::option()->set("input_profile", "srgb");
  const std::string wide = Encoded(orange.icc_transform("p3", profile), ".jpg[Q=98,subsample_mode=off]");
  const std::string cmyk = Encoded(orange.icc_import(VImage::option()->set("input_profile", "srgb"))
                                       .icc_export(VImage::option()->set("output_profile", "cmyk")),
                                   ".jpg[Q=98]");
  VImage bare = Decoded(cmyk).copy();
  bare.remove(VIPS_META_ICC_NAME);
  ASSERT_GT(std::abs(PixelAt(Decoded(wide), 30, 30)[0] - 230), 5);  // other numbers for the same colour
  for (const std::string& bytes : {wide, cmyk, Encoded(bare, ".jpg[Q=98]")}) {
    const auto output =
        RunImage(bytes, {{"convert", R"({"format":"png"})"}, {"thumbnail", R"({"width":32,"format":"png"})"}});
    ASSERT_EQ(CodeOf(output), "ok");
    ExpectColour(Decoded(ArtifactOf(output, "image.png").bytes), 30, 30, {230, 140, 40}, 12);
    ExpectColour(Decoded(ArtifactOf(output, "thumbnail.png").bytes), 16, 16, {230, 140, 40}, 12);
  }
}

TEST(Animations, StayAnimatedInWebpOnly) {
  for (const char* suffix : {".gif", ".webp[lossless]"}) {
    const std::string bytes = Animation({{255, 0, 0}, {0, 255, 0}, {0, 0, 255}}, 400, 300, suffix);
    const auto output = RunImage(bytes, {{"thumbnail", R"({"width":40})"},
                                         {"thumbnail", R"({"width":40,"format":"png"})"},
                                         {"preview", "{}"},
                                         {"crop", R"({"left":10,"top":10,"width":200,"height":100})"},
                                         {"rotate", R"({"angle":90})"},
                                         {"convert", R"({"format":"webp"})"},
                                         {"convert", R"({"format":"jpeg"})"}});
    ASSERT_EQ(CodeOf(output), "ok") << suffix;
    const auto shape = [&](const char* name) {
      const VImage image = Decoded(ArtifactOf(output, name).bytes);
      return std::vector<int>{image.width(), image.height(), vips_image_get_n_pages(image.get_image())};
    };
    EXPECT_EQ(shape("thumbnail.webp"), (std::vector{40, 30, 3})) << suffix;
    EXPECT_EQ(shape("thumbnail.png"), (std::vector{40, 30, 1})) << suffix;
    EXPECT_EQ(shape("preview.webp"), (std::vector{192, 144, 1})) << suffix;
    EXPECT_EQ(shape("image.webp"), (std::vector{100, 200, 3})) << suffix;
    EXPECT_EQ(shape("image.jpg"), (std::vector{100, 200, 1})) << suffix;
    const VImage roll = DecodedAll(ArtifactOf(output, "image.webp").bytes);
    ASSERT_EQ(roll.height(), 600);
    for (const int frame : {0, 1, 2}) {
      EXPECT_GT(PixelAt(roll, 50, frame * 200 + 100)[static_cast<std::size_t>(frame)], 200) << suffix << frame;
    }
    EXPECT_EQ(roll.get_array_int("delay"), (std::vector{120, 120, 120})) << suffix;
  }
}

TEST(Animations, AGifThatIsTransformedBecomesAPng) {
  const auto output = RunImage(Animation({{255, 0, 0}, {0, 0, 255}}, 40, 30, ".gif"), {{"grayscale", "{}"}});
  EXPECT_EQ(NamesOf(output), Names{"image.png"});
  EXPECT_EQ(Decoded(output->artifacts.front().bytes).height(), 30);
}

TEST(Executor, NamesItselfAndRefusesOtherTasks) {
  EXPECT_TRUE(Images().version().starts_with("1+vips8."));
  const Operations none;
  EXPECT_EQ(CodeOf(Images().Run({.tenant = "t", .verb = "audio", .operations = &none, .inputs = {"x"}})),
            "unsupported-task");
  EXPECT_EQ(CodeOf(Images().Run({.tenant = "t", .verb = "image", .operations = &none, .inputs = {}})),
            "unsupported-task");
}

}  // namespace
}  // namespace processors
