#include "local/runtime_api.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "base/hash.h"
#include "base/log.h"
#include "wire/strict_json.h"
#include "wire/trace.h"

namespace local {

namespace {

constexpr std::size_t kTokenDigits = 32;
constexpr std::size_t kMaxReportText = 1024;
constexpr std::string_view kVersion = "/2018-06-01/runtime/";

class NextCall final : public http::Call {
 public:
  NextCall(std::shared_ptr<RuntimePeer> peer, std::uint64_t poll) : peer_(std::move(peer)), poll_(poll) {}
  base::Status Write(std::string_view) override { return {}; }
  void Finish(http::Respond respond) override { peer_->OnNext(poll_, std::move(respond)); }
  http::Response Fail(const base::Error& error) override {
    return RuntimeRefusal(400, "InvalidRequest", error.message);
  }
  void Abandoned() override { peer_->OnPollAbandoned(poll_); }

 private:
  std::shared_ptr<RuntimePeer> peer_;
  const std::uint64_t poll_;
};

// Collects a body and hands it on with the worker's right to speak for the invocation.
class BodyCall final : public http::Call {
 public:
  using Function = std::move_only_function<void(std::string body, http::Respond respond)>;
  BodyCall(std::uint64_t expected_bytes, Function function) : function_(std::move(function)) {
    body_.reserve(expected_bytes);
  }
  base::Status Write(std::string_view piece) override {
    body_ += piece;
    return {};
  }
  void Finish(http::Respond respond) override { function_(std::move(body_), std::move(respond)); }
  http::Response Fail(const base::Error& error) override {
    const bool large = error.code == base::Code::kTooLarge;
    return RuntimeRefusal(large ? 413 : 400, large ? "RequestEntityTooLarge" : "InvalidRequest", error.message);
  }

