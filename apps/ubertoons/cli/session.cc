#include "cli/session.h"

#include <fmt/format.h>

#include <charconv>
#include <ctime>

namespace cli {
namespace {

Failure FromTransport(const base::Error& error, const std::string& origin) {
  Failure failure = FromError(error);
  failure.detail = error.message;
  switch (error.code) {
    case base::Code::kUnavailable:
      failure.title = fmt::format("Cannot reach {}", origin);
      break;
    case base::Code::kTimeout:
      failure.title = fmt::format("{} did not answer in time", origin);
      break;
    case base::Code::kInvalid:
      failure.exit = Exit::kUsage;
      break;
    default:
      failure.exit = Exit::kInternal;
      break;
  }
  return failure;
}

Failure Refusal(const http::ClientResponse& response) {
  Failure failure = FromAnswer(response.status, response.body);
  const std::string_view location = response.header("Location");
  if (response.status >= 300 && response.status < 400 && !location.empty()) {
    failure.exit = Exit::kRefused;
    failure.detail = fmt::format("it points to {}; is the URL right?", location);
  }
  if (response.status == 401 && failure.raw.empty()) failure.detail = "a token is needed: --token or UBERTOONS_TOKEN";
  return failure;
}

}  // namespace

Session::Session(Settings settings, Environment& env, Stream& err)
    : settings_(std::move(settings)), env_(&env), err_(&err) {}

Try<http::ClientResponse> Session::Send(const ApiRequest& request) {
  return Exchange(settings_.url + request.path, request, Trust::kWithToken);
}

Try<http::ClientResponse> Session::SendSigned(std::string_view url, const ApiRequest& request) {
  const std::string whole = url.starts_with('/') ? OriginOf(settings_.url) + std::string(url) : std::string(url);
  return Exchange(whole, request, Trust::kBare);
}

Try<http::ClientResponse> Session::Exchange(const std::string& url, const ApiRequest& request, Trust trust) {
  http::ClientRequest outgoing{.method = request.method,
                               .url = url,
                               .headers = request.headers,
                               .body = request.body,
                               .body_file = request.body_file,
                               .timeout = request.timeout,
                               .ca_file = settings_.ca_file,
                               .on_data = request.on_data};
  if (trust == Trust::kWithToken && !settings_.token.empty()) {
    outgoing.headers.emplace_back("Authorization", "Bearer " + settings_.token);
  }
  for (int tried = 1;; ++tried) {
    auto response = client_.Send(outgoing);
    if (!response) return std::unexpected(FromTransport(response.error(), OriginOf(url)));
    if (response->status >= 200 && response->status < 300) return std::move(*response);
    const auto pause = PauseAfter(*response, tried);
    if (!pause) return std::unexpected(Refusal(*response));
    err_->Write(fmt::format("The server is busy ({}); trying again in {}\n", response->status,
                            HumanMillis(static_cast<double>(pause->count()))));
    err_->Flush();
    env_->sleep(*pause);
  }
}

std::optional<std::chrono::milliseconds> Session::PauseAfter(const http::ClientResponse& response, int tried) const {
  const auto asked = ParseRetryAfter(response.header("Retry-After"), env_->clock->Now());
  const bool waits = response.status == 429 || (response.status == 503 && asked);
  if (!waits || tried > kPatience) return std::nullopt;
  if (asked) return *asked <= kLongestWait ? std::optional<std::chrono::milliseconds>(*asked) : std::nullopt;
  const double jitter = 0.5 + env_->random->Unit();
  return std::chrono::milliseconds(static_cast<std::int64_t>(500.0 * static_cast<double>(1U << tried) * jitter));
}

Try<Document> Session::Fetch(const ApiRequest& request) {
  UT_TRY_ASSIGN(http::ClientResponse response, Send(request));
  std::optional<json::value> value = ParseJson(response.body);
  if (!value || !value->is_object()) {
    return Fail(Exit::kUnreachable, "That is not an answer of Ubertoons",
                fmt::format("{} {} answered {} without a JSON object", request.method, request.path, response.status));
  }
  return Document{std::move(response.body), std::move(*value)};
}

std::optional<std::chrono::seconds> ParseRetryAfter(std::string_view value, base::TimePoint now) {
  if (value.empty()) return std::nullopt;
  std::uint32_t seconds = 0;
  const char* const end = value.data() + value.size();
  if (const auto [at, ec] = std::from_chars(value.data(), end, seconds); ec == std::errc() && at == end) {
    return std::chrono::seconds(seconds);
  }
  std::tm parts{};
  const std::string text(value);
  if (strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts) == nullptr) return std::nullopt;
  const auto now_seconds = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();
  return std::chrono::seconds(std::max<std::int64_t>(0, timegm(&parts) - now_seconds));
}

std::string JobPath(std::string_view job_id, std::string_view rest) {
  return fmt::format("/jobs/{}{}", http::PercentEncode(job_id), rest);
}

}  // namespace cli
