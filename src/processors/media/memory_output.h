// A seekable file in memory that a muxer writes, of bounded size.
#pragma once

#include <cstdint>
#include <string>

#include "processors/media/av.h"

namespace processors::media {

// Not thread-safe.
class MemoryOutput {
 public:
  explicit MemoryOutput(std::size_t most);
  MemoryOutput(const MemoryOutput&) = delete;
  MemoryOutput& operator=(const MemoryOutput&) = delete;

  [[nodiscard]] AVIOContext* io() const { return io_.get(); }
  [[nodiscard]] bool overflowed() const { return overflowed_; }  // a write past `most` was refused
  // After the muxer has written its trailer.
  [[nodiscard]] std::string Take() && { return std::move(bytes_); }

 private:
  static int OnWrite(void* opaque, std::uint8_t* data, int size);
  static std::int64_t OnSeek(void* opaque, std::int64_t offset, int whence);

  const std::size_t most_;
  std::string bytes_;
  std::size_t position_ = 0;
  bool overflowed_ = false;
  AvPtr<AVIOContext> io_;
};

}  // namespace processors::media
