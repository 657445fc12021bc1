#include "processors/media/memory_output.h"

#include <algorithm>
#include <cstring>

namespace processors::media {

namespace {

constexpr int kBufferBytes = 32 * 1024;

}  // namespace

MemoryOutput::MemoryOutput(std::size_t most) : most_(most) {
  auto* buffer = static_cast<unsigned char*>(av_malloc(kBufferBytes));
  if (buffer == nullptr) throw std::bad_alloc();
  io_ = Own(avio_alloc_context(buffer, kBufferBytes, 1, this, nullptr, OnWrite, OnSeek));
}

int MemoryOutput::OnWrite(void* opaque, std::uint8_t* data, int size) {
  auto& self = *static_cast<MemoryOutput*>(opaque);
  const auto count = static_cast<std::size_t>(std::max(size, 0));
  if (count > self.most_ - self.position_) {
    self.overflowed_ = true;
    return AVERROR(ENOSPC);
  }
  try {
    if (self.bytes_.size() < self.position_ + count) self.bytes_.resize(self.position_ + count);
  } catch (const std::bad_alloc&) {  // not through libav's frames
    return AVERROR(ENOMEM);
  }
  std::memcpy(self.bytes_.data() + self.position_, data, count);
  self.position_ += count;
  return size;
}

std::int64_t MemoryOutput::OnSeek(void* opaque, std::int64_t offset, int whence) {
  auto& self = *static_cast<MemoryOutput*>(opaque);
  if (whence == AVSEEK_SIZE) return static_cast<std::int64_t>(self.bytes_.size());
  if ((whence & ~AVSEEK_FORCE) != SEEK_SET || offset < 0 || static_cast<std::size_t>(offset) > self.most_) {
    return AVERROR(EINVAL);
  }
  self.position_ = static_cast<std::size_t>(offset);
  return offset;
}

}  // namespace processors::media
