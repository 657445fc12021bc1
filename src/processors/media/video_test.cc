#include "processors/media/video.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <stdexcept>

#include "base/hash.h"
#include "processors/media/input.h"
#include "processors/media/test_media.h"
#include "processors/perceptual_hash.h"

namespace processors::media {
namespace {

Film ThreeScenes() {
  return {.scenes = {Scene(30, 20), Scene(30, 200), Scene(40, 60)}};
}

// The size of a picture that FFmpeg decodes again: {width, height}.
std::pair<int, int> SizeOf(const std::string& bytes) {
  const bool png = bytes.starts_with("\x89PNG");
  const AVCodec* decoder = FindDecoder(png ? AV_CODEC_ID_PNG : AV_CODEC_ID_MJPEG);
  auto codec = Own(avcodec_alloc_context3(decoder));
  auto packet = NewPacket();
  auto frame = NewFrame();
  EXPECT_GE(avcodec_open2(codec.get(), decoder, nullptr), 0);
  EXPECT_GE(av_new_packet(packet.get(), static_cast<int>(bytes.size())), 0);
  std::copy(bytes.begin(), bytes.end(), packet->data);
  EXPECT_GE(avcodec_send_packet(codec.get(), packet.get()), 0);
  EXPECT_GE(avcodec_send_packet(codec.get(), nullptr), 0);
  EXPECT_GE(avcodec_receive_frame(codec.get(), frame.get()), 0);
  return {frame->width, frame->height};
}

TEST(Video, IsDescribed) {
  const auto ran =
      RunOn("video", Make({.muxer = "mp4", .tones = {{.codec = "aac", .seconds = 4}}, .films = {ThreeScenes()}}));
  ASSERT_EQ(CodeOf(ran), "ok") << ran.error().error.message;
  EXPECT_EQ(TextAt(ran, "/container"), "mp4");
  EXPECT_EQ(TextAt(ran, "/video/codec"), "mpeg4");
  EXPECT_EQ(NumberAt(ran, "/video/width"), 96);
  EXPECT_EQ(NumberAt(ran, "/video/height"), 64);
  EXPECT_EQ(NumberAt(ran, "/video/frames"), 100);
  EXPECT_EQ(NumberAt(ran, "/video/frameRate"), 25);
  EXPECT_EQ(NumberAt(ran, "/video/durationMs"), 4000);
  EXPECT_EQ(NumberAt(ran, "/video/sceneCount"), 3);
  EXPECT_EQ(TextAt(ran, "/video/pixelFormat"), "yuv420p");
  EXPECT_EQ(TextAt(ran, "/audio/codec"), "aac");
  EXPECT_EQ(TextAt(ran, "/streams/0/kind"), "video");
  EXPECT_EQ(ran->perceptual.size(), 16U);
}

TEST(Video, EveryCodecIsDecoded) {
  const struct {
    const char* muxer;
    const char* codec;
    const char* name;
  } cases[] = {{"mp4", "libx264", "h264"},    {"webm", "libvpx", "vp8"},      {"webm", "libvpx-vp9", "vp9"},
               {"avi", "mjpeg", "mjpeg"},     {"ogg", "libtheora", "theora"}, {"matroska", "libaom-av1", "av1"},
               {"mpegts", "libx264", "h264"}, {"mov", "mpeg4", "mpeg4"}};
  for (const auto& c : cases) {
    SCOPED_TRACE(std::string(c.muxer) + " " + c.codec);
    Film film{.codec = c.codec};  // no two frames are the same: Theora leaves such out
    for (const int brightness : {30, 200}) {
      for (int i = 0; i < 10; ++i) film.scenes.push_back({brightness + 3 * i});
    }
    const auto ran = RunOn("video", Make({.muxer = c.muxer, .films = {film}}));
    ASSERT_EQ(CodeOf(ran), "ok") << ran.error().error.message;
    EXPECT_EQ(TextAt(ran, "/video/codec"), c.name);
    EXPECT_EQ(NumberAt(ran, "/video/frames"), 20);
    EXPECT_EQ(NumberAt(ran, "/video/sceneCount"), 2);
  }
}

TEST(Video, TheFrameHashIsThatOfTheRawPlanes) {
  // Motion JPEG of one brightness decodes to itself; 4:2:0 planes in order, as FFmpeg's rawvideo writes them.
  const Film film{.codec = "mjpeg", .width = 32, .height = 32, .scenes = {Scene(2, -1)}};
  const auto ran = RunOn("video", Make({.muxer = "avi", .films = {film}}));
  const std::string frame = std::string(std::size_t{32} * 32, 16) + std::string(std::size_t{2} * 16 * 16, '\x80');
  EXPECT_EQ(TextAt(ran, "/video/frameHash"), base::ToHex(base::Sha256Of(frame + frame)));
}

TEST(Video, RotationTurnsSizeAndPoster) {
  auto film = ThreeScenes();
  film.rotation = 90;
  const auto ran = RunOn("video", Make({.muxer = "mp4", .films = {film}}), {{"poster", "{}"}});
  ASSERT_EQ(CodeOf(ran), "ok");
  EXPECT_EQ(NumberAt(ran, "/video/rotation"), 90);
  EXPECT_EQ(NumberAt(ran, "/video/width"), 64);
  EXPECT_EQ(NumberAt(ran, "/video/height"), 96);
  EXPECT_EQ(SizeOf(Artifact(ran, "poster.jpg")), std::pair(64, 96));
}

TEST(Video, ThePosterIsNotTheBlackBeginning) {
  const Film film{.scenes = {Scene(60, -1), Scene(40, 120)}};
  const auto ran = RunOn("video", Make({.muxer = "mp4", .films = {film}}));
  EXPECT_GE(NumberAt(ran, "/video/posterAtMs"), 2400);
  const Film black{.scenes = {Scene(20, -1)}};
  EXPECT_EQ(CodeOf(RunOn("video", Make({.muxer = "mp4", .films = {black}}), {{"poster", "{}"}})), "ok");
}

TEST(Video, APosterIsTheFrameShownAtThatTime) {
  const auto bytes = Make({.muxer = "mp4", .films = {ThreeScenes()}});
  const auto early = Artifact(RunOn("video", bytes, {{"poster", R"({"at":0.5})"}}), "poster.jpg");
  const auto later = Artifact(RunOn("video", bytes, {{"poster", R"({"at":1.19})"}}), "poster.jpg");
  const auto next = Artifact(RunOn("video", bytes, {{"poster", R"({"at":1.2})"}}), "poster.jpg");
  EXPECT_FALSE(early.empty());
  EXPECT_EQ(early, later);
  EXPECT_NE(later, next);
  EXPECT_EQ(CodeOf(RunOn("video", bytes, {{"poster", R"({"at":3.99})"}})), "ok");
  EXPECT_EQ(CodeOf(RunOn("video", bytes, {{"poster", R"({"at":4})"}})), "beyond-end");
}

TEST(Video, LargeFramesMakePostersOf640Pixels) {
  const Film film{.width = 1280, .height = 320, .scenes = {Scene(3, 90)}};
  const auto ran = RunOn("video", Make({.muxer = "mp4", .films = {film}}), {{"poster", "{}"}});
  EXPECT_EQ(SizeOf(Artifact(ran, "poster.jpg")), std::pair(640, 160));
}

TEST(Video, WithoutSoundThereIsNoWaveform) {
  const auto ran = RunOn("video", Make({.muxer = "mp4", .films = {ThreeScenes()}}), {{"waveform", "{}"}});
  EXPECT_EQ(CodeOf(ran), "no-audio");
}

TEST(Pictures, AWaveformIsDrawnInTheSizeAskedFor) {
  const auto ran =
      RunOn("audio", Make({.tones = {{}}}), {{"waveform", R"({"width":300,"height":50})"}, {"poster", "{}"}});
  EXPECT_EQ(SizeOf(Artifact(ran, "waveform.png")), std::pair(300, 50));
  EXPECT_EQ(SizeOf(Artifact(ran, "poster.png")), std::pair(640, 120));
}

// Of one frame, all of whose pixels have the palette's first colour.
base::Sha256 HashOfPalettised(std::uint32_t colour) {
  const std::unique_ptr<AVFormatContext, decltype(&avformat_free_context)> format(avformat_alloc_context(),
                                                                                  &avformat_free_context);
  VideoAnalysis analysis(*avformat_new_stream(format.get(), nullptr), {});
  const auto frame = NewFrame();
  frame->width = frame->height = 16;
  frame->format = AV_PIX_FMT_PAL8;
  if (av_frame_get_buffer(frame.get(), 0) < 0) throw std::bad_alloc();
  std::memset(frame->data[0], 0, static_cast<std::size_t>(frame->linesize[0]) * 16);
  std::memset(frame->data[1], 0, AVPALETTE_SIZE);
  std::memcpy(frame->data[1], &colour, sizeof colour);
  if (!analysis.Take(*frame, {1, 25})) throw std::runtime_error("not taken");
  return analysis.Finish()->frame_hash;
}

TEST(Video, TheFrameHashIsOfThePaletteToo) {
  EXPECT_EQ(HashOfPalettised(0xff336699), HashOfPalettised(0xff336699));
  EXPECT_NE(HashOfPalettised(0xff336699), HashOfPalettised(0xff336698));
}

TEST(Pictures, TheCoverIsThePosterOfASong) {
  const auto bytes = Make({.muxer = "mp3", .tones = {{.codec = "libmp3lame"}}, .cover = Png(1000, 500)});
  const auto ran = RunOn("audio", bytes, {{"poster", "{}"}});
  ASSERT_EQ(CodeOf(ran), "ok") << ran.error().error.message;
  EXPECT_EQ(TextAt(ran, "/streams/1/kind"), "cover");
  EXPECT_EQ(SizeOf(Artifact(ran, "poster.jpg")), std::pair(640, 320));
  EXPECT_EQ(CodeOf(RunOn("video", bytes)), "type-mismatch");
}

TEST(PerceptualHash, StaysForBrightnessAndChangesForContent) {
  HashGrid ramp{};
  auto brighter = ramp;
  auto turned = ramp;
  for (std::size_t y = 0; y < kHashSide; ++y) {
    for (std::size_t x = 0; x < kHashSide; ++x) {
      ramp[y][x] = static_cast<double>(4 * x + (x / 8) % 2 * 60);
      brighter[y][x] = ramp[y][x] + 20;
      turned[x][y] = ramp[y][x];
    }
  }
  EXPECT_EQ(PerceptualHash(ramp), PerceptualHash(brighter));
  EXPECT_NE(PerceptualHash(ramp), PerceptualHash(turned));
}

}  // namespace
}  // namespace processors::media
