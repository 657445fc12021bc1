#include "processors/media/trim.h"

#include <gtest/gtest.h>

#include <cstring>

#include "processors/media/test_media.h"

namespace processors::media {
namespace {

constexpr char kOneToThree[] = R"({"start":1,"duration":2})";

TEST(Trim, PcmIsCutToTheSample) {
  const auto bytes = Make({.tones = {{.seconds = 4, .rate = 44100, .channels = 1}}});
  const auto ran = RunOn("audio", bytes, {{"trim", R"({"start":1.0001,"duration":1.5})"}});
  ASSERT_EQ(CodeOf(ran), "ok") << ran.error().error.message;
  const auto part = Artifact(ran, "trim.wav");
  const auto again = RunOn("audio", part);
  EXPECT_EQ(NumberAt(again, "/durationMs"), 1500);
  const auto data = part.find("data");
  const auto whole_data = bytes.find("data");
  // Sample 44104 (1.0001 s) of 2 bytes is the first.
  ASSERT_EQ(part.size() - data - 8, std::size_t{66150} * 2);
  EXPECT_EQ(part.substr(data + 8, 1000), bytes.substr(whole_data + 8 + std::size_t{44104} * 2, 1000));
}

TEST(Trim, OtherSoundIsCutAtPacketBorders) {
  const struct {
    const char* muxer;
    const char* codec;
    const char* name;
  } cases[] = {{"mp3", "libmp3lame", "trim.mp3"}, {"flac", "flac", "trim.flac"}, {"ogg", "libvorbis", "trim.ogg"},
               {"ogg", "libopus", "trim.ogg"},    {"mp4", "aac", "trim.m4a"},    {"matroska", "flac", "trim.mka"},
               {"webm", "libopus", "trim.webm"}};
  for (const auto& c : cases) {
    SCOPED_TRACE(std::string(c.muxer) + " " + c.codec);
    const auto bytes = Make({.muxer = c.muxer, .tones = {{.codec = c.codec, .seconds = 5}}});
    const auto ran = RunOn("audio", bytes, {{"trim", kOneToThree}});
    ASSERT_EQ(CodeOf(ran), "ok") << ran.error().error.message;
    EXPECT_NEAR(NumberAt(ran, "/trim/startMs"), 1000, 100);
    EXPECT_NEAR(NumberAt(ran, "/trim/durationMs"), 2000, 200);
    const auto again = RunOn("audio", Artifact(ran, c.name));
    ASSERT_EQ(CodeOf(again), "ok") << again.error().error.message;
    EXPECT_EQ(TextAt(again, "/audio/codec"), TextAt(ran, "/audio/codec"));
    EXPECT_NEAR(NumberAt(again, "/durationMs"), NumberAt(ran, "/trim/durationMs"), 60);
    EXPECT_NEAR(NumberAt(again, "/audio/loudness/integratedLufs"), -23, 0.5);
  }
}

TEST(Trim, FilmBeginsAtTheKeyframeBefore) {
  Film film{.scenes = {Scene(50, 30), Scene(50, 200)}, .keyframe_every = 20};
  for (const char* muxer : {"mp4", "matroska"}) {
    SCOPED_TRACE(muxer);
    const auto bytes = Make({.muxer = muxer, .tones = {{.codec = "aac", .seconds = 4}}, .films = {film}});
    const auto ran = RunOn("video", bytes, {{"trim", R"({"start":1,"duration":1.4})"}});
    ASSERT_EQ(CodeOf(ran), "ok") << ran.error().error.message;
    // Keyframes at 0, 0.8, 1.6 …; in Matroska all is 21 ms later, for the sound begins with AAC's own delay.
    EXPECT_NEAR(NumberAt(ran, "/trim/startMs"), 800, 25);
    EXPECT_EQ(NumberAt(ran, "/trim/durationMs"), 1600);
    const auto again = RunOn("video", Artifact(ran, muxer == std::string("mp4") ? "trim.mp4" : "trim.mkv"));
    ASSERT_EQ(CodeOf(again), "ok") << again.error().error.message;
    EXPECT_EQ(NumberAt(again, "/video/frames"), 40);
    EXPECT_EQ(NumberAt(again, "/video/sceneCount"), 2);
    EXPECT_NEAR(NumberAt(again, "/audio/durationMs"), 1600, 60);
  }
}

TEST(Trim, TheCommentsOfVorbisAndTheoraAreLeftOut) {
  const struct {
    const char* muxer;
    const char* name;
    Recipe recipe;
  } cases[] = {{"matroska", "trim.mka", {.tones = {{.codec = "libvorbis", .seconds = 4}}}},
               {"webm", "trim.webm", {.tones = {{.codec = "libvorbis", .seconds = 4}}}},
               {"ogg", "trim.ogg", {.tones = {{.codec = "libvorbis", .seconds = 4}}}},
               {"matroska", "trim.mkv", {.films = {{.codec = "libtheora", .scenes = {Scene(100, 90)}}}}}};
  for (const auto& c : cases) {
    SCOPED_TRACE(std::string(c.muxer) + " " + c.name);
    Recipe recipe = c.recipe;
    recipe.muxer = c.muxer;
    std::string bytes = Make(recipe);
    const char* verb = recipe.films.empty() ? "audio" : "video";
    // The encoder's name stands where a tag would; Ogg's muxer writes none, and its pages have checksums.
    const bool ogg = recipe.muxer == "ogg";
    constexpr std::string_view kVendor = "Xiph.Org lib";
    constexpr std::string_view kMarker = "59.33,18.07!";
    if (const auto at = bytes.find(kVendor); !ogg) {
      ASSERT_NE(at, std::string::npos);
      bytes.replace(at, kMarker.size(), kMarker);
    }
    const auto ran = RunOn(verb, bytes, {{"trim", kOneToThree}});
    ASSERT_EQ(CodeOf(ran), "ok") << ran.error().error.message;
    const std::string part = Artifact(ran, c.name);
    ASSERT_FALSE(part.empty());
    EXPECT_EQ(part.find(kMarker), std::string::npos);
    EXPECT_EQ(part.find(kVendor), std::string::npos);
    const auto again = RunOn(verb, part);
    ASSERT_EQ(CodeOf(again), "ok") << again.error().error.message;
    EXPECT_NEAR(NumberAt(again, "/durationMs"), NumberAt(ran, "/trim/durationMs"), 60);
  }
}

TEST(Trim, TagsAreLeftOut) {
  const auto bytes = Make({.muxer = "mov",
                           .tones = {{.codec = "aac", .seconds = 4}},
                           .films = {{.scenes = {Scene(100, 90)}}},
                           .tags = {{"title", "Night shift"}, {"location", "+59.33+018.07/"}}});
  ASSERT_NE(bytes.find("Night shift"), std::string::npos);
  ASSERT_NE(bytes.find("+59.33"), std::string::npos);
  const auto part = Artifact(RunOn("video", bytes, {{"trim", kOneToThree}}), "trim.mov");
  ASSERT_FALSE(part.empty());
  EXPECT_EQ(part.find("Night shift"), std::string::npos);
  EXPECT_EQ(part.find("+59.33"), std::string::npos);
}

TEST(Trim, IsTheSameEachTime) {
  for (const char* muxer : {"ogg", "matroska"}) {
    const auto bytes = Make({.muxer = muxer, .tones = {{.codec = "libvorbis"}}});
    EXPECT_EQ(Trim(bytes, {0.5, 1})->artifact.bytes, Trim(bytes, {0.5, 1})->artifact.bytes) << muxer;
  }
}

TEST(Trim, RefusesWhatLiesBeyondTheEnd) {
  const auto bytes = Make({.tones = {{.seconds = 2}}});
  EXPECT_EQ(CodeOf(RunOn("audio", bytes, {{"trim", R"({"start":2,"duration":1})"}})), "beyond-end");
  const auto film = Make({.muxer = "mp4", .films = {{.scenes = {Scene(50, 30)}}}});
  EXPECT_EQ(CodeOf(RunOn("video", film, {{"trim", R"({"start":2,"duration":1})"}})), "beyond-end");
  const auto tail = RunOn("audio", bytes, {{"trim", R"({"start":1.5,"duration":100})"}});
  EXPECT_EQ(NumberAt(tail, "/trim/durationMs"), 500);
}

TEST(Trim, RefusesContainersThatItDoesNotWrite) {
  const auto bytes = Make({.muxer = "aiff", .tones = {{.codec = "pcm_s16be"}}});
  EXPECT_EQ(CodeOf(RunOn("audio", bytes, {{"trim", kOneToThree}})), "unsupported-format");
}

}  // namespace
}  // namespace processors::media
