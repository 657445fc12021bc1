#include "base/error.h"

#include <fmt/format.h>

#include <cstring>

namespace base {

const ErrorPolicy& PolicyOf(Code code) {
  static constexpr ErrorPolicy kInvalid{"invalid-request", "The request is not valid", 400, 3, "InvalidRequest", false};
  static constexpr ErrorPolicy kUnauthenticated{
      "unauthenticated", "A valid token is needed", 401, 3, "Unauthenticated", false};
  static constexpr ErrorPolicy kForbidden{"forbidden", "Your role does not allow this", 403, 3, "Forbidden", false};
  static constexpr ErrorPolicy kNotFound{"not-found", "There is no such thing", 404, 3, "NotFound", false};
  static constexpr ErrorPolicy kConflict{"conflict", "This contradicts what is stored", 409, 3, "Conflict", false};
  static constexpr ErrorPolicy kTooLarge{"too-large", "Over a limit", 413, 3, "TooLarge", false};
  static constexpr ErrorPolicy kThrottled{"too-many-requests", "Over a quota, try later", 429, 5, "Throttled", true};
  static constexpr ErrorPolicy kUnavailable{"unavailable", "Not now, try again", 503, 4, "Unavailable", true};
  static constexpr ErrorPolicy kTimeout{"timeout", "A deadline passed", 504, 4, "Timeout", true};
  static constexpr ErrorPolicy kCancelled{"cancelled", "It was cancelled", 409, 3, "Cancelled", false};
  static constexpr ErrorPolicy kUnsupported{"unsupported", "Not supported here", 501, 3, "Unsupported", false};
  static constexpr ErrorPolicy kCorrupt{"corrupt-data", "Stored data is damaged", 500, 6, "Corrupt", false};
  static constexpr ErrorPolicy kInternal{"internal", "Our defect", 500, 6, "Internal", true};
  switch (code) {
    case Code::kInvalid:
      return kInvalid;
    case Code::kUnauthenticated:
      return kUnauthenticated;
    case Code::kForbidden:
      return kForbidden;
    case Code::kNotFound:
      return kNotFound;
    case Code::kConflict:
      return kConflict;
    case Code::kTooLarge:
      return kTooLarge;
    case Code::kThrottled:
      return kThrottled;
    case Code::kUnavailable:
      return kUnavailable;
    case Code::kTimeout:
      return kTimeout;
    case Code::kCancelled:
      return kCancelled;
    case Code::kUnsupported:
      return kUnsupported;
    case Code::kCorrupt:
      return kCorrupt;
    case Code::kInternal:
      return kInternal;
  }
  return kInternal;
}

std::unexpected<Error> FailAt(std::string pointer, std::string detail) {
  Error error{.code = Code::kInvalid, .message = detail};
  error.fields.push_back({std::move(pointer), std::move(detail)});
  return std::unexpected(std::move(error));
}

std::unexpected<Error> FailErrno(std::string_view what, int errno_value) {
  char buffer[128];
  return Fail(Code::kUnavailable, fmt::format("{}: {}", what, strerror_r(errno_value, buffer, sizeof buffer)));
}

std::string PointerToken(std::string_view token) {
  std::string out;
  out.reserve(token.size());
  for (char c : token) {
    if (c == '~') {
      out += "~0";
    } else if (c == '/') {
      out += "~1";
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace base
