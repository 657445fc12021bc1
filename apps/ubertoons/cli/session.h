// Requests to one server: the token, patience with Retry-After, and answers as documents or failures.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>

#include "cli/failure.h"
#include "cli/json_read.h"
#include "cli/settings.h"
#include "http/client.h"

namespace cli {

struct ApiRequest {
  std::string method = "GET";
  std::string path;  // below the server's URL, encoded: "/jobs/J%201"
  http::Headers headers;
  std::string body;
  std::string body_file;
  std::chrono::milliseconds timeout{60'000};
  std::function<bool(std::string_view)> on_data;  // see http::ClientRequest
};

struct Document {
  std::string text;  // as it came
  json::value value;
};

// Not thread-safe. Answers are 2xx only; everything else is a Failure. 429, and 503 that says when to come back, are
// tried again up to kPatience times, each after the time the server asked for, if that is at most kLongestWait.
class Session {
 public:
  static constexpr int kPatience = 4;
  static constexpr std::chrono::seconds kLongestWait{60};

  Session(Settings settings, Environment& env, Stream& err);
  [[nodiscard]] Try<http::ClientResponse> Send(const ApiRequest& request);
  // To a URL that carries its own permission (absolute, or starting with "/"): never with our token.
  [[nodiscard]] Try<http::ClientResponse> SendSigned(std::string_view url, const ApiRequest& request);
  // kUnreachable if a 2xx has a body that is no JSON object: it is not our server that answers.
  [[nodiscard]] Try<Document> Fetch(const ApiRequest& request);
  [[nodiscard]] Try<Document> Get(std::string path) { return Fetch({.path = std::move(path)}); }
  [[nodiscard]] Environment& env() { return *env_; }

 private:
  enum class Trust : bool { kBare, kWithToken };
  [[nodiscard]] Try<http::ClientResponse> Exchange(const std::string& url, const ApiRequest& request, Trust trust);
  // How long to wait before try number `tried` + 1; nullopt: give up.
  [[nodiscard]] std::optional<std::chrono::milliseconds> PauseAfter(const http::ClientResponse& response,
                                                                    int tried) const;

  Settings settings_;
  Environment* env_;
  Stream* err_;
  http::Client client_;
};

// Seconds of a Retry-After header, which may be a number or an HTTP date; nullopt if it is neither.
[[nodiscard]] std::optional<std::chrono::seconds> ParseRetryAfter(std::string_view value, base::TimePoint now);
// "/jobs/<id>" + rest, with the id encoded.
[[nodiscard]] std::string JobPath(std::string_view job_id, std::string_view rest = {});

}  // namespace cli
