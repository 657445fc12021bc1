#include "aws/call.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/hash.h"
#include "base/log.h"

namespace aws {

namespace {

using std::chrono::milliseconds;

// Services accept five minutes; a smaller difference is not what they refused.
constexpr std::chrono::minutes kClockTolerance{4};
constexpr std::chrono::seconds kLongestPresign{7 * 24 * 3600};
// A throttled service is asked later than one that stumbled.
constexpr int kThrottleFactor = 5;

struct Address {
  Endpoint endpoint;
  std::string host;
  std::string path;  // not encoded
  SigningScope scope;
};

base::Result<Address> AddressOf(const Call& call, const Settings& settings) {
  const ServiceTraits& traits = TraitsOf(call.service);
  UT_TRY_ASSIGN(Endpoint endpoint, EndpointOf(call.service, settings));
  Address address{.host = endpoint.authority,
                  .path = endpoint.path_prefix + call.path,
                  .scope = {.region = settings.region, .service = std::string(traits.host), .style = traits.style}};
  // A label with a dot does not match the service's certificate, and another host may not resolve with one more label.
  const bool in_path = endpoint.overridden || call.host_label.find('.') != std::string::npos;
  if (!call.host_label.empty() && in_path) {
    address.path = fmt::format("{}/{}{}", endpoint.path_prefix, call.host_label, call.path == "/" ? "" : call.path);
  } else if (!call.host_label.empty()) {
    address.host = fmt::format("{}.{}", call.host_label, endpoint.authority);
  }
  address.endpoint = std::move(endpoint);
  return address;
}

// What the service asks us to wait: Retry-After in seconds.
milliseconds AskedPause(const http::ClientResponse& response) {
  const std::string_view text = response.header("retry-after");
  int seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc() || end != text.data() + text.size() || seconds < 0) return milliseconds(0);
  return std::min<milliseconds>(std::chrono::seconds(std::min(seconds, 3600)), kLongestPause);
}

}  // namespace

// Why a try did not succeed, and what may help.
struct Caller::Failure {
  Cure cure = Cure::kNone;
  bool timed_out = false;
  milliseconds asked{0};
  http::ClientResponse response;
};

// What a call has done so far.
struct Caller::Progress {
  int attempt = 0;
  int paid = 0;  // tokens of the last retry
  bool clock_corrected = false;
  bool renewed = false;
  Credentials credentials;           // of the last try
  std::int64_t clock_offset_us = 0;  // that it was signed with
};

base::TimePoint Caller::Now() const {
  return parts_.clock.Now() + std::chrono::microseconds(clock_offset_us_.load(std::memory_order_relaxed));
}

base::Result<milliseconds> Caller::TimeLeft(const Call& call) const {
  const milliseconds most = TraitsOf(call.service).timeout + call.extra_time;
  if (!call.deadline) return most;
  const auto left = std::chrono::duration_cast<milliseconds>(*call.deadline - parts_.clock.Steady());
  if (left >= milliseconds(1)) return std::min(most, left);
  return base::Fail(base::Code::kTimeout,
                    fmt::format("{} {}: the deadline has passed", TraitsOf(call.service).name, call.operation),
                    std::string(http::kReasonNotSent));
}

base::Result<http::ClientResponse> Caller::TryOnce(const Call& call, Progress& progress, Failure& failure) {
  const ServiceTraits& traits = TraitsOf(call.service);
  UT_TRY_ASSIGN(const milliseconds timeout, TimeLeft(call));
  UT_TRY_ASSIGN(const Address address, AddressOf(call, settings_));
  UT_TRY_ASSIGN(progress.credentials, parts_.credentials.Get());
  const std::string hash = base::ToHex(base::Sha256Of(call.body));
  const RequestToSign to_sign{.method = call.method,
                              .host = address.host,
                              .path = address.path,
                              .query = call.query,
                              .headers = call.headers,
                              .body_sha256_hex = hash};
  progress.clock_offset_us = clock_offset_us_.load(std::memory_order_relaxed);
  SignedRequest sign = Sign(to_sign, address.scope, progress.credentials, Now());
  http::ClientRequest request{
      .method = std::string(call.method),
      .url = fmt::format("{}://{}{}", address.endpoint.scheme, address.host, sign.target),
      .headers = call.headers,
      .body = call.body,
      .resend = call.repeat == Repeat::kHarmless ? http::Resend::kAllowed : http::Resend::kNever,
      .connect_timeout = std::min(traits.connect_timeout, timeout),
      .timeout = timeout,
      .max_response_bytes = call.max_response_bytes,
      .ca_file = settings_.ca_file,
  };
  request.headers.insert(request.headers.end(), sign.headers.begin(), sign.headers.end());
  ++progress.attempt;
  auto sent = parts_.transport.Send(request);
  if (parts_.on_try) {
    parts_.on_try({.service = call.service,
                   .operation = call.operation,
                   .status = sent ? sent->status : 0,
                   .attempt = progress.attempt,
                   .sent_bytes = call.body.size(),
                   .received_bytes = sent ? sent->body.size() : 0});
  }
  const std::string what = fmt::format("{} {}", traits.name, call.operation);
  if (!sent) {
    base::Error error = std::move(sent).error();
    failure.timed_out = error.code == base::Code::kTimeout;
    const bool lost = error.code == base::Code::kUnavailable || failure.timed_out;
    const bool may = call.repeat == Repeat::kHarmless || error.reason == http::kReasonNotSent;
    failure.cure = lost && may ? Cure::kRetry : Cure::kNone;
    error.message = fmt::format("{}: {}", what, error.message);
    return std::unexpected(std::move(error));
  }
  if (call.success == Success::kByBody && sent->status == 200 && IsErrorDocument(sent->body)) sent->status = 500;
  if (sent->status / 100 == 2) return sent;
  const Refusal refusal = ReadRefusal(*sent);
  failure.cure = refusal.cure;
  failure.asked = AskedPause(*sent);
  failure.response = std::move(*sent);
  return std::unexpected(ErrorOf(refusal, failure.response.status, what));
}

