// What every stored row is made of: a version byte, then flags, times and the rest of wire/bytes.h.
#pragma once

#include <fmt/format.h>

#include <bit>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "base/error.h"
#include "wire/bytes.h"

namespace wire {

inline constexpr std::uint8_t kRowVersion = 1;

[[nodiscard]] inline std::string NewRow() {
  return {static_cast<char>(kRowVersion)};
}

inline void PutFlag(std::string& out, bool value) {
  out.push_back(value ? 1 : 0);
}
inline void PutTime(std::string& out, base::TimePoint time) {
  PutSigned(out, base::UnixMicros(time));
}
inline void PutReal(std::string& out, double value) {
  const auto bits = std::bit_cast<std::uint64_t>(value);
  for (unsigned shift = 0; shift < 64; shift += 8) out.push_back(static_cast<char>(bits >> shift & 0xFFU));
}
template <typename T, typename Put>
inline void PutOptional(std::string& out, const std::optional<T>& value, Put put) {
  PutFlag(out, value.has_value());
  if (value) put(out, *value);
}

// A ByteReader that knows our version byte, flags and times.
class RowReader : public ByteReader {
 public:
  explicit RowReader(std::string_view bytes) : ByteReader(bytes) { version_ = Byte(); }
  bool Flag() {
    const std::uint8_t value = Byte();
    if (value > 1) Fail();
    return value == 1;
  }
  std::string Text() { return std::string(Bytes()); }
  std::int32_t Signed32() {
    const std::int64_t value = Signed();
    if (!std::in_range<std::int32_t>(value)) Fail();
    return ok() ? static_cast<std::int32_t>(value) : 0;
  }
  base::TimePoint Time() { return base::FromUnixMicros(Signed()); }
  double Real() {
    std::uint64_t bits = 0;
    for (unsigned shift = 0; shift < 64; shift += 8) bits |= std::uint64_t{Byte()} << shift;
    return std::bit_cast<double>(bits);
  }
  template <typename Enum>
  Enum OneOf(std::uint8_t last) {
    const std::uint8_t value = Byte();
    if (value > last) Fail();
    return static_cast<Enum>(ok() ? value : 0);
  }
  template <typename T, typename Get>
  std::optional<T> Optional(Get get) {
    if (!Flag()) return std::nullopt;
    return get();
  }
  // OK only after exactly one whole row of our version.
  [[nodiscard]] base::Status End(std::string_view what) const {
    if (version_ != kRowVersion && version_ != 0) {
      return base::Fail(base::Code::kCorrupt,
                        fmt::format("a stored {} has version {}, this build reads {}", what, version_, kRowVersion));
    }
    if (version_ == kRowVersion && AtEnd()) return {};
    return base::Fail(base::Code::kCorrupt, fmt::format("a stored {} does not decode", what));
  }

 private:
  std::uint8_t version_ = 0;
};

}  // namespace wire
