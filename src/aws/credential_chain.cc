#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "aws/credential_answers.h"
#include "aws/credentials.h"
#include "aws/profile.h"
#include "base/hash.h"

namespace aws {

namespace {

using std::chrono_literals::operator""ms;

constexpr std::string_view kSessionName = "ubertoons";
constexpr std::string_view kContainerHost = "http://169.254.170.2";
constexpr std::string_view kInstanceHost = "http://169.254.169.254";
constexpr std::size_t kMaxAnswerBytes = 256 * 1024;
constexpr std::size_t kMaxChainedRoles = 5;  // source_profile to source_profile
// Link-local addresses answer at once or are not there at all.
constexpr std::chrono::milliseconds kLocalConnect = 1000ms;
constexpr std::chrono::milliseconds kLocalTotal = 2000ms;

// nullopt: this one is not configured here.
using Found = base::Result<std::optional<Credentials>>;

class Chain final : public CredentialSource {
 public:
  explicit Chain(ChainParts parts) : parts_(std::move(parts)) {}

  base::Result<Credentials> Get() override {
    struct Step {
      std::string_view name;
      Found (Chain::*find)();
    };
    constexpr std::array<Step, 5> kSteps{{{"the environment (AWS_ACCESS_KEY_ID)", &Chain::FromEnvironment},
                                          {"a web identity (AWS_WEB_IDENTITY_TOKEN_FILE)", &Chain::FromWebIdentity},
                                          {"the profile files", &Chain::FromProfile},
                                          {"a container (AWS_CONTAINER_CREDENTIALS_*_URI)", &Chain::FromContainer},
                                          {"the instance's role", &Chain::FromInstance}}};
    std::string tried;
    for (const Step& step : kSteps) {
      Found found = (this->*step.find)();
      if (!found) {
        found.error().message = fmt::format("AWS credentials of {}: {}", step.name, found.error().message);
        return std::unexpected(std::move(found).error());
      }
      if (std::optional<Credentials>& credentials = *found; credentials) return *std::move(credentials);
      tried += fmt::format("{}{}", tried.empty() ? "" : ", ", step.name);
    }
    return base::Fail(
        base::Code::kUnauthenticated,
        fmt::format("No AWS credentials are configured; tried {}, profile {}", tried, ProfileName(parts_.environment)));
  }

 private:
  Found FromEnvironment() {
    const auto id = parts_.environment("AWS_ACCESS_KEY_ID");
    if (!id) return std::optional<Credentials>();
    const auto secret = parts_.environment("AWS_SECRET_ACCESS_KEY");
    if (!secret) return base::Fail(base::Code::kUnauthenticated, "AWS_SECRET_ACCESS_KEY is not set");
    return Credentials{.access_key_id = *id,
                       .secret_access_key = *secret,
                       .session_token = parts_.environment("AWS_SESSION_TOKEN").value_or("")};
  }

  Found FromWebIdentity() {
    const auto file = parts_.environment("AWS_WEB_IDENTITY_TOKEN_FILE");
    const auto role = parts_.environment("AWS_ROLE_ARN");
    if (!file || !role) return std::optional<Credentials>();
    UT_TRY_ASSIGN(const auto token, ReadSmallFile(*file));
    if (!token) return base::Fail(base::Code::kUnavailable, fmt::format("{} is absent", *file));
    const std::string session = parts_.environment("AWS_ROLE_SESSION_NAME").value_or(std::string(kSessionName));
    UT_TRY_ASSIGN(const std::string region, Region());
    return AskSts({{"Action", "AssumeRoleWithWebIdentity"},
                   {"Version", "2011-06-15"},
                   {"RoleArn", *role},
                   {"RoleSessionName", session},
                   {"WebIdentityToken", *token}},
                  region, nullptr);
  }

  Found FromProfile() {
    UT_TRY_ASSIGN(const Profiles profiles, LoadProfiles(parts_.environment));
    const std::string name = ProfileName(parts_.environment);
    if (!profiles.contains(name)) {
      if (!parts_.environment("AWS_PROFILE")) return std::optional<Credentials>();
      return base::Fail(base::Code::kUnauthenticated, fmt::format("there is no profile {}", name));
    }
    std::set<std::string> seen;
    return OfProfile(profiles, name, seen);
  }

