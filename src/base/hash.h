// SHA-256, HMAC and the text forms of bytes. Pure; thread-safe. OpenSSL 3 underneath.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace base {

using Sha256 = std::array<std::uint8_t, 32>;

[[nodiscard]] Sha256 Sha256Of(std::string_view bytes);
[[nodiscard]] Sha256 HmacSha256(std::string_view key, std::string_view message);
// Compares in constant time; false for different lengths.
[[nodiscard]] bool ConstantTimeEqual(std::string_view a, std::string_view b);

// Incremental SHA-256. Not thread-safe; Finish once, last.
class Sha256Stream {
 public:
  Sha256Stream();
  ~Sha256Stream();
  Sha256Stream(Sha256Stream&&) noexcept;
  Sha256Stream& operator=(Sha256Stream&&) noexcept;
  void Update(std::string_view bytes);
  [[nodiscard]] Sha256 Finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

[[nodiscard]] std::string ToHex(std::string_view bytes);  // lower case
[[nodiscard]] inline std::string_view View(const Sha256& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}
[[nodiscard]] inline std::string ToHex(const Sha256& digest) {
  return ToHex(View(digest));
}
[[nodiscard]] std::optional<std::string> FromHex(std::string_view hex);
[[nodiscard]] std::optional<Sha256> Sha256FromHex(std::string_view hex);  // exactly 64 lower- or upper-case digits

// RFC 4648 section 4 with padding; FromBase64 refuses anything else (spaces, missing padding, stray bits).
[[nodiscard]] std::string ToBase64(std::string_view bytes);
[[nodiscard]] std::optional<std::string> FromBase64(std::string_view text);
// RFC 4648 section 5 without padding, as JWTs use it.
[[nodiscard]] std::string ToBase64Url(std::string_view bytes);
[[nodiscard]] std::optional<std::string> FromBase64Url(std::string_view text);

}  // namespace base
