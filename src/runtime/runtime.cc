#include "runtime/runtime.h"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <charconv>
#include <cstdlib>
#include <optional>

#include "base/log.h"
#include "http/client.h"

namespace runtime {

namespace {

// A signal handler reaches only globals. Lock-free, so that it may.
std::atomic<bool> g_between_invocations{true};
std::atomic<bool> g_terminated{false};

void OnTerminate(int) {
  if (g_between_invocations.load()) ::_exit(0);
  g_terminated.store(true);
}

void TakeSigterm() {
  struct sigaction action{};
  action.sa_handler = OnTerminate;
  action.sa_flags = SA_RESTART;
  (void)::sigaction(SIGTERM, &action, nullptr);
}

std::string BaseOf(const std::string& api) {
  return fmt::format("http://{}/2018-06-01/runtime", api);
}

std::string ErrorReport(const base::Error& error) {
  std::string body = R"({"errorMessage":)";
  base::AppendJsonString(body, error.message);
  body += R"(,"errorType":)";
  base::AppendJsonString(body, base::PolicyOf(error.code).lambda_type);
  body += R"(,"stackTrace":[]})";
  return body;
}

class Loop {
 public:
  Loop(const std::string& api, const Handler& handler) : base_(BaseOf(api)), handler_(handler) {}

  base::Status Run() {
    while (!g_terminated.load()) {
      UT_TRY_ASSIGN(const auto invocation, Next());
      if (!invocation) return {};
      g_between_invocations.store(false);
      const auto after = Answer(*invocation);
      g_between_invocations.store(true);
      if (!after) return std::unexpected(after.error());
      if (*after == HandlerAnswer::After::kEnd) return {};
    }
    return {};
  }

 private:
  struct Invocation {
    InvocationContext context;
    std::string event;
  };

  // nullopt: the API has gone.
  base::Result<std::optional<Invocation>> Next() {
    http::ClientRequest request;
    request.url = base_ + "/invocation/next";
    request.timeout = std::chrono::milliseconds(0);  // a long poll
    request.max_response_bytes = 1U << 30U;
    auto response = client_.Send(request);
    if (!response) {
      if (response.error().code == base::Code::kUnavailable) return std::optional<Invocation>();
      return std::unexpected(std::move(response).error());
    }
    if (response->status >= 500) return std::optional<Invocation>();  // we are told to go
    if (response->status != 200) {
      return base::Fail(base::Code::kUnavailable, fmt::format("the Runtime API answered {}", response->status));
    }
    Invocation invocation;
    invocation.context.request_id = response->header("Lambda-Runtime-Aws-Request-Id");
    invocation.context.traceparent = response->header("traceparent");
    const std::string_view deadline = response->header("Lambda-Runtime-Deadline-Ms");
    std::int64_t millis = 0;
    (void)std::from_chars(deadline.data(), deadline.data() + deadline.size(), millis);
    invocation.context.deadline = base::TimePoint(std::chrono::milliseconds(millis));
    invocation.event = std::move(response->body);
    return invocation;
  }

  base::Result<HandlerAnswer::After> Answer(const Invocation& invocation) {
    auto answer = handler_(invocation.event, invocation.context);
    http::ClientRequest request;
    request.method = "POST";
    request.timeout = std::chrono::milliseconds(0);  // the API's home has deadlines of its own
    std::string report;
    const std::string path = fmt::format("{}/invocation/{}", base_, invocation.context.request_id);
    if (answer) {
      request.url = path + "/response";
      request.headers = {{"Content-Type", answer->content_type}};
      request.body = answer->body;
    } else {
      report = ErrorReport(answer.error());
      request.url = path + "/error";
      request.headers = {
          {"Content-Type", "application/json"},
          {"Lambda-Runtime-Function-Error-Type", std::string(base::PolicyOf(answer.error().code).lambda_type)}};
      request.body = report;
    }
    UT_TRY_ASSIGN(const http::ClientResponse response, client_.Send(request));
    const auto after = answer ? answer->after : HandlerAnswer::After::kServe;
    if (response.status / 100 == 2) return after;
    // 400: the invocation is not ours any more (deadline, cancel); 413: it was too large. The next one may be fine.
    base::LogWarn("answer-refused", {{"requestId", invocation.context.request_id}, {"status", response.status}});
    if (response.status == 413) ReportTooLarge(path);
    return after;
  }

  void ReportTooLarge(const std::string& path) {
    const std::string report = ErrorReport({.code = base::Code::kTooLarge, .message = "the answer is too large"});
    http::ClientRequest request;
    request.method = "POST";
    request.url = path + "/error";
    request.headers = {{"Content-Type", "application/json"}};
    request.body = report;
    if (const auto sent = client_.Send(request); !sent)
      base::LogWarn("report-failed", {{"error", sent.error().message}});
  }

  const std::string base_;
  const Handler& handler_;
  http::Client client_;
};

}  // namespace

base::Result<std::string> ApiFromEnvironment() {
  const char* api = std::getenv("AWS_LAMBDA_RUNTIME_API");
  if (api != nullptr && *api != '\0') return std::string(api);
  return base::Fail(base::Code::kInvalid,
                    "AWS_LAMBDA_RUNTIME_API is not set: this program is started by a Lambda home");
}

base::Status Run(const std::string& api, const Handler& handler) {
  TakeSigterm();
  return Loop(api, handler).Run();
}

void ReportInitError(const std::string& api, const base::Error& error) {
  const std::string report = ErrorReport(error);
  http::ClientRequest request;
  request.method = "POST";
  request.url = BaseOf(api) + "/init/error";
  request.headers = {{"Content-Type", "application/json"},
                     {"Lambda-Runtime-Function-Error-Type", std::string(base::PolicyOf(error.code).lambda_type)}};
  request.body = report;
  http::Client client;
  if (const auto sent = client.Send(request); !sent) base::LogWarn("report-failed", {{"error", sent.error().message}});
}

}  // namespace runtime