  // The keys of a profile, or of the role that it takes on with another's keys.
  Found OfProfile(const Profiles& profiles, const std::string& name, std::set<std::string>& seen) {
    const auto at = profiles.find(name);
    if (at == profiles.end())
      return base::Fail(base::Code::kUnauthenticated, fmt::format("there is no profile {}", name));
    const auto value = [&](std::string_view key) {
      const auto found = at->second.find(key);
      return found == at->second.end() ? std::string() : found->second;
    };
    const std::string source = value("source_profile");
    const std::string role = value("role_arn");
    // A profile that is its own source means its keys.
    const bool repeated = !seen.insert(name).second;
    if (!role.empty() && !source.empty() && !repeated) {
      if (seen.size() > kMaxChainedRoles) {
        return base::Fail(base::Code::kUnauthenticated, fmt::format("profile {}: too many source_profiles", name));
      }
      UT_TRY_ASSIGN(const auto keys, OfProfile(profiles, source, seen));
      if (!keys) return base::Fail(base::Code::kUnauthenticated, fmt::format("profile {} holds no keys", source));
      return AssumeRole(role, value("role_session_name"), value("external_id"), value("region"), *keys);
    }
    Credentials keys{.access_key_id = value("aws_access_key_id"),
                     .secret_access_key = value("aws_secret_access_key"),
                     .session_token = value("aws_session_token")};
    if (!keys.access_key_id.empty() && !keys.secret_access_key.empty()) return keys;
    for (const std::string_view key : {"credential_process", "sso_session", "sso_start_url", "credential_source"}) {
      if (value(key).empty()) continue;
      return base::Fail(base::Code::kUnsupported, fmt::format("profile {} asks for {}, which is not supported: give "
                                                              "keys by the environment instead",
                                                              name, key));
    }
    return std::optional<Credentials>();  // a profile may hold a region only
  }

  Found AssumeRole(const std::string& role, const std::string& session, const std::string& external_id,
                   const std::string& profile_region, const Credentials& keys) {
    Pairs form{{"Action", "AssumeRole"},
               {"Version", "2011-06-15"},
               {"RoleArn", role},
               {"RoleSessionName", session.empty() ? std::string(kSessionName) : session}};
    if (!external_id.empty()) form.emplace_back("ExternalId", external_id);
    std::string region = profile_region;
    if (region.empty()) {
      UT_TRY_ASSIGN(region, Region());
    }
    return AskSts(form, region, &keys);
  }

  // keys: whose signature; null for none.
  Found AskSts(const Pairs& form, const std::string& region, const Credentials* keys) {
    UT_TRY_ASSIGN(Settings settings, SettingsFrom(parts_.environment));
    settings.region = region;
    UT_TRY_ASSIGN(const Endpoint endpoint, EndpointOf(Service::kSts, settings));
    const ServiceTraits& traits = TraitsOf(Service::kSts);
    const std::string body = CanonicalQuery(form);
    const std::string hash = base::ToHex(base::Sha256Of(body));
    const std::string path = endpoint.path_prefix + "/";
    http::ClientRequest request{.method = "POST",
                                .url = fmt::format("{}://{}{}", endpoint.scheme, endpoint.authority, EncodePath(path)),
                                .headers = {{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}},
                                .body = body,
                                .connect_timeout = traits.connect_timeout,
                                .timeout = traits.timeout,
                                .max_response_bytes = kMaxAnswerBytes,
                                .ca_file = parts_.ca_file};
    if (keys != nullptr) {
      const RequestToSign to_sign{.method = request.method,
                                  .host = endpoint.authority,
                                  .path = path,
                                  .headers = request.headers,
                                  .body_sha256_hex = hash};
      SignedRequest signature =
          Sign(to_sign, {.region = region, .service = std::string(traits.host)}, *keys, parts_.clock.Now());
      request.headers.insert(request.headers.end(), signature.headers.begin(), signature.headers.end());
    }
    UT_TRY_ASSIGN(const http::ClientResponse response, parts_.transport.Send(request));
    if (response.status != 200) {
      return base::Fail(response.status >= 500 ? base::Code::kUnavailable : base::Code::kUnauthenticated,
                        fmt::format("STS {} answered {}", form.front().second, response.status));
    }
    return CredentialsOfSts(response.body);
  }

