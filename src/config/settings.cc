#include "config/settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>

#include "config/units.h"

namespace config {

namespace {

constexpr std::uint64_t kLeastTransferBytes = 16ULL << 20U;  // one page of results is 8 MiB
constexpr std::uint64_t kMostBodyRate = 1'000'000;
constexpr std::chrono::hours kMostHttpTimeout{1};

std::string_view KindOf(const Raw& raw) {
  static constexpr std::string_view kNames[] = {"a string", "a whole number", "a fraction", "true or false", "a list"};
  return kNames[raw.value.index()];
}

std::unexpected<base::Error> Expected(std::string_view what, const Raw& raw) {
  if (raw.form == Raw::Form::kText) {
    const auto* text = std::get_if<std::string>(&raw.value);
    return base::Fail(base::Code::kInvalid, fmt::format("{} is expected, not \"{}\"", what, text ? *text : ""));
  }
  return base::Fail(base::Code::kInvalid, fmt::format("{} is expected, not {}", what, KindOf(raw)));
}

template <std::string Config::* member>
base::Status SetText(const Raw& raw, Config& config) {
  UT_TRY_ASSIGN(config.*member, AsText(raw));
  return {};
}

template <std::string Config::* member>
base::Status SetName(const Raw& raw, Config& config) {
  UT_TRY_ASSIGN(std::string text, AsText(raw));
  if (text.empty()) return base::Fail(base::Code::kInvalid, "a claim's name is expected, not an empty string");
  config.*member = std::move(text);
  return {};
}

bool IsUrl(std::string_view text) {
  return text.starts_with("https://") || text.starts_with("http://");
}

template <std::string Config::* member>
base::Status SetUrl(const Raw& raw, Config& config) {
  auto text = AsText(raw);
  if (!text) return std::unexpected(std::move(text).error());
  if (!IsUrl(*text)) {
    return base::Fail(base::Code::kInvalid, fmt::format("an http or https URL is expected, not \"{}\"", *text));
  }
  while (member == &Config::public_url && text->ends_with('/')) text->pop_back();
  config.*member = *std::move(text);
  return {};
}

template <std::chrono::seconds Config::* member>
base::Status SetDuration(const Raw& raw, Config& config) {
  UT_TRY_ASSIGN(config.*member, AsDuration(raw, std::chrono::seconds(1)));
  return {};
}

base::Status SetListen(const Raw& raw, Config& config) {
  UT_TRY_ASSIGN(const std::string text, AsText(raw));
  UT_TRY_ASSIGN(Address address, ParseAddress(text));
  config.listen_host = std::move(address.host);
  config.listen_port = address.port;
  return {};
}

base::Status SetInsecure(const Raw& raw, Config& config) {
  UT_TRY_ASSIGN(config.allow_insecure_listen, AsSwitch(raw));
  return {};
}

base::Status SetWorkers(const Raw& raw, Config& config) {
  UT_TRY_ASSIGN(const std::int64_t count, AsInteger(raw, 0, 1024));
  config.max_workers = static_cast<int>(count);
  return {};
}

base::Status SetWorkerRss(const Raw& raw, Config& config) {
  UT_TRY_ASSIGN(const std::uint64_t bytes, AsSize(raw));
  if (bytes < (16ULL << 20U)) return base::Fail(base::Code::kInvalid, "at least 16MiB is expected");
  config.worker_max_rss_mb = bytes >> 20U;
  return {};
}

// Less would let a single photo wait for all others.
constexpr std::uint64_t kLeastMemoryBudget = 64ULL << 20U;

base::Status SetMemoryBudget(const Raw& raw, Config& config) {
  const auto* text = std::get_if<std::string>(&raw.value);
  config.memory_budget.reset();
  if (text != nullptr && *text == "auto") return {};
  if (text != nullptr && *text == "off") {
    config.memory_budget = 0;
    return {};
  }
  UT_TRY_ASSIGN(const std::uint64_t bytes, AsSize(raw));
  if (bytes < kLeastMemoryBudget) {
    return base::Fail(base::Code::kInvalid, "at least 64MiB is expected, or \"auto\" or \"off\"");
  }
  config.memory_budget = bytes;
  return {};
}

base::Status SetAudiences(const Raw& raw, Config& config) {
  UT_TRY_ASSIGN(config.audiences, AsList(raw));
  return {};
}

base::Status SetRetention(const Raw& raw, Config& config) {
  const auto* text = std::get_if<std::string>(&raw.value);
  if (text != nullptr && *text == "forever") {
    config.retention.reset();
    return {};
  }
  UT_TRY_ASSIGN(config.retention, AsDuration(raw, std::chrono::seconds(0)));
  return {};
}

base::Status SetLogLevel(const Raw& raw, Config& config) {
  static constexpr std::string_view kNames[] = {"debug", "info", "warn", "error", "off"};
  UT_TRY_ASSIGN(const std::string text, AsText(raw));
  for (std::size_t i = 0; i < std::size(kNames); ++i) {
    if (text != kNames[i]) continue;
    config.log_level = static_cast<base::LogLevel>(i);
    return {};
  }
  return base::Fail(base::Code::kInvalid, fmt::format("debug, info, warn, error or off is expected, not \"{}\"{}", text,
                                                      DidYouMean(text, kNames)));
}

base::Status SetIsolation(const Raw& raw, Config& config) {
  UT_TRY_ASSIGN(const std::string text, AsText(raw));
  const auto found = std::ranges::find(kIsolationNames, text);
  if (found == std::end(kIsolationNames)) {
    return base::Fail(base::Code::kInvalid, fmt::format("strict or contained is expected, not \"{}\"{}", text,
                                                        DidYouMean(text, kIsolationNames)));
  }
  config.isolation = static_cast<Isolation>(found - std::begin(kIsolationNames));
  return {};
}

// A limit is there for a reason of the program's (limits.h), so a configuration may tighten it and never lift it.
base::Status CheckDown(std::uint64_t value, std::uint64_t built_in) {
  if (value == 0) return base::Fail(base::Code::kInvalid, "at least 1 is expected, not 0");
  if (value > built_in) {
    return base::Fail(base::Code::kInvalid,
                      fmt::format("{} is above the built-in limit {}: limits go only down", value, built_in));
  }
  return {};
}

template <std::uint64_t job::Limits::* member>
base::Status SetByteLimit(const Raw& raw, Config& config) {
  UT_TRY_ASSIGN(const std::uint64_t value, AsSize(raw));
  UT_TRY(CheckDown(value, job::Limits{}.*member));
  config.limits.*member = value;
  return {};
}

template <std::uint64_t job::Limits::* member>
base::Status SetCountLimit(const Raw& raw, Config& config) {
  UT_TRY_ASSIGN(const std::int64_t value, AsInteger(raw, 0, std::numeric_limits<std::int64_t>::max()));
  UT_TRY(CheckDown(static_cast<std::uint64_t>(value), job::Limits{}.*member));
  config.limits.*member = static_cast<std::uint64_t>(value);
  return {};
}

template <std::uint64_t HttpSettings::* member, std::int64_t least, std::int64_t most>
base::Status SetHttpCount(const Raw& raw, Config& config) {
  UT_TRY_ASSIGN(const std::int64_t value, AsInteger(raw, least, most));
  config.http.*member = static_cast<std::uint64_t>(value);
  return {};
}

base::Status SetTransferBytes(const Raw& raw, Config& config) {
  UT_TRY_ASSIGN(const std::uint64_t value, AsSize(raw));
  if (value < kLeastTransferBytes) return base::Fail(base::Code::kInvalid, "at least 16MiB is expected");
  config.http.max_transfer_bytes = value;
  return {};
}

base::Status SetBodyRate(const Raw& raw, Config& config) {
  UT_TRY_ASSIGN(config.http.min_body_rate, AsSize(raw));
  if (config.http.min_body_rate <= kMostBodyRate) return {};
  return base::Fail(base::Code::kInvalid, "at most 1MB is expected: slow lines are not an attack");
}

template <std::chrono::seconds HttpSettings::* member>
base::Status SetHttpTimeout(const Raw& raw, Config& config) {
  UT_TRY_ASSIGN(const std::chrono::seconds value, AsDuration(raw, std::chrono::seconds(1)));
  if (value > kMostHttpTimeout) return base::Fail(base::Code::kInvalid, "at most 1h is expected");
  config.http.*member = value;
  return {};
}

constexpr Setting kSettings[] = {
    {"data", SetText<&Config::data_dir>},
    {"listen", SetListen},
    {"allow_insecure_listen", SetInsecure},
    {"tls_cert", SetText<&Config::tls_cert>},
    {"tls_key", SetText<&Config::tls_key>},
    {"public_url", SetUrl<&Config::public_url>},
    {"worker_command", SetText<&Config::worker_command>},
    {"workers", SetWorkers},
    {"worker_idle", SetDuration<&Config::worker_idle>},
    {"worker_max_age", SetDuration<&Config::worker_max_age>},
    {"worker_max_rss", SetWorkerRss},
    {"chunk_timeout", SetDuration<&Config::chunk_timeout>},
    {"isolation", SetIsolation},
    {"memory_budget", SetMemoryBudget},
    {"issuer", SetUrl<&Config::issuer>},
    {"jwks_url", SetUrl<&Config::jwks_url>},
    {"audiences", SetAudiences},
    {"tenant_claim", SetName<&Config::tenant_claim>},
    {"roles_claim", SetName<&Config::roles_claim>},
    {"retention", SetRetention},
    {"upload_ttl", SetDuration<&Config::upload_ttl>},
    {"log_level", SetLogLevel},
    {"http.max_connections", SetHttpCount<&HttpSettings::max_connections, 16, 1'000'000>},
    {"http.max_connections_per_address", SetHttpCount<&HttpSettings::max_connections_per_address, 0, 1'000'000>},
    {"http.max_transfer_bytes", SetTransferBytes},
    {"http.header_timeout", SetHttpTimeout<&HttpSettings::header_timeout>},
    {"http.idle_timeout", SetHttpTimeout<&HttpSettings::idle_timeout>},
    {"http.body_timeout", SetHttpTimeout<&HttpSettings::body_timeout>},
    {"http.min_body_rate", SetBodyRate},
    {"limits.max_body_bytes", SetByteLimit<&job::Limits::max_body_bytes>},
    {"limits.max_toons", SetCountLimit<&job::Limits::max_toons>},
    {"limits.max_toon_bytes", SetByteLimit<&job::Limits::max_toon_bytes>},
    {"limits.max_referenced_bytes", SetByteLimit<&job::Limits::max_referenced_bytes>},
    {"limits.max_manifest_bytes", SetByteLimit<&job::Limits::max_manifest_bytes>},
    {"limits.max_metadata_bytes", SetByteLimit<&job::Limits::max_metadata_bytes>},
    {"limits.max_operations_bytes", SetByteLimit<&job::Limits::max_operations_bytes>},
    {"limits.max_pending_toons", SetCountLimit<&job::Limits::max_pending_toons>},
    {"limits.max_pending_toons_per_tenant", SetCountLimit<&job::Limits::max_pending_toons_per_tenant>},
    {"limits.max_active_jobs_per_tenant", SetCountLimit<&job::Limits::max_active_jobs_per_tenant>},
    {"limits.max_requests_per_second_per_tenant", SetCountLimit<&job::Limits::max_requests_per_second_per_tenant>},
    {"limits.max_media_bytes", SetByteLimit<&job::Limits::max_media_bytes>},
    {"limits.max_image_pixels", SetCountLimit<&job::Limits::max_image_pixels>},
    {"limits.max_executor_memory", SetByteLimit<&job::Limits::max_executor_memory>},
    {"limits.max_executor_output", SetByteLimit<&job::Limits::max_executor_output>},
    {"limits.max_image_cpu_seconds", SetCountLimit<&job::Limits::max_image_cpu_seconds>},
    {"limits.max_image_wall_seconds", SetCountLimit<&job::Limits::max_image_wall_seconds>},
    {"limits.max_media_cpu_seconds", SetCountLimit<&job::Limits::max_media_cpu_seconds>},
    {"limits.max_media_wall_seconds", SetCountLimit<&job::Limits::max_media_wall_seconds>},
    {"limits.max_page_size", SetCountLimit<&job::Limits::max_page_size>},
    {"limits.max_page_bytes", SetByteLimit<&job::Limits::max_page_bytes>},
};

std::size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0U : 1U)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

}  // namespace

