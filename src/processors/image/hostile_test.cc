// Bytes that want to do harm, and a process that may do nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cstdlib>
#include <filesystem>
#include <iterator>

#include "job/limits.h"
#include "processors/image/test_images.h"

namespace processors {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;

std::string Little(std::uint32_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> (8 * i) & 0xffU);
  return text;
}

// A GIF of one frame that says it is as large as a GIF can be.
std::string GiantGif() {
  return "GIF89a" + Little(65535, 2) + Little(65535, 2) + std::string("\x80\0\0\0\0\0\xff\xff\xff", 9) + "," +
         Little(0, 4) + Little(65535, 2) + Little(65535, 2) + std::string("\0\x02\x02\x44\x01\0;", 7);
}

TEST(Hostile, AGifThatClaimsFourThousandMegapixelsIsRefusedByItsHeader) {
  const auto output = RunImage(GiantGif(), {{"thumbnail", "{}"}});
  EXPECT_EQ(CodeOf(output), "too-many-pixels");
  EXPECT_THAT(output.error().error.message, HasSubstr("4294836225 pixels"));
  EXPECT_THAT(output.error().error.message, HasSubstr("20000000 are allowed"));
  EXPECT_EQ(output.error().blame, ports::Blame::kInput);
}

TEST(Hostile, AWebpCanvasIsRefusedBeforeLibvipsTakesItsMemory) {
  const auto webp = [](std::uint32_t width, std::uint32_t height) {
    const std::string chunks = "VP8X" + Little(10, 4) + std::string("\x02\0\0\0", 4) + Little(width - 1, 3) +
                               Little(height - 1, 3) + "ANIM" + Little(6, 4) + std::string(6, '\0');
    return "RIFF" + Little(static_cast<std::uint32_t>(chunks.size()) + 4, 4) + "WEBP" + chunks;
  };
  EXPECT_EQ(CodeOf(RunImage(webp(60000, 60000))), "too-many-pixels");
  const auto large = RunImage(webp(70000, 1));
  EXPECT_EQ(CodeOf(large), "image-too-large");
  EXPECT_THAT(large.error().error.message, HasSubstr("70000 x 1"));
  EXPECT_THAT(large.error().error.message, HasSubstr("65535"));
}

// The same frame of one pixel over and over.
std::string TinyFrames(std::uint32_t width, std::uint32_t height, std::uint32_t frames) {
  std::string gif = "GIF89a" + Little(width, 2) + Little(height, 2) + std::string("\x80\0\0\0\0\0\xff\xff\xff", 9);
  for (std::uint32_t i = 0; i < frames; ++i) {
    gif += "," + Little(0, 4) + Little(1, 2) + Little(1, 2) + std::string("\0\x02\x02\x44\x01\0", 6);
  }
  return gif + ";";
}

TEST(Hostile, TooManyFramesAreRefused) {
  const auto output = RunImage(TinyFrames(1, 1, job::kMaxImageFrames + 1));
  EXPECT_EQ(CodeOf(output), "too-many-frames");
  EXPECT_THAT(output.error().error.message, HasSubstr("1001 frames, 1000"));
  EXPECT_EQ(CodeOf(RunImage(TinyFrames(1, 1, job::kMaxImageFrames))), "ok");
}

TEST(Hostile, FramesCountAsPixels) {
  EXPECT_EQ(CodeOf(RunImage(TinyFrames(1000, 1000, 20))), "ok");
  EXPECT_EQ(CodeOf(RunImage(TinyFrames(1000, 1000, 21))), "too-many-pixels");
}

TEST(Hostile, OtherFormatsAreRefusedByName) {
  const auto tiff = RunImage(Encoded(Picture(1, 32, 24), ".tif"));
  EXPECT_EQ(CodeOf(tiff), "unsupported-format");
  EXPECT_THAT(tiff.error().error.message, HasSubstr("TIFF"));
  const auto avif =
      RunImage(std::string("\0\0\0\x1c"
                           "ftypavif\0\0\0\0avifmif1miaf",
                           28));
  EXPECT_EQ(CodeOf(avif), "unsupported-format");
  EXPECT_THAT(avif.error().error.message, HasSubstr("AVIF"));
  EXPECT_EQ(CodeOf(RunImage(R"(<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>)")), "type-mismatch");
  EXPECT_EQ(CodeOf(RunImage("%PDF-1.4")), "type-mismatch");
  EXPECT_EQ(CodeOf(RunImage("Not a picture.")), "invalid-image");
  EXPECT_EQ(CodeOf(RunImage("")), "empty-source");
}

TEST(Hostile, LibvipsItselfHasNoOtherLoaderLeft) {
  const std::string tiff = Encoded(Picture(1, 32, 24), ".tif");
  EXPECT_THROW((void)Decoded(tiff), vips::VError);
  EXPECT_THROW((void)VImage::new_from_file("/proc/self/exe"), vips::VError);
  EXPECT_EQ(vips_type_find("VipsForeignLoad", "magickload_buffer"), 0U);
}

