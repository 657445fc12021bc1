#include "processors/estimate/estimate.h"

#include <gtest/gtest.h>

#include <string>

#include "job/limits.h"
#include "processors/estimate/image_header.h"
#include "processors/estimate/video_header.h"

namespace processors {
namespace {

using namespace std::string_literals;
using ports::MemoryKind;

constexpr std::uint64_t kMiB = 1ULL << 20U;

std::string Big(std::uint64_t value, int count) {
  std::string text;
  for (int i = count; i-- > 0;) text += static_cast<char>(value >> (8 * i) & 0xffU);
  return text;
}
std::string Little(std::uint64_t value, int count) {
  const std::string text = Big(value, count);
  return {text.rbegin(), text.rend()};
}

std::string Png(std::uint64_t width, std::uint64_t height, int depth = 8, int colour = 2, int interlace = 0) {
  return "\x89PNG\r\n\x1a\n\0\0\0\rIHDR"s + Big(width, 4) + Big(height, 4) + Big(depth, 1) + Big(colour, 1) + "\0\0"s +
         Big(interlace, 1) + "crc!";
}
// 4:2:0, with an APP0 segment before and one scan of `scanned` components.
std::string Jpeg(std::uint64_t width, std::uint64_t height, int frame = 0xc0, int scanned = 3) {
  return "\xff\xd8\xff\xe0\0\x04xy\xff"s + Big(frame, 1) + "\0\x11\x08"s + Big(height, 2) + Big(width, 2) +
         "\x03\x01\x22\0\x02\x11\x01\x03\x11\x01\xff\xda\0\x0c"s + Big(scanned, 1) + std::string(9, '\0') + "scan";
}
std::string Chunk(const std::string& name, const std::string& data) {
  return name + Little(data.size(), 4) + data + std::string(data.size() % 2, '\0');
}
std::string Webp(const std::string& chunks) {
  return "RIFF" + Little(4 + chunks.size(), 4) + "WEBP" + chunks;
}
std::string Gif(std::uint64_t width, std::uint64_t height, int frames) {
  std::string bytes = "GIF89a" + Little(width, 2) + Little(height, 2) + "\x80\0\0"s + std::string(6, 'c');
  bytes += "\x21\xff\x03"s + "abc" + "\x01z\0"s;
  for (int i = 0; i < frames; ++i) bytes += "\x2c"s + std::string(8, '\0') + "\0\x08\x02hi\0"s;
  return bytes + ";";
}
std::string Box(const std::string& name, const std::string& data) {
  return Big(8 + data.size(), 4) + name + data;
}
std::string Mp4(std::uint64_t width, std::uint64_t height) {
  const std::string entry = Box("avc1", std::string(24, '\0') + Big(width, 2) + Big(height, 2) + std::string(50, 0));
  const std::string sound = Box("mp4a", std::string(24, '\0') + Big(48'000ULL << 16U, 4));
  const auto track = [](const std::string& entries) {
    return Box("trak", Box("mdia", Box("minf", Box("stbl", Box("stsd", std::string(8, '\0') + entries)))));
  };
  return Box("ftyp", "isom") + Box("mdat", std::string(100, 'm')) + Box("moov", track(sound) + track(entry));
}
std::string Element(const std::string& id, const std::string& data) {
  return id + "\x10"s + Big(data.size(), 3) + data;
}
std::string Matroska(std::uint64_t width, std::uint64_t height) {
  const std::string video = Element("\xe0", Element("\xb0", Big(width, 2)) + Element("\xba", Big(height, 2)));
  const std::string tracks = Element("\x16\x54\xae\x6b", Element("\xae", Element("\xd7", "1") + video));
  return Element("\x1a\x45\xdf\xa3", "webm") + "\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xff"s + tracks;
}

ports::MemoryEstimate Estimate(std::string_view verb, std::string_view bytes,
                               const std::vector<ports::Operation>& operations = {}) {
  return EstimateMemory({.tenant = "acme", .verb = verb, .operations = &operations, .inputs = {bytes}});
}

TEST(ImageHeader, OfEveryFormatTellsItsSize) {
  const std::string vp8 = Chunk("VP8 ", "abc\x9d\x01\x2a"s + Little(640, 2) + Little(480, 2));
  const std::string vp8l = Chunk("VP8L", "\x2f"s + Little(639 | 479U << 14U, 4));
  const std::string vp8x = Chunk("VP8X", "\x02\0\0\0"s + Little(639, 3) + Little(479, 3));
  for (const std::string& bytes :
       {Png(640, 480), Jpeg(640, 480), Webp(vp8), Webp(vp8l), Webp(vp8x), Gif(640, 480, 1)}) {
    const auto header = ReadImageHeader(bytes);
    ASSERT_TRUE(header) << bytes.substr(0, 16);
    EXPECT_EQ(header->width, 640U) << bytes.substr(0, 16);
    EXPECT_EQ(header->height, 480U) << bytes.substr(0, 16);
    EXPECT_EQ(header->frames, 1U);
  }
}

TEST(ImageHeader, KnowsWhichDecodersHoldAWholeFrame) {
  EXPECT_EQ(ReadImageHeader(Png(100, 50))->decoder_bytes, 0U);
  EXPECT_EQ(ReadImageHeader(Png(100, 50, 16, 6, 1))->decoder_bytes, 100U * 50 * 8);
  EXPECT_EQ(ReadImageHeader(Jpeg(100, 50))->decoder_bytes, 0U);
  EXPECT_EQ(ReadImageHeader(Jpeg(100, 50, 0xc2, 1))->decoder_bytes, 100U * 50 * 3) << "4:2:0: one and a half samples";
  EXPECT_EQ(ReadImageHeader(Jpeg(100, 50, 0xc0, 1))->decoder_bytes, 100U * 50 * 3) << "scans of their own";
  EXPECT_EQ(ReadImageHeader(Gif(100, 50, 1))->decoder_bytes, 100U * 50 * 8);
}

TEST(ImageHeader, CountsFramesAndNoMoreThanAreAllowed) {
  EXPECT_EQ(ReadImageHeader(Gif(10, 10, 7))->frames, 7U);
  EXPECT_EQ(ReadImageHeader(Gif(10, 10, 3'000))->frames, job::kMaxImageFrames);
  std::string chunks = Chunk("VP8X", "\x02\0\0\0"s + Little(9, 3) + Little(9, 3));
  for (int i = 0; i < 5; ++i) chunks += Chunk("ANMF", "frame");
  EXPECT_EQ(ReadImageHeader(Webp(chunks))->frames, 5U);
}

TEST(ImageHeader, CutAnywhereIsReadWithoutHarm) {
  for (const std::string& bytes :
       {Png(640, 480), Jpeg(640, 480, 0xc2, 1), Gif(640, 480, 3), Mp4(64, 48), Matroska(64, 48)}) {
    for (std::size_t length = 0; length <= bytes.size(); ++length) {
      // A copy of its own, so that a sanitizer sees a step past the end.
      const std::string cut(bytes, 0, length);
      (void)ReadImageHeader(cut);
      (void)ReadPictureSize(cut);
    }
  }
}

TEST(PictureSize, IsFoundInMp4AndMatroska) {
  for (const std::string& bytes : {Mp4(1'280, 720), Matroska(1'280, 720)}) {
    const auto size = ReadPictureSize(bytes);
    ASSERT_TRUE(size);
    EXPECT_EQ(size->width, 1'280U);
    EXPECT_EQ(size->height, 720U);
  }
  EXPECT_FALSE(ReadPictureSize("OggS and more"));
}

TEST(EstimateMemory, WhatIsMadeSmallWhileLinesPassNeedsNoWholeImage) {
  const std::vector<ports::Operation> thumbnail = {{.name = "thumbnail", .params_json = R"({"width":256})"}};
  const auto estimate = Estimate("image", Png(8'000, 6'250), thumbnail);
  EXPECT_EQ(estimate.kind, MemoryKind::kImageLines);
  EXPECT_LT(estimate.bytes, 16 * kMiB);
  EXPECT_EQ(Estimate("image", Png(8'000, 6'250)).kind, MemoryKind::kImageLines) << "only described";
  const std::vector<ports::Operation> smaller = {{.name = "resize", .params_json = R"({"width":800})"}};
  EXPECT_EQ(Estimate("image", Png(8'000, 6'250), smaller).kind, MemoryKind::kImageLines);
}

TEST(EstimateMemory, WhatKeepsPixelsNeedsThemAll) {
  constexpr std::uint64_t kPixels = 8'000ULL * 6'250;
  const std::vector<ports::Operation> crop = {{.name = "crop"}};
  const auto cropped = Estimate("image", Png(8'000, 6'250), crop);
  EXPECT_EQ(cropped.kind, MemoryKind::kImageWhole);
  EXPECT_GE(cropped.bytes, 3 * kPixels);
  const std::vector<ports::Operation> rotate = {{.name = "rotate"}};
  EXPECT_GE(Estimate("image", Png(8'000, 6'250), rotate).bytes, 6 * kPixels);
  const std::vector<ports::Operation> larger = {{.name = "resize", .params_json = R"({"width":9000})"}};
  EXPECT_GE(Estimate("image", Png(8'000, 6'250), larger).bytes, 3 * kPixels);
  EXPECT_GE(Estimate("image", Jpeg(8'000, 6'250, 0xc2, 1)).bytes, 3 * kPixels) << "coefficients, even for a thumbnail";
}

TEST(EstimateMemory, AnAnimationKeptWholeCountsItsFrames) {
  const std::string gif = Gif(1'000, 1'000, 20);
  const std::vector<ports::Operation> webp = {{.name = "convert", .params_json = R"({"format":"webp"})"}};
  const std::vector<ports::Operation> png = {{.name = "convert", .params_json = R"({"format":"png"})"}};
  EXPECT_EQ(Estimate("image", gif, webp).kind, MemoryKind::kAnimation);
  EXPECT_GE(Estimate("image", gif, webp).bytes, 20U * 4'000'000);
  EXPECT_LT(Estimate("image", gif, png).bytes, 20U * 4'000'000);
}

TEST(EstimateMemory, OfAVideoGrowsWithItsPicture) {
  const auto small = Estimate("video", Mp4(640, 360));
  const auto large = Estimate("video", Matroska(7'680, 4'320));
  EXPECT_EQ(small.kind, MemoryKind::kVideo);
  EXPECT_LT(small.bytes, 64 * kMiB);
  EXPECT_GT(large.bytes, 512 * kMiB);
}

TEST(EstimateMemory, BytesThatSayNothingGetWhatIsUsual) {
  EXPECT_EQ(Estimate("image", "nothing").bytes, 7 + 64 * kMiB);
  EXPECT_EQ(Estimate("audio", "nothing").kind, MemoryKind::kSound);
  EXPECT_GT(Estimate("video", "nothing").bytes, 64 * kMiB);
  EXPECT_EQ(Estimate("contact-sheet", "tile").kind, MemoryKind::kSheet);
}

TEST(EstimateMemory, AHeaderThatPromisesTooMuchStaysANumber) {
  const std::vector<ports::Operation> rotate = {{.name = "rotate"}};
  const auto estimate = Estimate("image", Png(0xffffffff, 0xffffffff, 16, 6, 1), rotate);
  EXPECT_GT(estimate.bytes, 1'024 * kMiB);
  EXPECT_LT(estimate.bytes, 64ULL * 1'024 * kMiB);
}

}  // namespace
}  // namespace processors
