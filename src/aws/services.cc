#include "aws/services.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <utility>

namespace aws {

namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

constexpr int kMostAttempts = 10;  // a call that failed so often is not helped by another try
constexpr std::size_t kMaxRegionBytes = 32;

// In the order of Service. SQS and Step Functions may hold a request open (20 and 60 s); S3 moves large bodies.
constexpr std::array<ServiceTraits, kServiceCount> kTraits{{
    {"s3", "s3", "S3", SignStyle::kS3, 2s, 60s, 100ms},
    {"sqs", "sqs", "SQS", SignStyle::kOther, 2s, 30s, 100ms},
    {"sns", "sns", "SNS", SignStyle::kOther, 2s, 10s, 100ms},
    {"dynamodb", "dynamodb", "DYNAMODB", SignStyle::kOther, 1s, 5s, 50ms},
    {"eventbridge", "events", "EVENTBRIDGE", SignStyle::kOther, 2s, 10s, 100ms},
    {"kinesis", "kinesis", "KINESIS", SignStyle::kOther, 2s, 10s, 100ms},
    {"stepfunctions", "states", "SFN", SignStyle::kOther, 2s, 10s, 100ms},
    {"kms", "kms", "KMS", SignStyle::kOther, 2s, 5s, 100ms},
    {"sts", "sts", "STS", SignStyle::kOther, 2s, 10s, 100ms},
}};

std::string_view HostSuffix(std::string_view region) {
  return region.starts_with("cn-") ? "amazonaws.com.cn" : "amazonaws.com";
}

base::Result<int> AttemptsOf(const std::string& text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 1 || value > kMostAttempts) {
    return base::Fail(base::Code::kInvalid, fmt::format("AWS_MAX_ATTEMPTS is not between 1 and {}", kMostAttempts));
  }
  return value;
}

}  // namespace

const ServiceTraits& TraitsOf(Service service) {
  return kTraits.at(static_cast<std::size_t>(service));
}

Environment ProcessEnvironment() {
  return [](std::string_view name) -> std::optional<std::string> {
    const char* value = std::getenv(std::string(name).c_str());
    if (value == nullptr || *value == '\0') return std::nullopt;
    return value;
  };
}

bool IsRegion(std::string_view text) {
  const auto allowed = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
  return !text.empty() && text.size() <= kMaxRegionBytes && std::ranges::all_of(text, allowed);
}

base::Result<Settings> SettingsFrom(const Environment& environment) {
  Settings settings{.ca_file = environment("AWS_CA_BUNDLE").value_or("")};
  if (const auto attempts = environment("AWS_MAX_ATTEMPTS")) {
    UT_TRY_ASSIGN(settings.max_attempts, AttemptsOf(*attempts));
  }
  if (environment("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS") == "true") return settings;
  settings.endpoint_url = environment("AWS_ENDPOINT_URL").value_or("");
  for (std::size_t i = 0; i < kServiceCount; ++i) {
    const auto service = static_cast<Service>(i);
    auto url = environment(fmt::format("AWS_ENDPOINT_URL_{}", TraitsOf(service).endpoint_key));
    if (url) settings.endpoint_of[service] = std::move(*url);
  }
  return settings;
}

base::Result<Endpoint> ParseEndpoint(std::string_view url) {
  Endpoint endpoint{.overridden = true};
  const std::size_t colon = url.find("://");
  const std::string_view scheme = url.substr(0, colon);
  if (colon == std::string_view::npos || (scheme != "http" && scheme != "https")) {
    return base::Fail(base::Code::kInvalid,
                      fmt::format("The endpoint {} does not start with http:// or https://", url));
  }
  std::string_view rest = url.substr(colon + 3);
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  std::string_view authority = rest.substr(0, slash);
  rest.remove_prefix(slash);
  while (rest.ends_with('/')) rest.remove_suffix(1);
  const std::string_view own_port = scheme == "http" ? ":80" : ":443";
  if (authority.ends_with(own_port)) authority.remove_suffix(own_port.size());
  if (authority.empty() || url.find_first_of(" \r\n\t?#@") != std::string_view::npos) {
    return base::Fail(base::Code::kInvalid, fmt::format("The endpoint {} is not a host with a path", url));
  }
  endpoint.scheme = scheme;
  endpoint.authority = authority;
  endpoint.path_prefix = rest;
  return endpoint;
}

base::Result<Endpoint> EndpointOf(Service service, const Settings& settings) {
  const auto own = settings.endpoint_of.find(service);
  const std::string& url = own == settings.endpoint_of.end() ? settings.endpoint_url : own->second;
  if (!url.empty()) return ParseEndpoint(url);
  const ServiceTraits& traits = TraitsOf(service);
  if (!IsRegion(settings.region)) {
    return base::Fail(base::Code::kInvalid,
                      fmt::format("No AWS region is known to reach {} in: set AWS_REGION", traits.name));
  }
  return Endpoint{.authority = fmt::format("{}.{}.{}", traits.host, settings.region, HostSuffix(settings.region))};
}

}  // namespace aws
