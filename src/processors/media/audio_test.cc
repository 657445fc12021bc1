#include <gtest/gtest.h>

#include "processors/media/peaks.h"
#include "processors/media/test_media.h"

namespace processors::media {
namespace {

TEST(Audio, LoudnessOfATestToneIsWhatEbuSays) {
  // EBU Tech 3341, case 1: a 1 kHz sine of -23 dBFS on both channels for 20 s reads -23.0 LUFS +-0.1.
  const auto ran = RunOn("audio", Make({.tones = {{.seconds = 20}}}));
  EXPECT_NEAR(NumberAt(ran, "/audio/loudness/integratedLufs"), -23.0, 0.1);
  EXPECT_NEAR(NumberAt(ran, "/audio/loudness/rangeLu"), 0, 0.1);
  EXPECT_NEAR(NumberAt(ran, "/audio/loudness/samplePeakDb"), -23.0, 0.05);
  EXPECT_NEAR(NumberAt(ran, "/audio/loudness/truePeakDbtp"), -23.0, 0.2);
  // One channel alone has half of the power.
  const auto mono = RunOn("audio", Make({.tones = {{.channels = 1}}}));
  EXPECT_NEAR(NumberAt(mono, "/audio/loudness/integratedLufs"), -26.0, 0.1);
}

TEST(Audio, SurroundChannelsWeighMoreAndTheBassChannelNothing) {
  // Five channels of weight 1, 1, 1, 1.41, 1.41 against two: 10 log10(5.82 / 2) = 4.64 LU.
  const auto ran = RunOn("audio", Make({.tones = {{.channels = 6}}}));
  EXPECT_EQ(TextAt(ran, "/audio/layout"), "5.1");
  EXPECT_NEAR(NumberAt(ran, "/audio/loudness/integratedLufs"), -23.0 + 4.64, 0.1);
}

TEST(Audio, TruePeakSeesBetweenTheSamples) {
  // A sixth of the sampling rate from phase 0 is sampled at sin 60 degrees at most: 1.25 dB below its crest.
  const auto ran = RunOn("audio", Make({.tones = {{.hertz = 8000, .dbfs = -6}}}));
  EXPECT_NEAR(NumberAt(ran, "/audio/loudness/samplePeakDb"), -7.25, 0.02);
  EXPECT_NEAR(NumberAt(ran, "/audio/loudness/truePeakDbtp"), -6, 0.4);  // its hard edges overshoot a little
}

TEST(Audio, SilenceHasNoLoudness) {
  const auto ran = RunOn("audio", Make({.tones = {{.dbfs = -200}}}));
  EXPECT_TRUE(At(ran, "/audio/loudness/integratedLufs").is_null());
  EXPECT_TRUE(At(ran, "/audio/loudness/truePeakDbtp").is_null());
  EXPECT_TRUE(bool(At(ran, "/audio/silent")));
  EXPECT_EQ(NumberAt(ran, "/audio/peaks/max/0"), 0);
}

TEST(Audio, EveryContainerAndCodecIsRead) {
  const struct {
    const char* muxer;
    const char* codec;
    const char* container;
    const char* name;
  } cases[] = {
      {"wav", "pcm_s16le", "wav", "pcm_s16le"},
      {"wav", "pcm_s24le", "wav", "pcm_s24le"},
      {"wav", "pcm_f32le", "wav", "pcm_f32le"},
      {"flac", "flac", "flac", "flac"},
      {"mp3", "libmp3lame", "mp3", "mp3"},
      {"ogg", "libvorbis", "ogg", "vorbis"},
      {"ogg", "libopus", "ogg", "opus"},
      {"ogg", "flac", "ogg", "flac"},
      {"mp4", "aac", "mp4", "aac"},
      {"ipod", "alac", "mp4", "alac"},
      {"mov", "pcm_s16be", "mov", "pcm_s16be"},
      {"adts", "aac", "aac", "aac"},
      {"aiff", "pcm_s16be", "aiff", "pcm_s16be"},
      {"matroska", "flac", "matroska", "flac"},
      {"webm", "libopus", "webm", "opus"},
      {"mpegts", "aac", "mpegts", "aac"},
      {"avi", "pcm_s16le", "avi", "pcm_s16le"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(std::string(c.muxer) + " " + c.codec);
    const bool film = c.muxer == std::string("avi");  // AVI says that it is a video by its first bytes
    Recipe recipe{.muxer = c.muxer, .tones = {{.codec = c.codec, .seconds = 3}}};
    if (film) recipe.films = {{.scenes = {Scene(75, 100)}}};
    const auto ran = RunOn(film ? "video" : "audio", Make(recipe));
    ASSERT_EQ(CodeOf(ran), "ok") << ran.error().error.message;
    EXPECT_TRUE(ran->result_json.starts_with(std::string(R"({"container":")") + c.container + "\""))
        << ran->result_json;
    EXPECT_EQ(TextAt(ran, "/audio/codec"), c.name);
    EXPECT_EQ(NumberAt(ran, "/audio/sampleRate"), 48000);
    EXPECT_EQ(NumberAt(ran, "/audio/channels"), 2);
    EXPECT_NEAR(NumberAt(ran, "/durationMs"), 3000, 50);
    EXPECT_NEAR(NumberAt(ran, "/audio/loudness/integratedLufs"), -23, 0.5);  // LAME scales by 0.95
  }
}

TEST(Audio, TheFingerprintSurvivesLossyCodingAndTellsTonesApart) {
  const Tone tone{.seconds = 10, .hertz = 700, .dbfs = -12};
  auto coded = tone;
  coded.codec = "libmp3lame";
  auto other = tone;
  other.hertz = 950;
  const auto one = RunOn("audio", Make({.tones = {tone}}));
  const auto two = RunOn("audio", Make({.muxer = "mp3", .tones = {coded}}));
  const auto three = RunOn("audio", Make({.tones = {other}}));
  EXPECT_EQ(one->perceptual.size(), 8U);
  EXPECT_EQ(one->perceptual, TextAt(one, "/audio/fingerprint/hash"));
  EXPECT_EQ(one->perceptual, two->perceptual);
  EXPECT_NE(one->perceptual, three->perceptual);
  // Shorter than the fingerprint's first window: none, and nothing made up.
  const auto brief = RunOn("audio", Make({.tones = {{.seconds = 0.5}}}));
  EXPECT_EQ(brief->perceptual, "");
}

TEST(Audio, PeaksOutlineTheWaveform) {
  const auto ran = RunOn("audio", Make({.tones = {{.dbfs = -6}}}));
  EXPECT_EQ(NumberAt(ran, "/audio/peaks/count"), 128);
  EXPECT_NEAR(NumberAt(ran, "/audio/peaks/max/64"), 0.501, 0.002);
  EXPECT_NEAR(NumberAt(ran, "/audio/peaks/min/64"), -0.501, 0.002);
}

TEST(Audio, TagsAreKeptShortAndPlacesLeftOut) {
  const auto ran = RunOn("audio", Make({.muxer = "matroska",
                                        .tones = {{.codec = "flac"}},
                                        .tags = {{"title", "Night\n shift"},
                                                 {"artist", std::string(1000, 'a')},
                                                 {"location", "+59.33+018.07/"},
                                                 {"comment", "at home"}}}));
  EXPECT_EQ(TextAt(ran, "/tags/title"), "Night shift");
  EXPECT_EQ(TextAt(ran, "/tags/artist").size(), 256U);
  EXPECT_EQ(ran->result_json.find("59.33"), std::string::npos);
  EXPECT_EQ(ran->result_json.find("at home"), std::string::npos);
}

TEST(Peaks, DoNotDependOnHowTheSamplesCome) {
  std::vector<float> samples;
  for (int i = 0; i < 100'000; ++i) samples.push_back(static_cast<float>(i % 997) / 997 - 0.5F);
  Peaks whole;
  whole.Add(samples, 2);
  Peaks parts;
  for (std::size_t at = 0; at < samples.size();) {
    const std::size_t count = std::min<std::size_t>(samples.size() - at, 2 * (1 + at % 313));
    parts.Add(std::span(samples).subspan(at, count), 2);
    at += count;
  }
  EXPECT_EQ(whole.Columns(640), parts.Columns(640));
  EXPECT_EQ(whole.Columns(640).size(), 640U);
}

TEST(Peaks, ShortSoundsHaveAColumnForEachSample) {
  Peaks peaks;
  const float samples[] = {0.5F, -0.25F, 3.0F};
  peaks.Add(samples, 1);
  EXPECT_EQ(peaks.Columns(128), (std::vector<Peak>{{0.5F, 0.5F}, {-0.25F, -0.25F}, {1.0F, 1.0F}}));
  EXPECT_TRUE(Peaks().Columns(128).empty());
}

}  // namespace
}  // namespace processors::media
