#include "api/api.h"

#include <fmt/format.h>

#include "api/calls.h"
#include "api/events.h"
#include "api/exchange.h"
#include "api/routes.h"

namespace api {

namespace {

bool IsThisMachine(std::string_view peer) {
  return peer.starts_with("127.") || peer == "::1" || peer.starts_with("::ffff:127.");
}

base::Error NoSuchPath(const Exchange& exchange) {
  return {.code = base::Code::kNotFound, .message = fmt::format("there is nothing at {}", exchange.path)};
}

base::Status Allow(const Services& services, Exchange& exchange, auth::Role least) {
  UT_TRY_ASSIGN(exchange.caller, services.authenticator.Authenticate(exchange.head));
  if (exchange.caller.role >= least) return {};
  return base::Fail(base::Code::kForbidden,
                    fmt::format("this needs the role {}, the token has {}", auth::RoleName(least),
                                auth::RoleName(exchange.caller.role)),
                    "role");
}

base::Status Authorise(const Services& services, const Route& route, Exchange& exchange) {
  switch (route.access) {
    case Access::kPublic:
    case Access::kSigned:
      return {};
    case Access::kBearer:
      return Allow(services, exchange, route.role);
    case Access::kMetrics:
      if (IsThisMachine(exchange.head.peer)) return {};
      return Allow(services, exchange, auth::Role::kAdmin);
  }
  return base::Fail(base::Code::kInternal, "a route without access rules");
}

http::Response TooFast(const Services& services, const Exchange& exchange, std::chrono::seconds wait) {
  const base::Error error{
      .code = base::Code::kThrottled,
      .message = fmt::format("your requests are more than the {} a second that may be (maxRequestsPerSecondPerTenant)",
                             services.limits.max_requests_per_second_per_tenant),
      .reason = "request-rate"};
  return exchange.Problem(error, wait);
}

Plan Dispatch(const Services& services, EventHub& events, Operation operation, const ExchangePtr& exchange) {
  switch (operation) {
    case Operation::kSubmit:
      return Submit(services, exchange);
    case Operation::kPromiseUpload:
      return PromiseUpload(services, exchange);
    case Operation::kReceiveUpload:
      return ReceiveUpload(services, exchange);
    case Operation::kReadContent:
      return ReadContent(services, exchange);
    case Operation::kStoreContent:
      return StoreContent(services, exchange);
    case Operation::kListJobs:
      return ListJobs(services, exchange);
    case Operation::kReadJob:
      return ReadJob(services, exchange);
    case Operation::kWatchJob:
      return WatchJob(services, events, exchange);
    case Operation::kCancelJob:
      return CancelJob(services, exchange);
    case Operation::kRetryJob:
      return RetryJob(services, exchange);
    case Operation::kListResults:
      return ListResults(services, exchange);
    case Operation::kReadArtifact:
      return ReadArtifact(services, exchange);
    case Operation::kListQuarantine:
      return ListQuarantine(services, exchange);
    case Operation::kReleaseQuarantined:
      return ReleaseQuarantined(services, exchange);
    case Operation::kBeginBackup:
      return BeginBackup(services, exchange);
    case Operation::kRenewBackup:
      return RenewBackup(services, exchange);
    case Operation::kEndBackup:
      return EndBackup(services, exchange);
    case Operation::kOpenApi:
      return OpenApi(exchange);
    case Operation::kHealth:
      return Health(exchange);
    case Operation::kReady:
      return Ready(services, exchange);
    case Operation::kMetrics:
      return Metrics(services, exchange);
    case Operation::kJwks:
      return Jwks(services, exchange);
  }
  return Refuse(exchange, NoSuchPath(*exchange));
}

}  // namespace

Api::Api(Services services)
    : services_(std::move(services)),
      limiter_(services_.limits.max_requests_per_second_per_tenant, services_.clock),
      events_(std::make_unique<EventHub>(services_.query, services_.feed, services_.event_interval)) {}

Api::~Api() = default;

Plan Api::Begin(const http::RequestHead& head) {
  const auto exchange = std::make_shared<Exchange>(head, services_.random);
  StagedPath staged = SplitStage(head.path);
  exchange->prefix = std::move(staged.prefix);
  exchange->path = std::move(staged.path);
  Match match = FindRoute(head.method, exchange->path);
  if (match.route == nullptr) {
    if (match.allow.empty()) return Refuse(exchange, NoSuchPath(*exchange));
    http::Response refusal =
        exchange->Problem(kMethodNotAllowed, fmt::format("{} allows {}", exchange->path, match.allow));
    refusal.headers.emplace_back("Allow", match.allow);
    return {.refuse = std::move(refusal)};
  }
  exchange->argument = std::move(match.argument);
  if (const auto allowed = Authorise(services_, *match.route, *exchange); !allowed) {
    return Refuse(exchange, allowed.error());
  }
  if (match.route->access == Access::kBearer) {
    if (const auto wait = limiter_.Take(exchange->caller.tenant))
      return {.refuse = TooFast(services_, *exchange, *wait)};
  }
  // A signed URL's query is the signature's business; everybody else's is read here.
  if (match.route->access != Access::kSigned) {
    auto parameters = http::ParseQuery(head.query);
    if (!parameters) return Refuse(exchange, parameters.error());
    exchange->parameters = *std::move(parameters);
  }
  return Dispatch(services_, *events_, match.route->operation, exchange);
}

http::Response Api::Malformed(const base::Error& error) {
  const Exchange exchange(http::RequestHead{}, services_.random);
  switch (http::MalformedStatus(error)) {
    case 408:
      return exchange.Problem(kRequestTimeout, error.message);
    case 414:
      return exchange.Problem(kTargetTooLong, error.message);
    case 417:
      return exchange.Problem(kExpectationFailed, error.message);
    case 431:
      return exchange.Problem(kHeaderTooLarge, error.message);
    default:
      return exchange.Problem(error);
  }
}

}  // namespace api
