#include "config/config.h"

#include <fmt/format.h>

#include <algorithm>

#include "config/settings.h"
#include "config/toml_file.h"
#include "config/units.h"

namespace config {

namespace {

// Of the environment, but not settings of the server: what the client commands read, and the file's own name.
constexpr std::string_view kOtherVariables[] = {"UBERTOONS_URL", "UBERTOONS_TOKEN", "UBERTOONS_CONFIG"};

base::Status ApplyEnvironment(const std::map<std::string, std::string>& environment, Config& config) {
  std::vector<std::string> names;
  for (const Setting& setting : AllSettings()) names.push_back(EnvironmentName(setting.key));
  const std::vector<std::string_view> known(names.begin(), names.end());
  for (const auto& [name, value] : environment) {
    if (!name.starts_with("UBERTOONS_")) continue;
    const auto found = std::ranges::find(known, name);
    if (found != known.end()) {
      const std::string_view key = AllSettings()[static_cast<std::size_t>(found - known.begin())].key;
      UT_TRY(Apply(key, Raw{.value = value, .form = Raw::Form::kText, .where = name}, config));
      continue;
    }
    // A variable of somebody else's may share the prefix; one that is nearly ours is a typing error.
    if (std::ranges::find(kOtherVariables, name) != std::end(kOtherVariables)) continue;
    const std::string_view suffix = std::string_view(name).substr(10);
    for (const std::string_view candidate : known) {
      const std::string_view one[] = {candidate.substr(10)};
      if (suffix.size() >= 4 && Nearest(suffix, one) == one[0] &&
          std::max(suffix.size(), one[0].size()) - std::min(suffix.size(), one[0].size()) <= 2) {
        return std::unexpected(
            At("environment", name, fmt::format("unknown variable (did you mean \"{}\"?)", candidate)));
      }
    }
  }
  return {};
}

base::Status ApplyFlags(const Flags& flags, Config& config) {
  struct Flag {
    std::string_view name;
    std::string_view key;
    const std::optional<std::string>& value;
  };
  const Flag all[] = {
      {"--data", "data", flags.data},
      {"--listen", "listen", flags.listen},
      {"--tls-cert", "tls_cert", flags.tls_cert},
      {"--tls-key", "tls_key", flags.tls_key},
      {"--issuer", "issuer", flags.issuer},
      {"--jwks-url", "jwks_url", flags.jwks_url},
      {"--public-url", "public_url", flags.public_url},
      {"--log-level", "log_level", flags.log_level},
      {"--worker-command", "worker_command", flags.worker_command},
      {"--isolation", "isolation", flags.isolation},
      {"--memory-budget", "memory_budget", flags.memory_budget},
  };
  for (const Flag& flag : all) {
    if (!flag.value) continue;
    UT_TRY(
        Apply(flag.key, Raw{.value = *flag.value, .form = Raw::Form::kText, .where = std::string(flag.name)}, config));
  }
  if (flags.workers) {
    UT_TRY(Apply("workers", Raw{.value = std::int64_t{*flags.workers}, .form = Raw::Form::kText, .where = "--workers"},
                 config));
  }
  if (flags.allow_insecure_listen) config.allow_insecure_listen = true;
  return {};
}

// Keys fetched over plain HTTP could be anybody's; on this machine itself it is fine.
bool SafeToFetch(std::string_view url) {
  if (url.starts_with("https://")) return true;
  std::string_view authority = url.substr(std::string_view("http://").size());
  authority = authority.substr(0, authority.find_first_of("/?#"));
  if (authority.contains('@')) return false;
  if (const auto address = ParseAddress(authority)) return IsLoopback(address->host);
  return IsLoopback(authority);
}

// What no single value shows.
base::Status CheckTogether(const Config& config) {
  const auto refuse = [](std::string_view key, std::string_view why) {
    return std::unexpected(At("settings", key, why));
  };
  if (config.data_dir.empty()) return refuse("data", "a folder is needed (--data, UBERTOONS_DATA or `data`)");
  if (config.tls_cert.empty() != config.tls_key.empty()) {
    return refuse(config.tls_cert.empty() ? "tls_cert" : "tls_key", "tls_cert and tls_key are needed together");
  }
  if (config.tls_cert.empty() && !config.allow_insecure_listen && !IsLoopback(config.listen_host)) {
    return refuse("listen", fmt::format("{} is reachable by other machines and tokens would travel in clear: give "
                                        "tls_cert and tls_key, or allow_insecure_listen behind a proxy",
                                        config.listen_host));
  }
  if (config.issuer.empty() && !config.jwks_url.empty()) return refuse("jwks_url", "it needs an issuer");
  const std::string_view keys_from = config.jwks_url.empty() ? config.issuer : config.jwks_url;
  if (!keys_from.empty() && !SafeToFetch(keys_from)) {
    return refuse(config.jwks_url.empty() ? "issuer" : "jwks_url", "keys are fetched over https only");
  }
  if (config.limits.max_pending_toons_per_tenant > config.limits.max_pending_toons &&
      config.limits.max_pending_toons_per_tenant != job::Limits{}.max_pending_toons_per_tenant) {
    return refuse("limits.max_pending_toons_per_tenant", "it is above limits.max_pending_toons");
  }
  return {};
}

}  // namespace

base::Result<Config> Load(const Flags& flags, const std::map<std::string, std::string>& environment) {
  Config config;
  std::string file = flags.config_file.value_or("");
  if (const auto named = environment.find("UBERTOONS_CONFIG"); file.empty() && named != environment.end()) {
    file = named->second;
  }
  if (!file.empty()) UT_TRY(ApplyFile(file, config));
  UT_TRY(ApplyEnvironment(environment, config));
  UT_TRY(ApplyFlags(flags, config));
  UT_TRY(CheckTogether(config));
  return config;
}

}  // namespace config
