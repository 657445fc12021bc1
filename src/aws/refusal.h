// What a service's answer means: one reading of its error documents, one table of codes. Pure; thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"
#include "http/client.h"

namespace aws {

enum class Cure : std::uint8_t {
  kNone,      // final: the same request is refused again
  kRetry,     // the service's fault, transient
  kThrottle,  // too much at once: the same later
  kClock,     // our clock is wrong
  kRenew,     // the credentials have ended
};

struct Refusal {
  std::string code;     // "ThrottlingException", without namespace and URL; "" if the answer names none
  std::string message;  // the service's words
  Cure cure = Cure::kNone;
};

// Reads the code from x-amzn-query-error, x-amzn-errortype, JSON `__type`, or XML <Code>; the cure follows from it,
// else from the status (429 and 503: throttle; other 5xx: retry).
[[nodiscard]] Refusal ReadRefusal(const http::ClientResponse& response);
// True for a 200 whose body is an <Error>: S3 answers so to a copy that failed underway.
[[nodiscard]] bool IsErrorDocument(std::string_view body);
// code: by the cure, then by the service's code, then by the status; reason: the service's code, or "http-<status>".
[[nodiscard]] base::Error ErrorOf(const Refusal& refusal, int status, std::string_view what);

// A Date header: "Fri, 02 Jan 2026 03:04:05 GMT".
[[nodiscard]] std::optional<base::TimePoint> ParseHttpDate(std::string_view text);

}  // namespace aws