// Every way to be decoded.
const Operations kEverything = {{"thumbnail", R"({"width":20})"}, {"convert", R"({"format":"webp"})"}};

TEST(Hostile, TruncatedFilesAreRefused) {
  const VImage picture = Picture(2, 160, 120);
  for (const char* suffix :
       {".jpg", ".jpg[interlace]", ".png", ".png[interlace]", ".webp", ".webp[lossless]", ".gif"}) {
    const std::string whole = Encoded(picture, suffix);
    ASSERT_EQ(CodeOf(RunImage(whole, kEverything)), "ok") << suffix;
    for (int part = 1; part <= 9; ++part) {
      const std::string cut = whole.substr(0, whole.size() * static_cast<std::size_t>(part) / 10);
      for (const Operations& operations : {Operations{}, kEverything}) {
        const auto output = RunImage(cut, operations);
        EXPECT_EQ(CodeOf(output), "invalid-image") << suffix << " " << part << " tenths";
      }
    }
  }
}

TEST(Hostile, MutatedFilesNeverDoHarm) {
  const VImage picture = Picture(2, 96, 72);
  std::vector<std::string> files;
  for (const char* suffix : {".jpg", ".jpg[interlace]", ".png", ".webp", ".webp[lossless]", ".gif"}) {
    files.push_back(Encoded(picture, suffix));
  }
  files.push_back(Animation({{255, 0, 0}, {0, 255, 0}, {0, 0, 255}}, 48, 36, ".gif"));
  files.push_back(Animation({{255, 0, 0}, {0, 255, 0}, {0, 0, 255}}, 48, 36, ".webp"));
  int refused = 0;
  for (std::uint32_t seed = 0; seed < 400; ++seed) {
    std::mt19937 random(seed);
    std::string bytes = files[seed % files.size()];
    for (std::uint32_t flips = 1 + random() % 8; flips > 0; --flips) {
      // Half of them in the header, where most decisions are made.
      const std::size_t range = random() % 2 == 0 ? std::min<std::size_t>(bytes.size(), 64) : bytes.size();
      bytes[random() % range] ^= static_cast<char>(1U << random() % 8);
    }
    const auto output = RunImage(bytes, kEverything);
    EXPECT_THAT(CodeOf(output), AnyOf("ok", "invalid-image", "unsupported-format", "type-mismatch", "too-many-pixels",
                                      "too-many-frames", "image-too-large", "output-too-large"))
        << "seed " << seed << ": " << (output ? "" : output.error().error.message);
    if (!output) {
      ++refused;
      EXPECT_LE(output.error().error.message.size(), 300U);
    }
  }
  EXPECT_GT(refused, 100);
}

TEST(Hostile, ACorruptChecksumIsRefused) {
  std::string png = Encoded(Picture(2, 64, 48), ".png");
  png[png.find("IDAT") + 20] ^= 1;
  EXPECT_EQ(CodeOf(RunImage(png)), "invalid-image");
}

int Threads() {
  return static_cast<int>(std::distance(std::filesystem::directory_iterator("/proc/self/task"), {}));
}

// In a process of its own, where nothing has used libvips before.
[[noreturn]] void WorkWithoutFiles() {
  const auto images = NewImageExecutor({});
  if (Threads() != 1) std::_Exit(2);
  vips_operation_block_set("VipsForeignSave", FALSE);
  const auto profile = VImage::option()->set("input_profile", "srgb");
  const std::string wide = Encoded(Picture(1, 640, 480).icc_transform("p3", profile), ".jpg");
  const std::string gif = Animation({{255, 0, 0}, {0, 0, 255}}, 300, 300, ".gif");
  const rlimit none{0, 0};
  if (setrlimit(RLIMIT_NOFILE, &none) != 0) std::_Exit(3);
  const Operations operations = {
      {"thumbnail", "{}"}, {"rotate", R"({"angle":33})"}, {"convert", R"({"format":"png"})"}};
  for (const std::string* bytes : {&wide, &gif}) {
    const auto output = images->Run({.tenant = "t", .verb = "image", .operations = &operations, .inputs = {*bytes}});
    if (!output || output->artifacts.size() != 2) std::_Exit(4);
  }
  const Operations sheet = {{"contact-sheet", R"({"columns":2,"tile":64,"captions":["Brücke","Ω"]})"}};
  const auto output =
      images->Run({.tenant = "t", .verb = "contact-sheet", .operations = &sheet, .inputs = {wide, gif}});
  std::_Exit(output && output->artifacts.size() == 1 ? 0 : 5);
}

TEST(Hostile, EverythingWorksWhereNoFileCanBeOpenedAndNoThreadWasStartedBefore) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(WorkWithoutFiles(), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace processors
