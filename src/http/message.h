// HTTP as the rest of the program sees it. Transport only; knows no jobs. No Beast type leaves this folder.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/error.h"

namespace http {

using Headers = std::vector<std::pair<std::string, std::string>>;  // names as given; looked up without case

struct RequestHead {
  std::string method;  // upper case
  std::string target;  // raw: path?query
  std::string path;    // percent-decoded path; "" never
  std::string query;   // raw, without '?'
  Headers headers;
  std::optional<std::uint64_t> content_length;
  std::string peer;  // address of the client
  bool tls = false;
  [[nodiscard]] std::string_view header(std::string_view name) const;  // first of that name, "" if none
};

// A response body that grows: server-sent events. Poll never blocks.
class BodyStream {
 public:
  virtual ~BodyStream() = default;
  // Bytes to send now, or nullopt when there are none yet. `end` is set once nothing will follow.
  [[nodiscard]] virtual std::optional<std::string> Poll(bool& end) = 0;
  // `wake` may be called from any thread once Poll would answer more. Set once, before the first Poll.
  virtual void OnReady(std::function<void()> wake) = 0;
  // Sent when nothing was for `keepalive` (":\n\n" for events).
  [[nodiscard]] virtual std::string Keepalive() = 0;
};

struct FileBody {
  std::string path;
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
};

// Text that lives as long as the program. However many read it, slowly or not at all, it is there once.
struct StaticBody {
  std::string_view text;
};

struct Response {
  int status = 200;
  Headers headers;  // Content-Length, Date, Connection are the server's business
  std::variant<std::string, StaticBody, FileBody, std::shared_ptr<BodyStream>> body;
  // The text of a body that is there whole; nullopt of a file or a stream.
  [[nodiscard]] std::optional<std::string_view> text() const;
};
using Respond = std::move_only_function<void(Response)>;  // once, from any thread, at any time after Begin

// One request being served. Write and Finish run on the server's blocking pool, never at once for one call.
class Call {
 public:
  virtual ~Call() = default;
  // A piece of the body, in order. An error ends the reading: Fail is called and its response is sent.
  [[nodiscard]] virtual base::Status Write(std::string_view piece) = 0;
  // The body is complete. Answers through `respond`, at once or later (long polls).
  virtual void Finish(Respond respond) = 0;
  // The body could not be read to its end (limit, time-out, an error of Write).
  [[nodiscard]] virtual Response Fail(const base::Error& error) = 0;
  // The client is gone while a Finish is unanswered (a long poll's worker died). Must not block.
  virtual void Abandoned() {}
};

class Handler {
 public:
  virtual ~Handler() = default;
  struct Plan {
    std::unique_ptr<Call> call;      // or, at once:
    std::optional<Response> refuse;  // set: the body is not read (401, 404, 413 …)
    std::uint64_t max_body_bytes = 1U << 20U;
  };
  // Called when the head is complete, on the blocking pool.
  [[nodiscard]] virtual Plan Begin(const RequestHead& head) = 0;
  // What to answer to something that is not an HTTP request (400, 408, 414, 417, 431, 500, 501, 503); MalformedStatus
  // says which. Runs on an I/O thread: must not block.
  [[nodiscard]] virtual Response Malformed(const base::Error& error) = 0;
};

// A call whose body is small and wanted whole.
class SimpleCall : public Call {
 public:
  using Function = std::move_only_function<Response(std::string body)>;
  using OnError = std::function<Response(const base::Error&)>;
  SimpleCall(Function function, OnError on_error) : function_(std::move(function)), on_error_(std::move(on_error)) {}
  [[nodiscard]] base::Status Write(std::string_view piece) override {
    body_ += piece;
    return {};
  }
  void Finish(Respond respond) override { respond(function_(std::move(body_))); }
  [[nodiscard]] Response Fail(const base::Error& error) override { return on_error_(error); }

 private:
  Function function_;
  OnError on_error_;
  std::string body_;
};

// The status that fits an error given to Handler::Malformed: by its reason where that is one of these, else by its
// code.
inline constexpr std::string_view kReasonHeaderTimeout = "header-timeout";     // kTimeout: 408
inline constexpr std::string_view kReasonHeaderTooLarge = "header-too-large";  // kTooLarge: 431
inline constexpr std::string_view kReasonTargetTooLong = "target-too-long";    // kTooLarge: 414
inline constexpr std::string_view kReasonExpectation = "expectation-failed";   // kUnsupported: 417
inline constexpr std::string_view kReasonBodyTimeout = "body-timeout";         // kTimeout: 408; Call::Fail's too
inline constexpr std::string_view kReasonCrowded = "too-many-connections";     // kUnavailable: 503
inline constexpr std::string_view kReasonTransfers = "too-many-transfers";     // kUnavailable: 503; Call::Fail's too
[[nodiscard]] int MalformedStatus(const base::Error& error);

// "a=1&b=%20" -> pairs, decoded ('+' is a space). kInvalid on a broken escape or a name given twice.
[[nodiscard]] base::Result<std::map<std::string, std::string>> ParseQuery(std::string_view query);
[[nodiscard]] std::string PercentEncode(std::string_view text);  // RFC 3986 unreserved stay
[[nodiscard]] std::optional<std::string> PercentDecode(std::string_view text);

}  // namespace http
