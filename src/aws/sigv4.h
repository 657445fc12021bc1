// AWS Signature Version 4 over OpenSSL: headers, and URLs that carry their own signature. Pure; thread-safe.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
//
// Why not libcurl's: 7.88 signs unsorted and bare queries, headers of which one is a prefix of another and non-S3 paths
// wrongly, and never sends S3's content hash. Golden vectors of botocore: tests/aws/sigv4_vectors.json.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"

namespace aws {

struct Credentials {
  std::string access_key_id;
  std::string secret_access_key;
  std::string session_token;                  // "": a permanent key
  std::optional<base::TimePoint> expires_at;  // absent: never
  bool operator==(const Credentials&) const = default;
};

using Pairs = std::vector<std::pair<std::string, std::string>>;

// What S3 and nobody else does: its path is signed as it is sent and not tidied, and the content hash is a header.
enum class SignStyle : std::uint8_t { kS3, kOther };

struct SigningScope {
  std::string region;
  std::string service;  // the signing name: "s3", "sqs", "states" ...
  SignStyle style = SignStyle::kOther;
};

inline constexpr std::string_view kUnsignedPayload = "UNSIGNED-PAYLOAD";

struct RequestToSign {
  std::string_view method = "GET";
  std::string_view host;             // as the Host header says it: with the port unless it is the scheme's own
  std::string_view path = "/";       // not encoded
  Pairs query;                       // not encoded, in any order
  Pairs headers;                     // any case; values as sent. Without Host and what the signer adds.
  std::string_view body_sha256_hex;  // of the body's bytes, or kUnsignedPayload
};

struct SignedRequest {
  std::string target;  // encoded path and sorted query, as it must be sent
  Pairs headers;       // to be sent beside the request's own and Host
};

// Adds x-amz-date, x-amz-security-token (with a token), x-amz-content-sha256 (S3) and authorization. Expect,
// User-Agent, Transfer-Encoding and X-Amzn-Trace-Id are not signed: something on the way may change them.
[[nodiscard]] SignedRequest Sign(const RequestToSign& request, const SigningScope& scope,
                                 const Credentials& credentials, base::TimePoint now);

// The target of a URL that is good for `valid_for` (whole seconds, at most a week) from `now` to whoever holds it, and
// no longer than the credentials. Every header of the request must be sent with the same value: this binds a PUT to its
// content-length and x-amz-checksum-sha256. The payload is kUnsignedPayload for S3 whatever the request says.
[[nodiscard]] std::string PresignTarget(const RequestToSign& request, const SigningScope& scope,
                                        const Credentials& credentials, base::TimePoint now,
                                        std::chrono::seconds valid_for);

// RFC 3986: all but unreserved characters become %XX. EncodePath leaves '/'.
[[nodiscard]] std::string EncodeComponent(std::string_view text);
[[nodiscard]] std::string EncodePath(std::string_view path);
// "a=1&b=": encoded, then sorted by name and value; a parameter without value keeps its '='.
[[nodiscard]] std::string CanonicalQuery(const Pairs& query);

}  // namespace aws
