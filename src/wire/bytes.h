// Little-endian bytes of our own formats: LEB128 varints, zigzag for signed numbers, strings with their length before
// them. A reader never reads past its view and never trusts a length.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "base/hash.h"

namespace wire {

inline constexpr std::size_t kMaxVarintBytes = 10;

inline std::uint64_t ZigZag(std::int64_t value) {
  return static_cast<std::uint64_t>(value) << 1U ^ static_cast<std::uint64_t>(value >> 63);
}
inline std::int64_t UnZigZag(std::uint64_t value) {
  return static_cast<std::int64_t>(value >> 1U ^ (0 - (value & 1U)));
}

inline void PutVarint(std::string& out, std::uint64_t value) {
  char buffer[kMaxVarintBytes];
  std::size_t size = 0;
  while (value >= 0x80) {
    buffer[size++] = static_cast<char>(value | 0x80U);
    value >>= 7U;
  }
  buffer[size++] = static_cast<char>(value);
  out.append(buffer, size);
}
inline void PutSigned(std::string& out, std::int64_t value) {
  PutVarint(out, ZigZag(value));
}
inline void PutBytes(std::string& out, std::string_view bytes) {
  PutVarint(out, bytes.size());
  out.append(bytes);
}

// After the first bad read every further one answers zero or empty, and ok() is false: check once at the end, and
// before trusting a count.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] bool AtEnd() const { return ok_ && at_ == end_; }
  [[nodiscard]] std::size_t left() const { return static_cast<std::size_t>(end_ - at_); }
  void Fail() {
    ok_ = false;
    at_ = end_;
  }

  std::uint8_t Byte() {
    if (at_ == end_) {
      Fail();
      return 0;
    }
    return static_cast<std::uint8_t>(*at_++);
  }
  // Only the shortest form is accepted, so that equal values have equal bytes.
  std::uint64_t Varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const std::uint8_t byte = Byte();
      if (shift == 63 && byte > 1) break;
      value |= static_cast<std::uint64_t>(byte & 0x7FU) << shift;
      if ((byte & 0x80U) == 0) {
        if (byte == 0 && shift != 0) break;
        return value;
      }
    }
    Fail();
    return 0;
  }
  std::uint32_t Varint32() {
    const std::uint64_t value = Varint();
    if (value > UINT32_MAX) Fail();
    return ok_ ? static_cast<std::uint32_t>(value) : 0;
  }
  std::int64_t Signed() { return UnZigZag(Varint()); }
  std::string_view Raw(std::size_t size) {
    if (size > left()) {
      Fail();
      return {};
    }
    const std::string_view bytes(at_, size);
    at_ += size;
    return bytes;
  }
  std::string_view Bytes() {
    const std::uint64_t size = Varint();
    if (size > left()) {
      Fail();
      return {};
    }
    return Raw(static_cast<std::size_t>(size));
  }
  base::Sha256 Sha() {
    base::Sha256 out{};
    const std::string_view bytes = Raw(out.size());
    if (!bytes.empty()) std::memcpy(out.data(), bytes.data(), out.size());
    return out;
  }
  // A count of things that take at least `least` bytes each: refused when they cannot all follow.
  std::size_t Count(std::size_t least) {
    const std::uint64_t count = Varint();
    if (count > left() / least) {
      Fail();
      return 0;
    }
    return static_cast<std::size_t>(count);
  }

 private:
  const char* at_;
  const char* end_;
  bool ok_ = true;
};

}  // namespace wire
