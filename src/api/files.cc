#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <system_error>

#include "api/calls.h"
#include "api/parameters.h"

namespace api {

namespace {

// Types that a browser shows without running anything in them.
bool SafeToShow(std::string_view type) {
  static constexpr std::string_view kSafe[] = {"image/png",  "image/jpeg", "image/webp",
                                               "image/gif",  "image/avif", "application/json",
                                               "text/plain", "text/csv",   "application/x-ndjson"};
  type = type.substr(0, type.find(';'));
  return type.starts_with("audio/") || type.starts_with("video/") || std::ranges::find(kSafe, type) != std::end(kSafe);
}

// A recorded type comes from whoever made the bytes: only what a header may hold is repeated.
std::string CleanType(std::string_view type) {
  const auto good = [](char c) { return c >= 0x20 && c <= 0x7e; };
  if (type.empty() || type.size() > 128 || !type.contains('/') || !std::ranges::all_of(type, good)) {
    return "application/octet-stream";
  }
  return std::string(type);
}

std::string CleanName(std::string_view name) {
  std::string clean;
  for (const char c : name.substr(0, 128)) {
    const bool good =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
    clean += good ? c : '_';
  }
  return clean.empty() ? "artifact" : clean;
}

struct Range {
  std::uint64_t first = 0;
  std::uint64_t length = 0;
};
enum class RangeKind : std::uint8_t { kNone, kOne, kUnsatisfiable };

std::optional<std::uint64_t> Digits(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// One "bytes=" range (RFC 9110 section 14). Several, or something else, may be ignored, and are.
RangeKind ReadRange(std::string_view header, std::uint64_t size, Range& out) {
  if (!header.starts_with("bytes=") || header.contains(',')) return RangeKind::kNone;
  header.remove_prefix(6);
  const std::size_t dash = header.find('-');
  if (dash == std::string_view::npos) return RangeKind::kNone;
  const auto first = Digits(header.substr(0, dash));
  const auto last = Digits(header.substr(dash + 1));
  if (dash == 0) {
    if (!last) return RangeKind::kNone;
    if (*last == 0 || size == 0) return RangeKind::kUnsatisfiable;
    out.length = std::min(*last, size);
    out.first = size - out.length;
    return RangeKind::kOne;
  }
  const bool open = dash + 1 == header.size();
  if (!first || (!last && !open) || (last && *last < *first)) return RangeKind::kNone;
  if (*first >= size) return RangeKind::kUnsatisfiable;
  out.first = *first;
  out.length = (last ? std::min(*last, size - 1) : size - 1) - *first + 1;
  return RangeKind::kOne;
}

http::Response ServeArtifact(const Services& services, const Exchange& exchange) {
  const auto absent = [] {
    return base::Error{.code = base::Code::kNotFound, .message = "there is no such artifact of yours"};
  };
  if (const auto good = ParameterReader(exchange.parameters, {}).Finish(); !good) {
    return exchange.Problem(good.error());
  }
  const auto digest = base::Sha256FromHex(exchange.argument);
  if (!digest) return exchange.Problem(absent());
  const auto place = services.query.Artifact(exchange.caller.tenant, *digest);
  if (!place) return exchange.Problem(place.error());
  auto path = services.blob_file(place->blob_key);
  if (!path) return exchange.Problem(path.error());
  return ServeFile(exchange, {.path = *std::move(path),
                              .content_type = place->artifact.content_type,
                              .name = place->artifact.name,
                              .sha256 = *digest});
}

}  // namespace

http::Response ServeFile(const Exchange& exchange, const FileAnswer& file) {
  std::error_code failed;
  const std::uint64_t size = std::filesystem::file_size(file.path, failed);
  if (failed) return exchange.Problem({.code = base::Code::kNotFound, .message = "its bytes are gone"});

  const std::string etag = fmt::format("\"{}\"", base::ToHex(file.sha256));
  http::Response response{.status = 200};
  response.headers = {
      {"ETag", etag}, {"Cache-Control", "private, max-age=31536000, immutable"}, {"Accept-Ranges", "bytes"}};
  exchange.Trace(response);
  const std::string_view have = exchange.head.header("if-none-match");
  if (have == "*" || have.contains(etag)) {
    response.status = 304;
    return response;
  }
  Range range{.first = 0, .length = size};
  const RangeKind kind = ReadRange(exchange.head.header("range"), size, range);
  if (kind == RangeKind::kUnsatisfiable) {
    http::Response refusal = exchange.Problem(kRangeNotSatisfiable, fmt::format("it has {} bytes", size));
    refusal.headers.emplace_back("Content-Range", fmt::format("bytes */{}", size));
    return refusal;
  }
  if (kind == RangeKind::kOne) {
    response.status = 206;
    response.headers.emplace_back("Content-Range",
                                  fmt::format("bytes {}-{}/{}", range.first, range.first + range.length - 1, size));
  }
  const std::string type = CleanType(file.content_type);
  response.headers.emplace_back("Content-Type", type);
  response.headers.emplace_back(
      "Content-Disposition",
      fmt::format("{}; filename=\"{}\"", SafeToShow(type) ? "inline" : "attachment", CleanName(file.name)));
  response.headers.emplace_back("Content-Security-Policy", "default-src 'none'; sandbox");
  response.body = http::FileBody{.path = file.path, .offset = range.first, .length = range.length};
  return response;
}

Plan ReadArtifact(const Services& services, const ExchangePtr& exchange) {
  return Bare(exchange, [&services, exchange] { return ServeArtifact(services, *exchange); });
}

}  // namespace api