std::span<const Setting> AllSettings() {
  return kSettings;
}

std::string EnvironmentName(std::string_view key) {
  std::string name = "UBERTOONS_";
  for (const char c : key) name += c == '.' ? '_' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  return name;
}

base::Status Apply(std::string_view key, const Raw& raw, Config& config) {
  const auto found = std::ranges::find(kSettings, key, &Setting::key);
  if (found == std::end(kSettings)) {
    std::vector<std::string_view> known{"processors", "webhooks", "limits", "http"};
    for (const Setting& setting : kSettings) known.push_back(setting.key);
    return std::unexpected(At(raw.where, key, "unknown key" + DidYouMean(key, known)));
  }
  const base::Status set = found->set(raw, config);
  if (!set) return std::unexpected(At(raw.where, key, set.error().message));
  return {};
}

base::Result<std::string> AsText(const Raw& raw) {
  const auto* text = std::get_if<std::string>(&raw.value);
  if (text == nullptr) return Expected("a string", raw);
  if (text->find('\0') != std::string::npos) return base::Fail(base::Code::kInvalid, "a NUL byte stands in it");
  return *text;
}

base::Result<std::int64_t> AsInteger(const Raw& raw, std::int64_t least, std::int64_t most) {
  std::int64_t value = 0;
  if (const auto* typed = std::get_if<std::int64_t>(&raw.value)) {
    value = *typed;
  } else {
    const auto* text = std::get_if<std::string>(&raw.value);
    if (text == nullptr || raw.form == Raw::Form::kTyped) return Expected("a whole number", raw);
    const char* end = text->data() + text->size();
    const auto [stop, error] = std::from_chars(text->data(), end, value);
    if (error != std::errc() || stop != end) return Expected("a whole number", raw);
  }
  if (value < least || value > most) {
    return base::Fail(base::Code::kInvalid, fmt::format("{} is not in {}..{}", value, least, most));
  }
  return value;
}

