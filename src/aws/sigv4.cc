#include "aws/sigv4.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "base/hash.h"
#include "http/text.h"

namespace aws {

namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";
constexpr std::array<std::string_view, 5> kNotSigned{"authorization", "expect", "transfer-encoding", "user-agent",
                                                     "x-amzn-trace-id"};

bool IsUnreserved(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
         c == '.' || c == '~';
}

std::string Encode(std::string_view text, std::string_view kept) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (IsUnreserved(c) || kept.find(c) != std::string_view::npos) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += kDigits[byte >> 4U];
    out += kDigits[byte & 15U];
  }
  return out;
}

bool IsBlank(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

// Without blanks at the ends, runs of them as one space.
std::string TrimAll(std::string_view value) {
  std::string out;
  for (const char c : value) {
    if (!IsBlank(c)) {
      out += c;
    } else if (!out.empty() && out.back() != ' ') {
      out += ' ';
    }
  }
  if (out.ends_with(' ')) out.pop_back();
  return out;
}

std::string Lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), http::LowerAscii);
  return out;
}

// Without "." and empty segments, ".." taken back: what every service but S3 signs.
std::string TidyPath(std::string_view path) {
  std::vector<std::string_view> kept;
  for (std::size_t at = 0; at <= path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    const std::string_view part = path.substr(at, end - at);
    if (part == "..") {
      if (!kept.empty()) kept.pop_back();
    } else if (!part.empty() && part != ".") {
      kept.push_back(part);
    }
    at = end + 1;
  }
  std::string out;
  for (const std::string_view part : kept) out.append("/").append(part);
  if (out.empty() || path.ends_with('/')) out += '/';
  return out;
}

struct SignedHeaders {
  std::string lines;  // "name:value\n" each
  std::string names;  // "a;b"
};

SignedHeaders CanonicalHeaders(const Pairs& headers, std::string_view host) {
  std::map<std::string, std::string> sorted{{"host", TrimAll(host)}};
  for (const auto& [name, value] : headers) {
    const std::string lower = Lower(name);
    if (lower == "host" || std::ranges::find(kNotSigned, lower) != kNotSigned.end()) continue;
    const auto [at, added] = sorted.try_emplace(lower, TrimAll(value));
    if (!added) at->second.append(",").append(TrimAll(value));
  }
  SignedHeaders out;
  for (const auto& [name, value] : sorted) {
    out.lines.append(name).append(":").append(value).append("\n");
    if (!out.names.empty()) out.names += ';';
    out.names += name;
  }
  return out;
}

// "20260102T030405Z"
std::string Stamp(base::TimePoint now) {
  std::string text = base::FormatTime(now).substr(0, 19);
  std::erase_if(text, [](char c) { return c == '-' || c == ':'; });
  return text + "Z";
}

std::string CredentialScope(const SigningScope& scope, std::string_view stamp) {
  return fmt::format("{}/{}/{}/aws4_request", stamp.substr(0, 8), scope.region, scope.service);
}

struct Canonical {
  std::string_view method;
  std::string path;   // encoded as sent
  std::string query;  // sorted
  SignedHeaders headers;
  std::string_view payload;
};

std::string Signature(const Canonical& request, const SigningScope& scope, std::string_view secret,
                      std::string_view stamp) {
  const std::string path = scope.style == SignStyle::kS3 ? request.path : EncodePath(TidyPath(request.path));
  const std::string canonical = fmt::format("{}\n{}\n{}\n{}\n{}\n{}", request.method, path, request.query,
                                            request.headers.lines, request.headers.names, request.payload);
  const std::string to_sign = fmt::format("{}\n{}\n{}\n{}", kAlgorithm, stamp, CredentialScope(scope, stamp),
                                          base::ToHex(base::Sha256Of(canonical)));
  base::Sha256 key = base::HmacSha256(fmt::format("AWS4{}", secret), stamp.substr(0, 8));
  for (const std::string_view step :
       {std::string_view(scope.region), std::string_view(scope.service), std::string_view("aws4_request")}) {
    key = base::HmacSha256(base::View(key), step);
  }
  return base::ToHex(base::HmacSha256(base::View(key), to_sign));
}

}  // namespace

std::string EncodeComponent(std::string_view text) {
  return Encode(text, "");
}

std::string EncodePath(std::string_view path) {
  return path.empty() ? "/" : Encode(path, "/");
}

std::string CanonicalQuery(const Pairs& query) {
  Pairs encoded;
  for (const auto& [name, value] : query) encoded.emplace_back(EncodeComponent(name), EncodeComponent(value));
  std::ranges::sort(encoded);
  std::string out;
  for (const auto& [name, value] : encoded) {
    if (!out.empty()) out += '&';
    out.append(name).append("=").append(value);
  }
  return out;
}

SignedRequest Sign(const RequestToSign& request, const SigningScope& scope, const Credentials& credentials,
                   base::TimePoint now) {
  const std::string stamp = Stamp(now);
  SignedRequest out;
  out.headers.emplace_back("x-amz-date", stamp);
  if (!credentials.session_token.empty()) out.headers.emplace_back("x-amz-security-token", credentials.session_token);
  if (scope.style == SignStyle::kS3) out.headers.emplace_back("x-amz-content-sha256", request.body_sha256_hex);
  Pairs all = request.headers;
  all.insert(all.end(), out.headers.begin(), out.headers.end());
  const Canonical canonical{.method = request.method,
                            .path = EncodePath(request.path),
                            .query = CanonicalQuery(request.query),
                            .headers = CanonicalHeaders(all, request.host),
                            .payload = request.body_sha256_hex};
  out.headers.emplace_back(
      "authorization", fmt::format("{} Credential={}/{}, SignedHeaders={}, Signature={}", kAlgorithm,
                                   credentials.access_key_id, CredentialScope(scope, stamp), canonical.headers.names,
                                   Signature(canonical, scope, credentials.secret_access_key, stamp)));
  out.target = canonical.path;
  if (!canonical.query.empty()) out.target.append("?").append(canonical.query);
  return out;
}

std::string PresignTarget(const RequestToSign& request, const SigningScope& scope, const Credentials& credentials,
                          base::TimePoint now, std::chrono::seconds valid_for) {
  const std::string stamp = Stamp(now);
  Canonical canonical{
      .method = request.method,
      .path = EncodePath(request.path),
      .headers = CanonicalHeaders(request.headers, request.host),
      .payload = scope.style == SignStyle::kS3 ? kUnsignedPayload : request.body_sha256_hex,
  };
  Pairs query = request.query;
  query.emplace_back("X-Amz-Algorithm", kAlgorithm);
  query.emplace_back("X-Amz-Credential",
                     fmt::format("{}/{}", credentials.access_key_id, CredentialScope(scope, stamp)));
  query.emplace_back("X-Amz-Date", stamp);
  query.emplace_back("X-Amz-Expires", fmt::to_string(valid_for.count()));
  query.emplace_back("X-Amz-SignedHeaders", canonical.headers.names);
  if (!credentials.session_token.empty()) query.emplace_back("X-Amz-Security-Token", credentials.session_token);
  canonical.query = CanonicalQuery(query);
  return fmt::format("{}?{}&X-Amz-Signature={}", canonical.path, canonical.query,
                     Signature(canonical, scope, credentials.secret_access_key, stamp));
}

}  // namespace aws
