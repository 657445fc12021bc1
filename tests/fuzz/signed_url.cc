// URLs that carry their own permission: "<method>\n<path>\n<query>" as it comes, then the same parts signed.
#include <algorithm>

#include "auth/auth.h"
#include "fuzz/fuzz.h"
#include "http/message.h"

namespace {

constexpr std::string_view kSecret = "0123456789abcdef0123456789abcdef";
constexpr base::TimePoint kNow = base::TimePoint(std::chrono::seconds(1'800'000'000));

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto [method, rest] = fuzz::Cut(fuzz::Text(data, size), "\n");
  const auto [path, query] = fuzz::Cut(rest, "\n");
  fuzz::Require(!auth::VerifyUrl(method, path, query, kSecret, kNow), "what was not signed is refused");

  auth::SignedUrl url{
      .method = std::string(method), .path = std::string(path), .expires_at = kNow + std::chrono::seconds(60)};
  for (std::string_view left = query; !left.empty();) {
    const auto [pair, after] = fuzz::Cut(left, "&");
    const auto [name, value] = fuzz::Cut(pair, "=");
    url.bound.emplace_back(std::string(name), std::string(value));
    left = after;
  }
  const std::string text = auth::SignUrl(url, kSecret);
  fuzz::Require(text.starts_with(url.path + "?"), "a signed URL starts with its path");
  const std::string signed_query = text.substr(url.path.size() + 1);
  const auto verified = auth::VerifyUrl(method, path, signed_query, kSecret, kNow);
  fuzz::Require(verified.has_value(), "what was signed is accepted");
  std::ranges::sort(url.bound);
  fuzz::Require(verified->bound == url.bound && verified->expires_at == url.expires_at,
                "with the values that were bound");

  std::string other = signed_query;
  other[size % other.size()] ^= 1;
  fuzz::Require(!auth::VerifyUrl(method, path, other, kSecret, kNow), "one changed bit is refused");
  fuzz::Require(!auth::VerifyUrl(method, url.path + "x", signed_query, kSecret, kNow), "another path is refused");
  fuzz::Require(!auth::VerifyUrl(method, path, signed_query, kSecret, url.expires_at), "after its time it is refused");
  return 0;
}