base::Result<bool> AsSwitch(const Raw& raw) {
  if (const auto* typed = std::get_if<bool>(&raw.value)) return *typed;
  const auto* text = std::get_if<std::string>(&raw.value);
  if (raw.form == Raw::Form::kText && text != nullptr && (*text == "true" || *text == "false")) return *text == "true";
  return Expected("true or false", raw);
}

base::Result<std::vector<std::string>> AsList(const Raw& raw) {
  if (const auto* typed = std::get_if<std::vector<std::string>>(&raw.value)) return *typed;
  const auto* text = std::get_if<std::string>(&raw.value);
  if (raw.form != Raw::Form::kText || text == nullptr) return Expected("a list of strings", raw);
  std::vector<std::string> list;
  for (std::size_t start = 0; start < text->size();) {
    const std::size_t comma = std::min(text->find(',', start), text->size());
    if (comma > start) list.push_back(text->substr(start, comma - start));
    start = comma + 1;
  }
  return list;
}

base::Result<std::chrono::seconds> AsDuration(const Raw& raw, std::chrono::seconds least) {
  const auto* text = std::get_if<std::string>(&raw.value);
  if (text == nullptr) return Expected("a duration such as \"10s\", \"5m\", \"2h\" or \"30d\"", raw);
  UT_TRY_ASSIGN(const std::chrono::seconds value, ParseDuration(*text));
  if (value < least) return base::Fail(base::Code::kInvalid, fmt::format("at least {}s is expected", least.count()));
  return value;
}

