#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <random>

#include "job/limits.h"
#include "processors/media/input.h"
#include "processors/media/test_media.h"

namespace processors::media {
namespace {

std::string SmallFilm(const char* muxer, const char* codec) {
  return Make({.muxer = muxer,
               .tones = {{.codec = muxer == std::string("webm") ? "libopus" : "aac", .seconds = 1}},
               .films = {{.codec = codec, .scenes = {Scene(12, 30), Scene(13, 220)}}}});
}

// 32 bits, the highest byte first.
std::string Big(std::uint32_t value) {
  std::string out;
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(value >> static_cast<unsigned>(shift) & 0xffU);
  return out;
}

// The offset behind the atom's name, for patching its fields.
std::size_t Atom(const std::string& bytes, std::string_view name) {
  const auto at = bytes.find(name);
  EXPECT_NE(at, std::string::npos) << name;
  return at + name.size();
}

class TempFile {
 public:
  explicit TempFile(const std::string& bytes) {
    char name[] = "/tmp/ut-media-XXXXXX";
    const int fd = mkstemp(name);
    EXPECT_GE(fd, 0);
    close(fd);
    path_ = name;
    std::ofstream(path_, std::ios::binary) << bytes;
  }
  ~TempFile() { std::filesystem::remove(path_); }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

TEST(Hostile, TheDeclaredTypeIsHeldAgainstTheStreams) {
  const auto film = SmallFilm("mp4", "mpeg4");
  const auto sound = Make({.muxer = "mp4", .tones = {{.codec = "aac"}}});
  EXPECT_EQ(CodeOf(RunOn("audio", film)), "type-mismatch");
  EXPECT_NE(RunOn("audio", film).error().error.message.find("is a video"), std::string::npos);
  EXPECT_EQ(CodeOf(RunOn("video", sound)), "type-mismatch");
  EXPECT_EQ(CodeOf(RunOn("audio", Make({.muxer = "matroska", .films = {{.scenes = {Scene(5, 9)}}}}))), "type-mismatch");
  EXPECT_EQ(CodeOf(RunOn("audio", Png(4, 4))), "type-mismatch");
  EXPECT_EQ(CodeOf(RunOn("audio", "")), "empty-source");
  EXPECT_EQ(CodeOf(RunOn("image", sound)), "unsupported-verb");
}

TEST(Hostile, WhatIsNoMediaIsRefused) {
  EXPECT_EQ(CodeOf(RunOn("audio", "hello, this is a text and not a sound at all")), "unsupported-format");
  EXPECT_EQ(CodeOf(RunOn("audio", std::string(5000, '\0'))), "unsupported-format");
  EXPECT_EQ(CodeOf(RunOn("audio", std::string("RIFF\x24\0\0\0WAVE", 12) + std::string(100, 'x'))), "invalid-media");
  EXPECT_EQ(CodeOf(RunOn("audio", "ID3")), "invalid-media");
  EXPECT_EQ(CodeOf(RunOn("video", std::string("\0\0\0\x14"
                                              "ftypisom\0\0\0\0isom",
                                              20))),
            "invalid-media");
}

TEST(Hostile, ListsOfOtherFilesAreRefused) {
  const TempFile sound(Make({.tones = {{}}}));
  const std::string lists[] = {
      "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nfile://" + sound.path() + "\n#EXT-X-ENDLIST\n",
      "\n#EXTM3U\n#EXTINF:2,\n" + sound.path() + "\n",
      "ffconcat version 1.0\nfile " + sound.path() + "\n",
      R"(<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><Period><BaseURL>)" + sound.path() +
          "</BaseURL></Period></MPD>",
      "[playlist]\nFile1=" + sound.path() + "\n",
      "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nm=audio 5004 RTP/AVP 0\n",
  };
  for (const auto& list : lists) {
    const auto ran = RunOn("audio", list);
    EXPECT_TRUE(CodeOf(ran) == "type-mismatch" || CodeOf(ran) == "unsupported-format") << CodeOf(ran) << list;
  }
}

// A data reference that says "the samples are in another file": QuickTime's alias record with an absolute path, put
// into the place of the one that says "in this file".
std::string WithAlias(std::string bytes, const std::string& path) {
  const std::string here(
      "\0\0\0\x0c"
      "url \0\0\0\1",
      12);
  const auto at = bytes.find(here);
  EXPECT_NE(at, std::string::npos);
  std::string alias = std::string("alis\0\0\0\0", 8) + std::string(150, '\0');
  alias += std::string("\0\2\0", 3) + static_cast<char>(path.size()) + path;
  if (path.size() % 2 != 0) alias += '\0';
  alias += std::string("\xff\xff\0\0", 4);
  alias = Big(static_cast<std::uint32_t>(alias.size() + 4)) + alias;
  bytes.replace(at, here.size(), alias);
  const auto moov = bytes.rfind("moov", at);
  for (const char* name : {"moov", "trak", "mdia", "minf", "dinf", "dref"}) {
    const auto atom = bytes.find(name, moov);
    std::uint32_t size = 0;
    for (std::size_t i = atom - 4; i < atom; ++i) size = size << 8U | static_cast<unsigned char>(bytes[i]);
    bytes.replace(atom - 4, 4, Big(size + static_cast<std::uint32_t>(alias.size() - here.size())));
  }
  return bytes;
}

TEST(Hostile, SamplesInAnotherFileAreNotFetched) {
  const auto sound = Make({.muxer = "mov", .tones = {{.codec = "pcm_s16le"}}});
  ASSERT_EQ(CodeOf(RunOn("audio", sound)), "ok");
  const TempFile other(sound);
  const auto ran = RunOn("audio", WithAlias(sound, other.path()));
  EXPECT_EQ(CodeOf(ran), "invalid-media");
}

TEST(Hostile, NothingElseIsOpenedForAFile) {
  const auto bytes = SmallFilm("matroska", "mpeg4");
  const auto input = Input::Open(bytes);
  ASSERT_TRUE(input.has_value());
  AVIOContext* io = nullptr;
  EXPECT_LT((*input)->format()->io_open((*input)->format(), &io, "/dev/null", AVIO_FLAG_READ, nullptr), 0);
  EXPECT_EQ((*input)->refused_opens(), 1U);
}

TEST(Hostile, TooManyStreamsAreRefused) {
  Recipe recipe{.muxer = "matroska"};
  for (std::uint32_t i = 0; i < job::kMaxMediaStreams; ++i) recipe.tones.push_back({.codec = "flac", .seconds = 0.2});
  EXPECT_EQ(CodeOf(RunOn("audio", Make(recipe))), "ok");
  recipe.tones.push_back(recipe.tones.front());
  EXPECT_EQ(CodeOf(RunOn("audio", Make(recipe))), "too-many-streams");
  for (int i = 0; i < 100; ++i) recipe.tones.push_back(recipe.tones.front());
  EXPECT_EQ(CodeOf(RunOn("audio", Make(recipe))), "too-many-streams");
}

TEST(Hostile, ADeclaredDurationIsHeldAgainstTheLimitAndTheSound) {
  auto bytes = Make({.muxer = "mp4", .tones = {{.codec = "aac"}}});
  const auto header = Atom(bytes, "mvhd");  // version and flags, two dates, time scale (1000), duration
  bytes.replace(header + 16, 4, Big(14'401'000));
  EXPECT_EQ(CodeOf(RunOn("audio", bytes)), "too-long");
  bytes.replace(header + 16, 4, Big(3'600'000));
  EXPECT_EQ(CodeOf(RunOn("audio", bytes)), "ok");  // the track knows better
  auto flac = Make({.muxer = "flac", .tones = {{.codec = "flac"}}});
  flac.replace(22, 4, Big(3600 * 48000));  // samples, in STREAMINFO
  EXPECT_EQ(CodeOf(RunOn("audio", flac)), "truncated-media");
}

TEST(Hostile, AHugeFrameIsRefusedByItsHeader) {
  const auto wide =
      Make({.muxer = "avi", .films = {{.codec = "mjpeg", .width = 8208, .height = 16, .scenes = {Scene(1, 50)}}}});
  EXPECT_EQ(CodeOf(RunOn("video", wide)), "video-too-large");
  // 65535 x 65535 in the container's header and in every frame's: 6 GB each, if they were believed.
  auto bomb = Make({.muxer = "avi", .films = {{.codec = "mjpeg", .scenes = {Scene(5, 50)}}}});
  const auto format = Atom(bomb, "strf") + 4;  // BITMAPINFOHEADER: its size, width, height
  bomb.replace(format + 4, 8, std::string("\xff\xff\0\0\xff\xff\0\0", 8));
  const std::string frame_header("\xff\xc0\0\x11\x08", 5);
  for (auto at = bomb.find(frame_header); at != std::string::npos; at = bomb.find(frame_header, at + 9)) {
    bomb.replace(at + 5, 4, "\xff\xff\xff\xff");
  }
  EXPECT_EQ(CodeOf(RunOn("video", bomb)), "video-too-large");
}

TEST(Hostile, ForeignCodecsAreNamed) {
  const auto ran = RunOn("audio", Make({.muxer = "matroska", .tones = {{.codec = "ac3", .bit_rate = 192'000}}}));
  EXPECT_EQ(CodeOf(ran), "unsupported-codec");
  EXPECT_NE(ran.error().error.message.find("ac3"), std::string::npos);
  // Beside a film, foreign sound is left out.
  const auto film = RunOn("video", Make({.muxer = "matroska",
                                         .tones = {{.codec = "ac3", .bit_rate = 192'000}},
                                         .films = {{.scenes = {Scene(50, 70)}}}}));
  ASSERT_EQ(CodeOf(film), "ok");
  EXPECT_EQ(film->result_json.find("\"audio\":{"), std::string::npos);
  EXPECT_EQ(TextAt(film, "/streams/1/codec"), "ac3");
}

TEST(Hostile, AFileThatEndsEarlyIsTruncated) {
  const struct {
    const char* muxer;
    const char* codec;
  } cases[] = {{"flac", "flac"}, {"mp3", "libmp3lame"}, {"matroska", "flac"}, {"wav", "pcm_s16le"}};
  for (const auto& c : cases) {
    const auto bytes = Make({.muxer = c.muxer, .tones = {{.codec = c.codec, .seconds = 10}}});
    EXPECT_EQ(CodeOf(RunOn("audio", bytes.substr(0, bytes.size() / 2))), "truncated-media") << c.muxer;
  }
  const auto film = SmallFilm("mp4", "mpeg4");  // its index comes last
  EXPECT_EQ(CodeOf(RunOn("video", film.substr(0, film.size() / 2))), "invalid-media");
}

TEST(Hostile, DamageIsToleratedInOnePacketAndRefusedInMany) {
  const auto whole = Make({.muxer = "flac", .tones = {{.codec = "flac", .seconds = 20}}});
  auto scratched = whole;
  scratched[scratched.size() / 2] ^= 0x55;
  const auto ran = RunOn("audio", scratched);
  ASSERT_EQ(CodeOf(ran), "ok");
  EXPECT_GE(NumberAt(ran, "/damagedPackets"), 1);
  auto broken = whole;
  for (std::size_t at = 9000; at < broken.size(); at += 2000) broken[at] ^= 0x55;
  EXPECT_EQ(CodeOf(RunOn("audio", broken)), "invalid-media");
}

// Whatever is done to a file, there is an answer, and it is one of ours.
TEST(Hostile, MutatedFilesAreAnsweredFor) {
  const std::vector<std::pair<const char*, std::string>> seeds = {
      {"audio", Make({.muxer = "mp3", .tones = {{.codec = "libmp3lame", .seconds = 0.5}}, .cover = Png(8, 8)})},
      {"audio", Make({.muxer = "ogg", .tones = {{.codec = "libvorbis", .seconds = 0.5}}})},
      {"audio", Make({.muxer = "flac", .tones = {{.codec = "flac", .seconds = 0.5}}})},
      {"audio", Make({.muxer = "wav", .tones = {{.seconds = 0.1}}})},
      {"audio", Make({.muxer = "aiff", .tones = {{.codec = "pcm_s16be", .seconds = 0.1}}})},
      {"audio", Make({.muxer = "ipod", .tones = {{.codec = "alac", .seconds = 0.5}}})},
      {"video", SmallFilm("mp4", "libx264")},
      {"video", SmallFilm("webm", "libvpx")},
      {"video", SmallFilm("avi", "mjpeg")},
      {"video", SmallFilm("mpegts", "libx264")},
  };
  const std::vector<ports::Operation> operations = {
      {"poster", "{}"}, {"waveform", "{}"}, {"trim", R"({"start":0.1,"duration":0.3})"}};
  std::mt19937 random(20260101);
  for (const auto& [verb, seed] : seeds) {
    ASSERT_TRUE(RunOn(verb, seed).has_value()) << verb << RunOn(verb, seed).error().error.message;
    for (int round = 0; round < 40; ++round) {
      auto bytes = seed;
      // Most of the danger is in headers: half of the changes fall into the first 512 bytes or the last.
      for (int i = 0; i < 1 + round % 8; ++i) {
        const std::size_t span = random() % 2 == 0 ? bytes.size() : std::min<std::size_t>(bytes.size(), 512);
        const std::size_t at = random() % 2 == 0 ? random() % span : bytes.size() - 1 - random() % span;
        bytes[at] = static_cast<char>(random() % 3 == 0 ? 0xff : random());
      }
      if (round % 5 == 4) bytes.resize(random() % bytes.size());
      const auto ran = RunOn(verb, bytes, operations);
      if (!ran) {
        const bool memory = CodeOf(ran) == "memory-limit";  // a header may claim any amount
        EXPECT_EQ(ran.error().blame, memory ? ports::Blame::kLethal : ports::Blame::kInput) << CodeOf(ran);
        EXPECT_FALSE(ran.error().error.code.empty());
      } else {
        EXPECT_LE(ran->result_json.size(), job::kMaxResultBytes);
      }
    }
  }
}

TEST(Hostile, LackOfMemoryCountsAsADeath) {
  const auto refused = RefuseAv("the file cannot be read", AVERROR(ENOMEM));
  EXPECT_EQ(refused.error().error.code, "memory-limit");
  EXPECT_EQ(refused.error().blame, ports::Blame::kLethal);
  EXPECT_EQ(RefuseAv("the file cannot be read", AVERROR_INVALIDDATA).error().blame, ports::Blame::kInput);
}

}  // namespace
}  // namespace processors::media