  Found FromContainer() {
    const auto relative = parts_.environment("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    const auto full = parts_.environment("AWS_CONTAINER_CREDENTIALS_FULL_URI");
    if (!relative && !full) return std::optional<Credentials>();
    const std::string url = relative ? fmt::format("{}{}", kContainerHost, *relative) : *full;
    UT_TRY(CheckContainerUrl(url));
    http::Headers headers;
    if (const auto file = parts_.environment("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")) {
      UT_TRY_ASSIGN(auto token, ReadSmallFile(*file));  // read each time: it is renewed beside us
      if (!token) return base::Fail(base::Code::kUnavailable, fmt::format("{} is absent", *file));
      while (token->ends_with('\n') || token->ends_with('\r')) token->pop_back();
      headers.emplace_back("Authorization", *token);
    } else if (const auto token = parts_.environment("AWS_CONTAINER_AUTHORIZATION_TOKEN")) {
      headers.emplace_back("Authorization", *token);
    }
    UT_TRY_ASSIGN(const http::ClientResponse response, AskLocal("GET", url, std::move(headers)));
    if (response.status != 200) {
      return base::Fail(base::Code::kUnavailable, fmt::format("{} answered {}", url, response.status));
    }
    return CredentialsOfJson(response.body);
  }

  // A token goes only to this machine, to the container agents or over TLS.
  static base::Status CheckContainerUrl(const std::string& url) {
    UT_TRY_ASSIGN(const Endpoint endpoint, ParseEndpoint(url.substr(0, url.find('?'))));
    const std::string host = endpoint.authority.substr(0, endpoint.authority.rfind(':'));
    const std::string bare = endpoint.authority.ends_with(']') ? endpoint.authority : host;
    constexpr std::array<std::string_view, 5> kHosts{"localhost", "169.254.170.2", "169.254.170.23", "[::1]",
                                                     "[fd00:ec2::23]"};
    if (endpoint.scheme == "https" || bare.starts_with("127.") || std::ranges::find(kHosts, bare) != kHosts.end()) {
      return {};
    }
    return base::Fail(base::Code::kUnauthenticated, fmt::format("{} is neither https nor this machine's", url));
  }

  Found FromInstance() {
    constexpr std::string_view kPath = "/latest/meta-data/iam/security-credentials/";
    const auto token = InstanceToken();
    if (!token) return std::optional<Credentials>();
    const auto list = AskInstance(kPath, *token);
    if (!list || list->status == 404) return std::optional<Credentials>();  // no role
    const std::string role = list->body.substr(0, list->body.find('\n'));
    UT_TRY_ASSIGN(const http::ClientResponse response,
                  AskInstance(fmt::format("{}{}", kPath, EncodePath(role)), *token));
    if (response.status != 200) {
      return base::Fail(base::Code::kUnavailable, fmt::format("the role {} answered {}", role, response.status));
    }
    return CredentialsOfJson(response.body);
  }

 public:
  // IMDSv2's session token; nullopt: this is no instance, or one that may not be asked.
  std::optional<std::string> InstanceToken() {
    if (parts_.environment("AWS_EC2_METADATA_DISABLED") == "true") return std::nullopt;
    const auto response =
        AskLocal("PUT", InstanceUrl("/latest/api/token"), {{"X-aws-ec2-metadata-token-ttl-seconds", "300"}});
    if (!response || response->status != 200) return std::nullopt;
    return response->body;
  }
  base::Result<http::ClientResponse> AskInstance(std::string_view path, const std::string& token) {
    return AskLocal("GET", InstanceUrl(path), {{"X-aws-ec2-metadata-token", token}});
  }

 private:
  std::string InstanceUrl(std::string_view path) {
    std::string host = parts_.environment("AWS_EC2_METADATA_SERVICE_ENDPOINT").value_or(std::string(kInstanceHost));
    while (host.ends_with('/')) host.pop_back();
    return host + std::string(path);
  }
  base::Result<http::ClientResponse> AskLocal(std::string method, std::string url, http::Headers headers) {
    return parts_.transport.Send({.method = std::move(method),
                                  .url = std::move(url),
                                  .headers = std::move(headers),
                                  .connect_timeout = kLocalConnect,
                                  .timeout = kLocalTotal,
                                  .max_response_bytes = kMaxAnswerBytes,
                                  .ca_file = parts_.ca_file});
  }
  base::Result<std::string> Region() { return FindRegion(parts_); }

  const ChainParts parts_;
};

}  // namespace

std::unique_ptr<CredentialSource> MakeCredentialChain(ChainParts parts) {
  return std::make_unique<Chain>(std::move(parts));
}

base::Result<std::string> FindRegion(const ChainParts& parts) {
  std::string region = parts.environment("AWS_REGION").value_or(parts.environment("AWS_DEFAULT_REGION").value_or(""));
  if (region.empty()) {
    UT_TRY_ASSIGN(const Profiles profiles, LoadProfiles(parts.environment));
    const auto profile = profiles.find(ProfileName(parts.environment));
    if (profile != profiles.end()) {
      const auto at = profile->second.find("region");
      if (at != profile->second.end()) region = at->second;
    }
  }
  if (region.empty()) {
    Chain chain(parts);
    if (const auto token = chain.InstanceToken()) {
      const auto answer = chain.AskInstance("/latest/meta-data/placement/region", *token);
      if (answer && answer->status == 200) region = answer->body;
    }
  }
  if (IsRegion(region)) return region;
  return base::Fail(base::Code::kInvalid,
                    region.empty() ? "No AWS region is configured; tried AWS_REGION, AWS_DEFAULT_REGION, the profile "
                                     "and the instance"
                                   : fmt::format("{} is not an AWS region", region));
}

}  // namespace aws
