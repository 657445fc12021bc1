// Outgoing HTTP over libcurl, one connection kept alive per client. Not thread-safe: one client per thread.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "http/message.h"

namespace http {

// What libcurl may do by itself when a kept connection turns out to be gone after a request was written to it.
enum class Resend : std::uint8_t {
  kAllowed,  // sent again on a new connection
  kNever,    // an error, since the peer may have acted on it; nothing else may be sent twice either
};
// The reason of an error after which the peer cannot have seen the request: it may be sent again whatever it does.
inline constexpr std::string_view kReasonNotSent = "not-sent";

struct ClientRequest {
  std::string method = "GET";
  std::string url;
  Headers headers;
  std::string_view body;  // must outlive the call
  std::string body_file;  // streamed instead of body when not empty; never resent
  Resend resend = Resend::kAllowed;
  std::chrono::milliseconds connect_timeout{5000};
  std::chrono::milliseconds timeout{60'000};  // whole exchange; 0: none (long polls, event streams)
  std::size_t max_response_bytes = 64U << 20U;
  std::string ca_file;                            // PEM; empty: the system's
  std::function<bool(std::string_view)> on_data;  // set: receives the body of a 2xx in pieces; false ends it
};
struct ClientResponse {
  int status = 0;
  Headers headers;
  std::string body;
  [[nodiscard]] std::string_view header(std::string_view name) const;
};

class Client {
 public:
  Client();
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  // Any HTTP status is an answer. kUnavailable: no connection or a broken one; kTimeout; kTooLarge; kInvalid: bad URL.
  // Redirects are not followed. Only http and https. The reason is kReasonNotSent where that is certain.
  [[nodiscard]] base::Result<ClientResponse> Send(const ClientRequest& request);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace http
