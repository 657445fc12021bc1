// What one request needs until it is answered: its trace, its caller, its place; and how every answer looks.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "auth/auth.h"
#include "base/error.h"
#include "base/random.h"
#include "http/message.h"
#include "wire/trace.h"

namespace api {

// Problems that are about HTTP, so that no error code stands for them.
struct HttpProblem {
  int status;
  std::string_view name;  // kebab-case; `type` is "https://ubertoons.dev/problems/" + name
  std::string_view title;
};
inline constexpr HttpProblem kMethodNotAllowed{405, "method-not-allowed", "This path has other methods"};
inline constexpr HttpProblem kRequestTimeout{408, "request-timeout", "The request came too slowly"};
inline constexpr HttpProblem kTargetTooLong{414, "target-too-long", "The request's target is too long"};
inline constexpr HttpProblem kRangeNotSatisfiable{416, "range-not-satisfiable", "The range is not in it"};
inline constexpr HttpProblem kExpectationFailed{417, "expectation-failed", "Nothing else than 100-continue is known"};
inline constexpr HttpProblem kHeaderTooLarge{431, "header-too-large", "The request's head is too long"};

// Immutable once built; shared by the closures of its call.
class Exchange {
 public:
  Exchange(const http::RequestHead& head, base::Random& random);

  http::RequestHead head;
  wire::TraceContext trace;
  std::string prefix;                             // stage: "" or "/prod"
  std::string path;                               // without it
  std::string argument;                           // of the route's "{…}" segment
  auth::Identity caller;                          // kNone and empty on public routes
  std::map<std::string, std::string> parameters;  // of the query

  // application/json, traced.
  [[nodiscard]] http::Response Json(int status, std::string body) const;
  [[nodiscard]] http::Response Text(int status, std::string_view content_type, std::string body) const;
  // application/problem+json with the headers that its code asks for. Logs what is our fault, but not that too
  // many come at once.
  [[nodiscard]] http::Response Problem(const base::Error& error) const;
  // The same, when it is known after how long the request will do.
  [[nodiscard]] http::Response Problem(const base::Error& error, std::chrono::seconds retry_after) const;
  [[nodiscard]] http::Response Problem(const HttpProblem& problem, std::string_view detail) const;
  // The headers that every answer carries.
  void Trace(http::Response& response) const;

  [[nodiscard]] job::JobKey Key() const { return {.tenant = caller.tenant, .job = job::JobId(argument)}; }
};
using ExchangePtr = std::shared_ptr<const Exchange>;

}  // namespace api
