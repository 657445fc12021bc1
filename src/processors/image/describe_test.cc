#include <gtest/gtest.h>

#include <cmath>

#include "processors/image/look.h"
#include "processors/image/test_images.h"

namespace processors {
namespace {

VImage WithExif(const VImage& image) {
  VImage copy = image.copy();
  copy.set("exif-ifd0-Make", "Acme (tm) Company");
  copy.set("exif-ifd0-Model", std::string(100, 'M').c_str());
  copy.set("exif-ifd2-LensModel", "50\tmm");
  copy.set("exif-ifd2-DateTimeOriginal", "2024:05:06 07:08:09");
  copy.set("exif-ifd2-ExposureTime", "1/250");
  copy.set("exif-ifd2-FNumber", "28/10");
  copy.set("exif-ifd2-ISOSpeedRatings", "200");
  copy.set("exif-ifd2-FocalLength", "50/1");
  copy.set("exif-ifd3-GPSLatitude", "48/1 51/1 2400/100");
  copy.set("exif-ifd3-GPSLatitudeRef", "S");
  copy.set("exif-ifd3-GPSLongitude", "2/1 21/1 300/100");
  copy.set("exif-ifd3-GPSLongitudeRef", "E");
  return copy;
}

TEST(Describe, SaysWhatTheHeaderSays) {
  const auto output = RunImage(Encoded(Picture(1, 320, 240), ".jpg"));
  ASSERT_EQ(CodeOf(output), "ok");
  EXPECT_TRUE(
      output->result_json.starts_with(R"({"format":"jpeg","width":320,"height":240,"bands":3,"depth":"uchar",)"
                                      R"("alpha":false,"colourSpace":"srgb","orientation":1,"iccProfile":false,)"))
      << output->result_json;
  EXPECT_EQ(TextAt(output, "/perceptualHash"), output->perceptual);
  EXPECT_EQ(output->perceptual.size(), 16U);
  EXPECT_TRUE(output->artifacts.empty());
  EXPECT_FALSE(Has(output, "/exif"));
  EXPECT_FALSE(Has(output, "/frames"));
}

TEST(Describe, KnowsDepthAlphaAndColourSpace) {
  const VImage picture = Picture(1, 64, 48);
  const auto deep = RunImage(Encoded(picture.colourspace(VIPS_INTERPRETATION_RGB16), ".png"));
  EXPECT_EQ(TextAt(deep, "/depth"), "ushort");
  EXPECT_EQ(TextAt(deep, "/colourSpace"), "rgb16");
  const auto clear = RunImage(Encoded(Plain(64, 48, {10, 20, 30, 128}), ".png"));
  EXPECT_TRUE(bool(At(clear, "/alpha")));
  EXPECT_EQ(NumberAt(clear, "/bands"), 4);
  EXPECT_EQ(TextAt(RunImage(Encoded(Plain(8, 8, {7}), ".png")), "/colourSpace"), "b-w");
  const auto cmyk = RunImage(Encoded(picture.icc_export(VImage::option()->set("output_profile", "cmyk")), ".jpg"));
  EXPECT_EQ(TextAt(cmyk, "/colourSpace"), "cmyk");
  EXPECT_TRUE(bool(At(cmyk, "/iccProfile")));
}

TEST(Describe, AnAnimationHasFramesAndADuration) {
  for (const char* suffix : {".gif", ".webp"}) {
    const auto output = RunImage(Animation({{255, 0, 0}, {0, 255, 0}, {0, 0, 255}}, 40, 30, suffix));
    ASSERT_EQ(CodeOf(output), "ok") << suffix;
    EXPECT_EQ(NumberAt(output, "/frames"), 3) << suffix;
    EXPECT_EQ(NumberAt(output, "/durationMs"), 360) << suffix;
    EXPECT_EQ(NumberAt(output, "/height"), 30) << suffix;
    EXPECT_EQ(TextAt(output, "/dominantColour").substr(0, 2), "#f") << suffix;  // of the first frame
  }
}

TEST(Describe, SizesAreThoseOfTheUprightImage) {
  VImage picture = Picture(1, 320, 240).copy();
  picture.set(VIPS_META_ORIENTATION, 6);
  const auto output = RunImage(Encoded(picture, ".jpg"));
  EXPECT_EQ(NumberAt(output, "/orientation"), 6);
  EXPECT_EQ(NumberAt(output, "/width"), 240);
  EXPECT_EQ(NumberAt(output, "/height"), 320);
}

TEST(Describe, SummarisesExifWithoutThePlace) {
  const auto output = RunImage(Encoded(WithExif(Picture(1, 64, 48)), ".jpg"), {{"describe", "{}"}});
  EXPECT_EQ(TextAt(output, "/exif/make"), "Acme (tm) Company");
  EXPECT_EQ(TextAt(output, "/exif/model"), std::string(64, 'M'));
  EXPECT_EQ(TextAt(output, "/exif/lens"), "50mm");
  EXPECT_EQ(TextAt(output, "/exif/takenAt"), "2024-05-06T07:08:09");
  EXPECT_EQ(NumberAt(output, "/exif/exposureSeconds"), 0.004);
  EXPECT_EQ(NumberAt(output, "/exif/fNumber"), 2.8);
  EXPECT_EQ(NumberAt(output, "/exif/iso"), 200);
  EXPECT_EQ(NumberAt(output, "/exif/focalLengthMm"), 50);
  EXPECT_FALSE(Has(output, "/location"));
}

TEST(Describe, TextsOfExifAreCutHoweverLongTheyAre) {
  for (const std::size_t length : {64U, 65U, 200U, 254U, 255U, 256U, 300U, 5000U}) {
    VImage picture = Picture(1, 64, 48).copy();
    picture.set("exif-ifd0-Make", std::string(length, 'A').c_str());
    EXPECT_EQ(TextAt(RunImage(Encoded(picture, ".jpg")), "/exif/make"), std::string(64, 'A')) << length;
  }
}

TEST(Describe, ThePlaceIsGivenWhenAskedFor) {
  const auto output = RunImage(Encoded(WithExif(Picture(1, 64, 48)), ".jpg"), {{"describe", R"({"location":true})"}});
  EXPECT_NEAR(NumberAt(output, "/location/latitude"), -48.856667, 1e-6);
  EXPECT_NEAR(NumberAt(output, "/location/longitude"), 2.350833, 1e-6);
}

TEST(Describe, NothingOfTheMetadataGetsIntoAnArtifact) {
  const VImage picture = WithExif(Picture(1, 64, 48));
  const std::string profiled =
      Encoded(picture.icc_transform("p3", VImage::option()->set("input_profile", "srgb")), ".jpg[profile=p3]");
  ASSERT_TRUE(bool(At(RunImage(profiled), "/iccProfile")));
  const auto output = RunImage(profiled, {{"thumbnail", "{}"},
                                          {"convert", R"({"format":"jpeg"})"},
                                          {"convert", R"({"format":"png"})"},
                                          {"convert", R"({"format":"webp"})"},
                                          {"preview", "{}"}});
  ASSERT_EQ(CodeOf(output), "ok");
  ASSERT_EQ(output->artifacts.size(), 5U);
  for (const auto& artifact : output->artifacts) {
    const VImage image = Decoded(artifact.bytes);
    for (const char* name : {VIPS_META_ICC_NAME, VIPS_META_XMP_NAME, VIPS_META_IPTC_NAME, "exif-ifd0-Make",
                             "exif-ifd2-FNumber", "exif-ifd3-GPSLatitude"}) {
      EXPECT_EQ(image.get_typeof(name), 0U) << artifact.name << " " << name;
    }
    // libvips gives every WebP an EXIF of its own.
    const bool own_exif = artifact.content_type == "image/webp";
    EXPECT_EQ(image.get_typeof(VIPS_META_EXIF_NAME) != 0, own_exif) << artifact.name;
    EXPECT_EQ(artifact.bytes.find("Acme"), std::string::npos) << artifact.name;
  }
}

TEST(Describe, TheDominantColourIsThatOfMostPixels) {
  VImage picture = Plain(200, 100, {200, 30, 40}).copy_memory();
  picture.draw_rect({10, 20, 240}, 0, 0, 60, 100, VImage::option()->set("fill", true));
  EXPECT_EQ(TextAt(RunImage(Encoded(picture, ".png")), "/dominantColour"), "#c81e28");
  EXPECT_EQ(TextAt(RunImage(Encoded(Plain(3, 2, {90}), ".png")), "/dominantColour"), "#5a5a5a");
  EXPECT_EQ(TextAt(RunImage(Encoded(Plain(9, 9, {0, 0, 0, 0}), ".png")), "/dominantColour"), "#ffffff");
}

TEST(PerceptualHash, SurvivesScalingAndRecompression) {
  for (std::uint32_t seed = 1; seed <= 12; ++seed) {
    const VImage picture = Picture(seed, 400, 300);
    const std::string hash = RunImage(Encoded(picture, ".png"))->perceptual;
    for (const double scale : {0.2, 0.77}) {
      for (const char* suffix : {".jpg[Q=40]", ".webp[Q=50]", ".png"}) {
        EXPECT_LE(Distance(hash, RunImage(Encoded(picture.resize(scale), suffix))->perceptual), 6)
            << seed << " " << scale << suffix;
      }
    }
    for (const char* other : {"thumbnail", "grayscale"}) {
      EXPECT_LE(Distance(hash, RunImage(Encoded(picture, ".png"), {{other, "{}"}})->perceptual), 6) << other;
    }
  }
}

TEST(PerceptualHash, DoesNotDependOnHowSmallTheOperationsMakeThePicture) {
  const Operations cases[] = {{{"thumbnail", R"({"width":4})"}},
                              {{"thumbnail", R"({"width":1})"}},
                              {{"resize", R"({"width":1,"height":1})"}},
                              {{"resize", R"({"width":300,"height":2})"}}};
  for (std::uint32_t seed = 1; seed <= 12; ++seed) {
    const std::string bytes = Encoded(Picture(seed, 400, 300), ".jpg");
    const auto plain = RunImage(bytes);
    for (const Operations& operations : cases) {
      const auto output = RunImage(bytes, operations);
      ASSERT_EQ(CodeOf(output), "ok");
      EXPECT_LE(Distance(plain->perceptual, output->perceptual), 6) << seed << " " << operations.front().params_json;
      EXPECT_EQ(TextAt(plain, "/dominantColour"), TextAt(output, "/dominantColour")) << seed;
    }
  }
}

// 64 independent bits differ in 32 ± 4; in 15 or fewer by chance once in 30,000 pairs.
TEST(PerceptualHash, TellsPicturesApart) {
  std::vector<std::string> hashes;
  for (std::uint32_t seed = 1; seed <= 12; ++seed) {
    hashes.push_back(RunImage(Encoded(Picture(seed, 320, 240), ".jpg"))->perceptual);
    for (std::size_t i = 0; i + 1 < hashes.size(); ++i) {
      EXPECT_GT(Distance(hashes[i], hashes.back()), 15) << i << " " << seed;
    }
  }
}

TEST(PerceptualHash, IsTheMedianOfTheLowFrequencies) {
  // As many frequencies above as below it, so that the sign of each is its bit.
  constexpr std::uint64_t kSigns = 0xd2c3a59678e14bb4;
  std::vector<std::uint8_t> pixels;
  for (int y = 0; y < 64; ++y) {
    for (int x = 0; x < 64; ++x) {
      double grey = 128;
      for (int i = 1; i < 64; ++i) {
        const double wave = std::cos(M_PI * (i % 8) * (2 * x + 1) / 128) * std::cos(M_PI * (i / 8) * (2 * y + 1) / 128);
        grey += ((kSigns >> (63 - i) & 1U) == 0 ? -7 : 7) * wave;
      }
      pixels.push_back(static_cast<std::uint8_t>(std::clamp(std::lround(grey), 0L, 255L)));
    }
  }
  EXPECT_EQ(LookAt(FromPixels(pixels, 64, 64, 1)).perceptual_hash, "d2c3a59678e14bb4");
  EXPECT_EQ(LookAt(Plain(5, 7, {80, 80, 80})).perceptual_hash, "8000000000000000");
}

}  // namespace
}  // namespace processors
