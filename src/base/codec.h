// A compact binary form for what our own processes exchange and keep (partials, executor frames): LEB128 varints,
// length-prefixed strings, little-endian doubles.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace base {

static_assert(std::endian::native == std::endian::little);

class Encoder {
 public:
  void Varint(std::uint64_t value) {
    while (value >= 0x80) {
      out_ += static_cast<char>(value | 0x80U);
      value >>= 7U;
    }
    out_ += static_cast<char>(value);
  }
  void Signed(std::int64_t value) {
    Varint(static_cast<std::uint64_t>(value) << 1U ^ static_cast<std::uint64_t>(value >> 63U));
  }
  void Text(std::string_view text) {
    Varint(text.size());
    out_ += text;
  }
  void Double(double value) {
    char bytes[sizeof value];
    std::memcpy(bytes, &value, sizeof value);
    out_.append(bytes, sizeof value);
  }
  [[nodiscard]] std::string Take() && { return std::move(out_); }

 private:
  std::string out_;
};

// Reads what Encoder wrote. After anything wrong ok() is false and every further read is 0 or "".
class Decoder {
 public:
  explicit Decoder(std::string_view bytes) : bytes_(bytes) {}
  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] bool done() const { return ok_ && bytes_.empty(); }
  [[nodiscard]] std::string_view rest() const { return bytes_; }
  void Fail() {
    ok_ = false;
    bytes_ = {};
  }
  std::uint64_t Varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && !bytes_.empty(); shift += 7) {
      const auto byte = static_cast<unsigned char>(bytes_.front());
      bytes_.remove_prefix(1);
      if (shift == 63 && byte > 1) break;
      value |= static_cast<std::uint64_t>(byte & 0x7fU) << shift;
      if (byte < 0x80) return value;
    }
    Fail();
    return 0;
  }
  // At most `most`, else the input is wrong.
  std::uint64_t Count(std::uint64_t most) {
    const std::uint64_t value = Varint();
    if (value <= most) return value;
    Fail();
    return 0;
  }
  std::int64_t Signed() {
    const std::uint64_t value = Varint();
    return static_cast<std::int64_t>(value >> 1U ^ (~(value & 1U) + 1U));
  }
  std::string_view Text(std::size_t most) {
    const std::size_t size = Count(most);
    if (!ok_ || size > bytes_.size()) {
      Fail();
      return {};
    }
    const auto text = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return text;
  }
  double Double() {
    double value = 0;
    if (bytes_.size() < sizeof value) {
      Fail();
      return 0;
    }
    std::memcpy(&value, bytes_.data(), sizeof value);
    bytes_.remove_prefix(sizeof value);
    return value;
  }

 private:
  std::string_view bytes_;
  bool ok_ = true;
};

}  // namespace base
