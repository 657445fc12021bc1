#include "api/exchange.h"

#include <fmt/format.h>

#include "base/log.h"
#include "wire/render.h"

namespace api {

namespace {

constexpr std::string_view kJson = "application/json";
constexpr std::string_view kProblemJson = "application/problem+json";
// Quotas and the backlog shrink as jobs end, a disk that failed comes back or not: nobody knows when.
constexpr std::chrono::seconds kRetryQuota{5};
constexpr std::chrono::seconds kRetryUnavailable{2};

// RFC 6750 section 3: what a client reads to know whether a new token would help.
std::string Challenge(const base::Error& error) {
  std::string challenge = R"(Bearer realm="ubertoons")";
  if (error.code == base::Code::kForbidden) return challenge + R"(, error="insufficient_scope")";
  if (error.reason == "no-token") return challenge;
  return challenge + R"(, error="invalid_token")";
}

// Anybody who opens connections can cause these, without a token and as fast as the server answers: whoever floods us
// with them must not flood the log as well.
bool IsCrowding(const base::Error& error) {
  return error.reason == http::kReasonCrowded || error.reason == http::kReasonTransfers;
}

void LogFailure(const Exchange& exchange, const base::Error& error, int status) {
  base::LogError("request-failed", {{"method", exchange.head.method},
                                    {"path", exchange.path},
                                    {"status", status},
                                    {"code", base::PolicyOf(error.code).name},
                                    {"message", error.message},
                                    {"traceId", exchange.trace.trace_id}});
}

}  // namespace

Exchange::Exchange(const http::RequestHead& request, base::Random& random)
    : head(request), trace(wire::ContinueTrace(request.header("traceparent"), random)), path(request.path) {}

void Exchange::Trace(http::Response& response) const {
  response.headers.emplace_back("traceparent", wire::FormatTraceparent(trace));
  response.headers.emplace_back("X-Trace-Id", trace.trace_id);
  response.headers.emplace_back("X-Content-Type-Options", "nosniff");
}

http::Response Exchange::Text(int status, std::string_view content_type, std::string body) const {
  http::Response response{.status = status};
  response.headers.emplace_back("Content-Type", content_type);
  response.headers.emplace_back("Cache-Control", "no-store");
  Trace(response);
  response.body = std::move(body);
  return response;
}

http::Response Exchange::Json(int status, std::string body) const {
  return Text(status, kJson, std::move(body));
}

http::Response Exchange::Problem(const base::Error& error) const {
  return Problem(error, error.code == base::Code::kThrottled ? kRetryQuota : kRetryUnavailable);
}

http::Response Exchange::Problem(const base::Error& error, std::chrono::seconds retry_after) const {
  if (error.reason == http::kReasonBodyTimeout) return Problem(kRequestTimeout, error.message);
  const int status = base::PolicyOf(error.code).http_status;
  if (status >= 500 && !IsCrowding(error)) LogFailure(*this, error, status);
  // What went wrong inside is for the log; the trace id leads to it.
  base::Error shown = error;
  if (status == 500) shown.message = "this is the server's fault; its log names it by the trace id";
  http::Response response = Text(status, kProblemJson, wire::RenderProblem(shown, head.path, trace.trace_id));
  if (error.code == base::Code::kUnauthenticated || (error.code == base::Code::kForbidden && error.reason == "role")) {
    response.headers.emplace_back("WWW-Authenticate", Challenge(error));
  }
  if (error.code == base::Code::kThrottled || error.code == base::Code::kUnavailable) {
    response.headers.emplace_back("Retry-After", fmt::format("{}", retry_after.count()));
  }
  return response;
}

http::Response Exchange::Problem(const HttpProblem& problem, std::string_view detail) const {
  std::string body = fmt::format(R"({{"type":"https://ubertoons.dev/problems/{}","title":"{}","status":{},"detail":)",
                                 problem.name, problem.title, problem.status);
  base::AppendJsonString(body, detail);
  body += R"(,"instance":)";
  base::AppendJsonString(body, head.path);
  body += fmt::format(R"(,"traceId":"{}"}})", trace.trace_id);
  return Text(problem.status, kProblemJson, std::move(body));
}

}  // namespace api