 private:
  Function function_;
  std::string body_;
};

std::string Cut(std::string_view text) {
  return std::string(text.substr(0, kMaxReportText));
}

// {"errorMessage","errorType"}; a body that is something else still is a report.
RuntimePeer::ErrorReport ReadReport(const std::string& body, std::string header_type) {
  RuntimePeer::ErrorReport report{.type = std::move(header_type), .message = "an error without a readable report"};
  wire::StrictParser parser;
  if (const auto document = parser.Parse(body)) {
    std::string_view text;
    if ((*document)["errorMessage"].get(text) == simdjson::SUCCESS) report.message = Cut(text);
    if ((*document)["errorType"].get(text) == simdjson::SUCCESS) report.type = Cut(text);
  }
  return report;
}

// "aws/response" below invocation/: the id and what follows it.
struct InvocationPath {
  std::string id;
  std::string_view action;
};
std::optional<InvocationPath> ParseInvocation(std::string_view path) {
  constexpr std::string_view kPrefix = "invocation/";
  if (!path.starts_with(kPrefix)) return std::nullopt;
  path.remove_prefix(kPrefix.size());
  const std::size_t slash = path.find('/');
  if (slash == 0 || slash == std::string_view::npos) return std::nullopt;
  return InvocationPath{.id = std::string(path.substr(0, slash)), .action = path.substr(slash + 1)};
}

http::Handler::Plan Refuse(int status, std::string_view type, std::string_view message) {
  return {.call = nullptr, .refuse = RuntimeRefusal(status, type, message)};
}

}  // namespace

http::Response RuntimeAccepted() {
  return {.status = 202, .headers = {{"Content-Type", "application/json"}}, .body = std::string(R"({"status":"OK"})")};
}

http::Response RuntimeRefusal(int status, std::string_view type, std::string_view message) {
  std::string body = R"({"errorMessage":)";
  base::AppendJsonString(body, message);
  body += R"(,"errorType":)";
  base::AppendJsonString(body, type);
  body += '}';
  return {.status = status, .headers = {{"Content-Type", "application/json"}}, .body = std::move(body)};
}

std::string XRayTrace(std::string_view traceparent) {
  const auto trace = wire::ParseTraceparent(traceparent);
  if (!trace) return {};
  return fmt::format("Root=1-{}-{};Parent={};Sampled={}", trace->trace_id.substr(0, 8), trace->trace_id.substr(8),
                     trace->span_id, trace->flags & 1);
}

http::Response RenderInvocation(Invocation invocation) {
  http::Response response;
  response.headers = {{"Content-Type", "application/json"},
                      {"Lambda-Runtime-Aws-Request-Id", invocation.request_id},
                      {"Lambda-Runtime-Deadline-Ms", std::to_string(base::UnixMicros(invocation.deadline) / 1000)},
                      {"Lambda-Runtime-Invoked-Function-Arn", invocation.function_arn}};
  if (std::string trace = XRayTrace(invocation.traceparent); !trace.empty()) {
    response.headers.emplace_back("Lambda-Runtime-Trace-Id", std::move(trace));
    response.headers.emplace_back("traceparent", invocation.traceparent);
  }
  response.body = std::move(invocation.event);
  return response;
}

base::Result<std::unique_ptr<RuntimeApi>> RuntimeApi::Listen(int blocking_threads, base::Random& random) {
  std::unique_ptr<RuntimeApi> api(new RuntimeApi(random));
  http::ServerOptions options;
  options.blocking_threads = blocking_threads;
  options.max_connections = 4096;
  options.idle_timeout = std::chrono::hours(24);  // a worker says nothing while it works
  UT_TRY_ASSIGN(api->server_, http::Server::Listen(options, *api));
  api->server_->Start();
  return api;
}

RuntimeApi::~RuntimeApi() {
  server_.reset();
}

std::string RuntimeApi::Add(std::shared_ptr<RuntimePeer> peer) {
  std::string token = random_.Hex(kTokenDigits / 2);
  const std::lock_guard lock(mutex_);
  peers_.insert_or_assign(token, std::move(peer));
  return token;
}

void RuntimeApi::Remove(std::string_view token) {
  const std::lock_guard lock(mutex_);
  if (const auto found = peers_.find(token); found != peers_.end()) peers_.erase(found);
}

std::string RuntimeApi::AddressFor(std::string_view token) const {
  return fmt::format("127.0.0.1:{}/{}", server_->port(), token);
}

std::shared_ptr<RuntimePeer> RuntimeApi::Find(std::string_view token) const {
  const std::lock_guard lock(mutex_);
  const auto found = peers_.find(token);
  return found == peers_.end() ? nullptr : found->second;
}

http::Handler::Plan RuntimeApi::Begin(const http::RequestHead& head) {
  std::string_view path = head.path;
  if (path.size() <= kTokenDigits + 1) return Refuse(403, "Forbidden", "no such worker");
  auto peer = Find(path.substr(1, kTokenDigits));
  if (!peer) return Refuse(403, "Forbidden", "no such worker");
  path.remove_prefix(kTokenDigits + 1);
  if (!path.starts_with(kVersion)) return Refuse(404, "NotFound", "only /2018-06-01/runtime/ is served");
  path.remove_prefix(kVersion.size());
  if (head.method == "GET" && path == "invocation/next") {
    const std::lock_guard lock(mutex_);
    return {.call = std::make_unique<NextCall>(std::move(peer), ++polls_), .refuse = std::nullopt};
  }
  if (head.method == "POST") return BeginPost(std::move(peer), path, head);
  return Refuse(404, "NotFound", "no such operation");
}

http::Handler::Plan RuntimeApi::BeginPost(std::shared_ptr<RuntimePeer> peer, std::string_view path,
                                          const http::RequestHead& head) {
  std::string type = Cut(head.header("Lambda-Runtime-Function-Error-Type"));
  if (path == "init/error") {
    auto call = std::make_unique<BodyCall>(0, [peer, type](const std::string& body, http::Respond respond) {
      peer->OnInitError(ReadReport(body, type));
      respond(RuntimeAccepted());
    });
    return {.call = std::move(call), .refuse = std::nullopt, .max_body_bytes = kMaxErrorReportBytes};
  }
  const auto invocation = ParseInvocation(path);
  if (!invocation) return Refuse(404, "NotFound", "no such operation");
  if (!peer->Holds(invocation->id)) return Refuse(400, "InvalidRequestID", "not the invocation of this worker");
  if (invocation->action == "response") {
    const std::uint64_t expected = std::min(head.content_length.value_or(0), kMaxAnswerBytes);
    auto call =
        std::make_unique<BodyCall>(expected, [peer, id = invocation->id](std::string body, http::Respond respond) {
          peer->OnResponse(id, std::move(body), std::move(respond));
        });
    return {.call = std::move(call), .refuse = std::nullopt, .max_body_bytes = kMaxAnswerBytes};
  }
  if (invocation->action == "error") {
    auto call =
        std::make_unique<BodyCall>(0, [peer, type, id = invocation->id](std::string body, http::Respond respond) {
          peer->OnError(id, ReadReport(body, type), std::move(respond));
        });
    return {.call = std::move(call), .refuse = std::nullopt, .max_body_bytes = kMaxErrorReportBytes};
  }
  return Refuse(404, "NotFound", "no such operation");
}

http::Response RuntimeApi::Malformed(const base::Error& error) {
  return RuntimeRefusal(http::MalformedStatus(error), "InvalidRequest", error.message);
}

}  // namespace local
