// A file of audio or video in memory, opened: demuxers and decoders from short lists, nothing but the given bytes is
// ever read. Streams and sizes are checked by what the headers say before anything is decoded.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "processors/media/av.h"

namespace processors::media {

inline constexpr std::int64_t kMaxVideoPixels = 8192LL * 4608;  // a whole 8K frame, upright or lying

// The decoder for a codec, nullptr for codecs that are not decoded here.
[[nodiscard]] const AVCodec* FindDecoder(AVCodecID codec);

// Not thread-safe. `bytes` must outlive it.
class Input {
 public:
  // "unsupported-format", "invalid-media", "too-many-streams", "video-too-large", "too-long", "memory-limit".
  [[nodiscard]] static Processed<std::unique_ptr<Input>> Open(std::string_view bytes);
  ~Input();
  Input(const Input&) = delete;
  Input& operator=(const Input&) = delete;

  [[nodiscard]] AVFormatContext* format() const { return format_; }
  [[nodiscard]] std::string_view bytes() const { return bytes_; }
  [[nodiscard]] std::string_view container() const { return container_; }  // "mp3", "mp4", "webm" …: stable
  [[nodiscard]] AVStream* audio() const { return audio_; }  // the one that players would choose; nullptr: none
  [[nodiscard]] AVStream* video() const { return video_; }  // covers and thumbnails do not count
  [[nodiscard]] AVStream* cover() const { return cover_; }
  // Seconds that the container promises; 0: it does not say, or libav has only guessed.
  [[nodiscard]] double declared_seconds() const;
  // What the chosen streams promise, to hold against what comes; 0: they say nothing. Less than declared_seconds()
  // where subtitles go on after the end.
  [[nodiscard]] double promised_seconds() const;
  // How often the file asked for another file. Always in vain.
  [[nodiscard]] std::uint32_t refused_opens() const { return refused_opens_; }

  // The next packet of any stream. 0, AVERROR_EOF or another of libav's errors.
  [[nodiscard]] int Read(AVPacket& packet);

 private:
  explicit Input(std::string_view bytes) : bytes_(bytes) {}
  Processed<void> OpenContainer();
  Processed<void> FindStreams();
  [[nodiscard]] Processed<void> CheckSize() const;
  [[nodiscard]] Processed<void> CheckDuration() const;
  void ChooseStreams();
  static int OnRead(void* opaque, std::uint8_t* out, int size);
  static std::int64_t OnSeek(void* opaque, std::int64_t offset, int whence);
  static int OnOpen(AVFormatContext* format, AVIOContext** io, const char* url, int flags, AVDictionary** options);

  const std::string_view bytes_;
  std::size_t position_ = 0;
  std::uint64_t handed_out_ = 0;  // bytes of packets so far
  std::uint32_t refused_opens_ = 0;
  std::string_view container_;
  AvPtr<AVIOContext> io_;
  AVFormatContext* format_ = nullptr;
  AVStream* audio_ = nullptr;
  AVStream* video_ = nullptr;
  AVStream* cover_ = nullptr;
};

}  // namespace processors::media
