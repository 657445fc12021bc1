// Errors as values. Every fallible function returns Result<T> (or Status); no exception crosses a port.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace base {

// What the caller does next. Closed: every switch over it is exhaustive, and PolicyOf has one row for each.
enum class Code : std::uint8_t {
  kInvalid,          // the input is wrong; fields say where. Never retried.
  kUnauthenticated,  // no or a bad token
  kForbidden,        // known, but not allowed (role)
  kNotFound,         // absent, or another tenant's
  kConflict,         // the same name with other content, or a state that forbids the request
  kTooLarge,         // over a limit that the message names
  kThrottled,        // over a quota or backlog; try later
  kUnavailable,      // ours, transient: try again (disk full, shutting down, peer gone)
  kTimeout,          // a deadline passed
  kCancelled,        // somebody asked for it
  kUnsupported,      // understood, but this build or configuration does not do it
  kCorrupt,          // stored data does not decode; never retried, never guessed
  kInternal,         // a defect of ours
};

// One bad place of an input document. pointer: RFC 6901 JSON Pointer ("" is the whole document).
struct FieldError {
  std::string pointer;
  std::string detail;
  bool operator==(const FieldError&) const = default;
};

struct Error {
  Code code = Code::kInternal;
  std::string message;             // one sentence, with the ids it is about; never payload bytes
  std::vector<FieldError> fields;  // only for kInvalid and kTooLarge
  std::string reason;              // stable machine word that refines the code ("duplicate-toon-id"); may be empty
  bool operator==(const Error&) const = default;
};

template <typename T>
using Result = std::expected<T, Error>;
using Status = std::expected<void, Error>;

// The one table: what a code means to each kind of caller.
struct ErrorPolicy {
  std::string_view name;         // kebab-case; the problem's `type` is "https://ubertoons.dev/problems/" + name
  std::string_view title;        // short, for people
  int http_status;               // RFC 9110
  int exit_code;                 // of the CLI, see cli exit codes in README.md
  std::string_view lambda_type;  // Lambda's errorType
  bool retryable;                // may the very same request succeed later?
};
[[nodiscard]] const ErrorPolicy& PolicyOf(Code code);

[[nodiscard]] inline std::unexpected<Error> Fail(Code code, std::string message) {
  return std::unexpected(Error{.code = code, .message = std::move(message)});
}
[[nodiscard]] inline std::unexpected<Error> Fail(Code code, std::string message, std::string reason) {
  return std::unexpected(Error{.code = code, .message = std::move(message), .reason = std::move(reason)});
}
// kInvalid at one place.
[[nodiscard]] std::unexpected<Error> FailAt(std::string pointer, std::string detail);
// kUnavailable with errno's text: "open /x: No such file or directory". EINVAL-class errors are still ours.
[[nodiscard]] std::unexpected<Error> FailErrno(std::string_view what, int errno_value);

// Escapes one reference token of a JSON Pointer ("a/b" -> "a~1b"), RFC 6901 section 3.
[[nodiscard]] std::string PointerToken(std::string_view token);

}  // namespace base

// Early return. UT_TRY(expr) for Status; UT_TRY_ASSIGN(auto x, expr) for Result<T>.
#define UT_CONCAT_INNER(a, b) a##b
#define UT_CONCAT(a, b) UT_CONCAT_INNER(a, b)
#define UT_TRY(expr)                                                                               \
  do {                                                                                             \
    if (auto ut_status = (expr); !ut_status) return std::unexpected(std::move(ut_status).error()); \
  } while (false)
#define UT_TRY_ASSIGN_IMPL(tmp, lhs, expr)                  \
  auto tmp = (expr);                                        \
  if (!tmp) return std::unexpected(std::move(tmp).error()); \
  lhs = std::move(*tmp)
#define UT_TRY_ASSIGN(lhs, expr) UT_TRY_ASSIGN_IMPL(UT_CONCAT(ut_result_, __LINE__), lhs, expr)