bool Caller::CorrectClock(const http::ClientResponse& response, std::chrono::microseconds signed_offset) {
  const auto theirs = ParseHttpDate(response.header("date"));
  if (!theirs || std::chrono::abs(*theirs - (parts_.clock.Now() + signed_offset)) < kClockTolerance) return false;
  const auto offset = *theirs - parts_.clock.Now();
  clock_offset_us_.store(offset.count(), std::memory_order_relaxed);
  base::LogWarn("aws-clock-corrected", {{"offset_seconds", offset.count() / 1'000'000}});
  return true;
}

// True when the call is to be tried again, after whatever that needs.
bool Caller::PrepareRetry(const Call& call, Progress& progress, const Failure& failure) {
  if (progress.attempt == 0) return false;  // it was not even sent: our own fault
  if (failure.cure == Cure::kClock) {
    return !std::exchange(progress.clock_corrected, true) &&
           CorrectClock(failure.response, std::chrono::microseconds(progress.clock_offset_us));
  }
  if (failure.cure == Cure::kRenew) {
    if (std::exchange(progress.renewed, true)) return false;
    parts_.credentials.Expired(progress.credentials);
    return true;
  }
  if (failure.cure == Cure::kNone || progress.attempt >= settings_.max_attempts) return false;
  const int cost = failure.timed_out ? RetryQuota::kTimeoutCost : RetryQuota::kRetryCost;
  const int factor = failure.cure == Cure::kThrottle ? kThrottleFactor : 1;
  const milliseconds pause = std::max(
      failure.asked, JitteredPause(TraitsOf(call.service).retry_base * factor, progress.attempt - 1, parts_.random));
  if (call.deadline && parts_.clock.Steady() + pause >= *call.deadline) return false;
  if (!QuotaOf(call.service).Take(cost)) return false;
  progress.paid = cost;
  parts_.pause.For(pause);
  return true;
}

bool Caller::PauseBeforeRetry(Service service, int retry, std::optional<base::SteadyPoint> deadline) {
  const milliseconds pause = JitteredPause(TraitsOf(service).retry_base * kThrottleFactor, retry, parts_.random);
  if (deadline && parts_.clock.Steady() + pause >= *deadline) return false;
  if (!QuotaOf(service).Take(RetryQuota::kRetryCost)) return false;
  parts_.pause.For(pause);
  return true;
}

base::Result<http::ClientResponse> Caller::Send(const Call& call) {
  Progress progress;
  for (;;) {
    Failure failure;
    auto response = TryOnce(call, progress, failure);
    if (response) {
      QuotaOf(call.service).GiveBack(progress.paid > 0 ? progress.paid : RetryQuota::kReward);
      return response;
    }
    if (PrepareRetry(call, progress, failure)) continue;
    if (call.refusal_body != nullptr) *call.refusal_body = std::move(failure.response.body);
    return response;
  }
}

base::Result<std::string> Caller::Presign(const Call& call, std::chrono::seconds valid_for) {
  if (valid_for <= std::chrono::seconds(0) || valid_for > kLongestPresign) {
    return base::Fail(base::Code::kInvalid, "A signed URL is good for 1 second to 7 days");
  }
  UT_TRY_ASSIGN(const Address address, AddressOf(call, settings_));
  UT_TRY_ASSIGN(const Credentials credentials, parts_.credentials.Get());
  const std::string hash = base::ToHex(base::Sha256Of(call.body));
  const RequestToSign to_sign{.method = call.method,
                              .host = address.host,
                              .path = address.path,
                              .query = call.query,
                              .headers = call.headers,
                              .body_sha256_hex = hash};
  return fmt::format("{}://{}{}", address.endpoint.scheme, address.host,
                     PresignTarget(to_sign, address.scope, credentials, Now(), valid_for));
}

}  // namespace aws
