#include "base/hash.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include <utility>

namespace base {

namespace {

constexpr std::string_view kStandard = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kUrl = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

constexpr std::array<std::uint8_t, 256> ReverseOf(std::string_view alphabet) {
  std::array<std::uint8_t, 256> table{};
  table.fill(0xff);
  for (std::size_t i = 0; i < alphabet.size(); ++i) {
    table[static_cast<unsigned char>(alphabet[i])] = static_cast<std::uint8_t>(i);
  }
  return table;
}
constexpr auto kStandardReverse = ReverseOf(kStandard);
constexpr auto kUrlReverse = ReverseOf(kUrl);

std::string Encode(std::string_view bytes, std::string_view alphabet, std::string_view pad) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  std::size_t i = 0;
  const auto at = [&](std::size_t k) { return static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[k])); };
  for (; i + 3 <= bytes.size(); i += 3) {
    const std::uint32_t word = at(i) << 16U | at(i + 1) << 8U | at(i + 2);
    for (unsigned shift : {18U, 12U, 6U, 0U}) out += alphabet[word >> shift & 63U];
  }
  const std::size_t left = bytes.size() - i;
  if (left == 0) return out;
  const std::uint32_t word = at(i) << 16U | (left == 2 ? at(i + 1) << 8U : 0U);
  out += alphabet[word >> 18U & 63U];
  out += alphabet[word >> 12U & 63U];
  if (left == 2) {
    out += alphabet[word >> 6U & 63U];
    out += pad;
  } else {
    out += pad;
    out += pad;
  }
  return out;
}

// `text` has no padding any more. Refuses lengths of 1 mod 4, foreign characters and set bits past the end.
std::optional<std::string> Decode(std::string_view text, const std::array<std::uint8_t, 256>& reverse) {
  if (text.size() % 4 == 1) return std::nullopt;
  std::string out(text.size() / 4 * 3 + (text.size() % 4 == 0 ? 0 : text.size() % 4 - 1), '\0');
  auto* to = reinterpret_cast<unsigned char*>(out.data());
  std::uint32_t bad = 0;
  const auto value = [&](std::size_t k) {
    const std::uint32_t v = reverse[static_cast<unsigned char>(text[k])];
    bad |= v & 0x80U;
    return v & 63U;
  };
  std::size_t i = 0;
  for (; i + 4 <= text.size(); i += 4) {
    const std::uint32_t word = value(i) << 18U | value(i + 1) << 12U | value(i + 2) << 6U | value(i + 3);
    *to++ = static_cast<unsigned char>(word >> 16U);
    *to++ = static_cast<unsigned char>(word >> 8U);
    *to++ = static_cast<unsigned char>(word);
  }
  if (const std::size_t left = text.size() - i; left == 2) {
    const std::uint32_t word = value(i) << 6U | value(i + 1);
    *to++ = static_cast<unsigned char>(word >> 4U);
    bad |= word & 15U;
  } else if (left == 3) {
    const std::uint32_t word = value(i) << 12U | value(i + 1) << 6U | value(i + 2);
    *to++ = static_cast<unsigned char>(word >> 10U);
    *to++ = static_cast<unsigned char>(word >> 2U);
    bad |= word & 3U;
  }
  if (bad != 0) return std::nullopt;
  return out;
}

}  // namespace

Sha256 Sha256Of(std::string_view bytes) {
  Sha256 out;
  // The one-shot call skips the provider look-up of EVP, which costs more than hashing a small toon.
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), out.data());
  return out;
}

Sha256 HmacSha256(std::string_view key, std::string_view message) {
  Sha256 out;
  unsigned size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(message.data()),
       message.size(), out.data(), &size);
  return out;
}

bool ConstantTimeEqual(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

struct Sha256Stream::Impl {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  Impl() { EVP_DigestInit_ex(context, EVP_sha256(), nullptr); }
  ~Impl() { EVP_MD_CTX_free(context); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
};

Sha256Stream::Sha256Stream() : impl_(std::make_unique<Impl>()) {}
Sha256Stream::~Sha256Stream() = default;
Sha256Stream::Sha256Stream(Sha256Stream&&) noexcept = default;
Sha256Stream& Sha256Stream::operator=(Sha256Stream&&) noexcept = default;

void Sha256Stream::Update(std::string_view bytes) {
  EVP_DigestUpdate(impl_->context, bytes.data(), bytes.size());
}

Sha256 Sha256Stream::Finish() {
  Sha256 out;
  EVP_DigestFinal_ex(impl_->context, out.data(), nullptr);
  return out;
}

std::string ToHex(std::string_view bytes) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (char c : bytes) {
    const auto b = static_cast<unsigned char>(c);
    out += kDigits[b >> 4U];
    out += kDigits[b & 15U];
  }
  return out;
}

std::optional<std::string> FromHex(std::string_view hex) {
  if (hex.size() % 2 != 0) return std::nullopt;
  const auto digit = [](char c) -> int {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
  };
  std::string out;
  out.reserve(hex.size() / 2);
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    const int high = digit(hex[i]);
    const int low = digit(hex[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
  }
  return out;
}

std::optional<Sha256> Sha256FromHex(std::string_view hex) {
  if (hex.size() != 64) return std::nullopt;
  const auto bytes = FromHex(hex);
  if (!bytes) return std::nullopt;
  Sha256 out;
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<std::uint8_t>((*bytes)[i]);
  return out;
}

std::string ToBase64(std::string_view bytes) {
  return Encode(bytes, kStandard, "=");
}
std::string ToBase64Url(std::string_view bytes) {
  return Encode(bytes, kUrl, "");
}

std::optional<std::string> FromBase64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  for (int i = 0; i < 2 && text.ends_with('='); ++i) text.remove_suffix(1);
  return Decode(text, kStandardReverse);
}

std::optional<std::string> FromBase64Url(std::string_view text) {
  return Decode(text, kUrlReverse);
}

}  // namespace base
