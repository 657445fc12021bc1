#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "auth/auth.h"
#include "base/hash.h"

// A signed URL is path?<bound values, sorted by name>&expires=<unix seconds>&signature=<base64url>. The signature
// covers the method, the path and the query before "&signature" in exactly these bytes: any other spelling is another
// URL. The path's length is covered too, so that no part of a query can pass for a part of a path.
namespace auth {

namespace {

std::string Escape(std::string_view text) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
                       c == '.' || c == '_' || c == '~';
    if (plain) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += {'%', kHex[byte >> 4U], kHex[byte & 15U]};
    }
  }
  return out;
}

std::optional<std::string> Unescape(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    const auto byte = text.size() - i < 3 ? std::nullopt : base::FromHex(text.substr(i + 1, 2));
    if (!byte) return std::nullopt;
    out += *byte;
    i += 2;
  }
  return out;
}

std::string SignatureOf(std::string_view method, std::string_view path, std::string_view query,
                        std::string_view secret) {
  const std::string text = fmt::format("ubertoons-url-1\n{}\n{}\n{}\n{}", method, path.size(), path, query);
  const base::Sha256 mac = base::HmacSha256(secret, text);
  return base::ToBase64Url(base::View(mac));
}

std::string UnsignedQuery(const SignedUrl& url) {
  auto bound = url.bound;
  std::sort(bound.begin(), bound.end());
  std::string out;
  for (const auto& [name, value] : bound) out += fmt::format("{}={}&", Escape(name), Escape(value));
  return out + fmt::format("expires={}", base::UnixMicros(url.expires_at) / 1'000'000);
}

std::unexpected<base::Error> BadSignature() {
  return base::Fail(base::Code::kForbidden, "The URL is not one that was signed here", "bad-signature");
}

// A query whose signature holds.
base::Result<SignedUrl> ReadSigned(std::string_view method, std::string_view path, std::string_view rest,
                                   base::TimePoint now) {
  SignedUrl url{.method = std::string(method), .path = std::string(path)};
  std::optional<std::int64_t> expires;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('&'), rest.size());
    const std::string_view pair = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    const std::size_t equals = pair.find('=');
    if (expires || equals == std::string_view::npos) return BadSignature();
    if (rest.empty() && pair.starts_with("expires=")) {
      std::int64_t seconds = 0;
      const auto [stop, error] = std::from_chars(pair.data() + equals + 1, pair.data() + pair.size(), seconds);
      if (error != std::errc() || stop != pair.data() + pair.size()) return BadSignature();
      expires = seconds;
      continue;
    }
    auto name = Unescape(pair.substr(0, equals));
    auto value = Unescape(pair.substr(equals + 1));
    if (!name || !value) return BadSignature();
    url.bound.emplace_back(std::move(*name), std::move(*value));
  }
  if (!expires) return BadSignature();
  if (base::UnixMicros(now) / 1'000'000 >= *expires) {
    return base::Fail(base::Code::kForbidden, "The URL has expired", "expired");
  }
  url.expires_at = base::FromUnixMicros(*expires * 1'000'000);
  return url;
}

}  // namespace

std::string SignUrl(const SignedUrl& url, std::string_view secret) {
  const std::string query = UnsignedQuery(url);
  return fmt::format("{}?{}&signature={}", url.path, query, SignatureOf(url.method, url.path, query, secret));
}

base::Result<SignedUrl> VerifyUrl(std::string_view method, std::string_view path, std::string_view query,
                                  std::string_view secret, base::TimePoint now) {
  constexpr std::string_view kMark = "&signature=";
  const std::size_t at = query.rfind(kMark);
  if (at == std::string_view::npos) return BadSignature();
  std::string_view rest = query.substr(0, at);
  if (!base::ConstantTimeEqual(query.substr(at + kMark.size()), SignatureOf(method, path, rest, secret))) {
    return BadSignature();
  }
  return ReadSigned(method, path, rest, now);
}

}  // namespace auth
