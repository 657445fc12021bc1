// The services we call: how they are named, where they are, how patient we are. Pure; thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "aws/sigv4.h"
#include "base/error.h"

namespace aws {

enum class Service : std::uint8_t {
  kS3,
  kSqs,
  kSns,
  kDynamoDb,
  kEventBridge,
  kKinesis,
  kStepFunctions,
  kKms,
  kSts,
};
inline constexpr std::size_t kServiceCount = 9;

struct ServiceTraits {
  std::string_view name;          // for people and figures: "dynamodb"
  std::string_view host;          // the first label of its host, and its signing name: "events"
  std::string_view endpoint_key;  // of AWS_ENDPOINT_URL_<KEY>
  SignStyle style;
  std::chrono::milliseconds connect_timeout;
  std::chrono::milliseconds timeout;     // one try, whole exchange
  std::chrono::milliseconds retry_base;  // the first pause is drawn from [0, this)
};
[[nodiscard]] const ServiceTraits& TraitsOf(Service service);

// A variable's value, nullopt if unset or empty. Injected, so that tests do not touch the process.
using Environment = std::function<std::optional<std::string>(std::string_view name)>;
[[nodiscard]] Environment ProcessEnvironment();

struct Endpoint {
  std::string scheme = "https";
  std::string authority;    // host, and port unless it is the scheme's own
  std::string path_prefix;  // "" or "/x"
  bool overridden = false;  // not AWS's own host: S3 buckets stand in the path
};

struct Settings {
  std::string region;
  std::string endpoint_url;                    // for every service that has none of its own; "": AWS
  std::map<Service, std::string> endpoint_of;  // one service's
  std::string ca_file;                         // PEM; "": the system's
  int max_attempts = 4;                        // of one call, the first included
};
// Endpoints of AWS_ENDPOINT_URL and AWS_ENDPOINT_URL_<KEY> (unless AWS_IGNORE_CONFIGURED_ENDPOINT_URLS is true), CA
// file of AWS_CA_BUNDLE, attempts of AWS_MAX_ATTEMPTS (1 to 10). The region stays empty; see credentials.h. kInvalid.
[[nodiscard]] base::Result<Settings> SettingsFrom(const Environment& environment);

// kInvalid: no region and no override, or an override that is not http(s)://host[:port][/path].
[[nodiscard]] base::Result<Endpoint> EndpointOf(Service service, const Settings& settings);
[[nodiscard]] base::Result<Endpoint> ParseEndpoint(std::string_view url);
// Letters, digits and '-': a region becomes part of a host name.
[[nodiscard]] bool IsRegion(std::string_view text);

}  // namespace aws