base::Result<std::uint64_t> AsSize(const Raw& raw) {
  if (const auto* typed = std::get_if<std::int64_t>(&raw.value)) {
    if (*typed < 0) return base::Fail(base::Code::kInvalid, fmt::format("{} is negative", *typed));
    return static_cast<std::uint64_t>(*typed);
  }
  const auto* text = std::get_if<std::string>(&raw.value);
  if (text == nullptr) return Expected("a size such as 1000, \"64KiB\" or \"256MB\"", raw);
  return ParseSize(*text);
}

base::Error At(std::string_view where, std::string_view key, std::string_view why) {
  base::Error error{.code = base::Code::kInvalid, .message = fmt::format("{}: {}: {}", where, key, why)};
  std::string pointer;
  for (std::size_t start = 0; start <= key.size();) {
    const std::size_t dot = std::min(key.find('.', start), key.size());
    pointer += "/" + base::PointerToken(key.substr(start, dot - start));
    start = dot + 1;
  }
  error.fields.push_back({std::move(pointer), std::string(why)});
  return error;
}

std::string_view Nearest(std::string_view name, std::span<const std::string_view> known) {
  std::string_view best;
  // Keys are short; a long one is no typing error, and the table would cost its square.
  if (name.size() > 64) return best;
  std::size_t best_distance = std::max<std::size_t>(2, name.size() / 3) + 1;
  for (const std::string_view candidate : known) {
    const std::size_t distance = EditDistance(name, candidate);
    if (distance >= best_distance) continue;
    best = candidate;
    best_distance = distance;
  }
  return best;
}

std::string DidYouMean(std::string_view name, std::span<const std::string_view> known) {
  const std::string_view nearest = Nearest(name, known);
  return nearest.empty() ? std::string() : fmt::format(" (did you mean \"{}\"?)", nearest);
}

}  // namespace config
