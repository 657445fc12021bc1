#include "cli/token.h"

#include <fmt/format.h>

#include <charconv>

#include "auth/auth.h"
#include "job/limits.h"

namespace cli {
namespace {

constexpr std::chrono::seconds kLongestTtl = std::chrono::hours(24 * 365);

std::int64_t SecondsOf(char unit) {
  switch (unit) {
    case 's':
      return 1;
    case 'm':
      return 60;
    case 'h':
      return 3600;
    case 'd':
      return 86'400;
    default:
      return 0;
  }
}

}  // namespace

Try<std::chrono::seconds> ParseTtl(std::string_view text) {
  const std::string refusal = fmt::format("--ttl {}: not a time such as 90s, 30m, 1h, 7d (at most a year)", text);
  std::chrono::seconds total{0};
  if (text.empty()) return FailUsage(refusal);
  while (!text.empty()) {
    std::uint32_t number = 0;
    const auto [at, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
    text.remove_prefix(static_cast<std::size_t>(at - text.data()));
    const std::int64_t unit = text.empty() ? 0 : SecondsOf(text.front());
    if (ec != std::errc() || unit == 0) return FailUsage(refusal);
    total += std::chrono::seconds(number * unit);
    if (total > kLongestTtl) return FailUsage(refusal);
    text.remove_prefix(1);
  }
  if (total.count() == 0) return FailUsage(refusal);
  return total;
}

Try<Exit> RunToken(Environment& env, Stream& out, const TokenOptions& options) {
  const auto role = auth::RoleOf(options.role);
  if (!role || *role == auth::Role::kNone) {
    return FailUsage(fmt::format("--role {}: not viewer, operator or admin", options.role));
  }
  if (options.subject.empty() || options.subject.size() > job::kMaxTenantBytes) {
    return FailUsage(fmt::format("--sub: 1 to {} bytes", job::kMaxTenantBytes));
  }
  UT_TRY_ASSIGN(const std::chrono::seconds ttl, ParseTtl(options.ttl));
  const auto issuer = auth::LocalIssuer::Open(options.data + "/keys");
  if (!issuer) return std::unexpected(FromError(issuer.error()));
  const auth::LocalIssuer::Grant grant{.subject = options.subject, .role = *role, .ttl = ttl};
  out.Write((*issuer)->Mint(grant, env.clock->Now(), *env.random) + "\n");
  return Exit::kOk;
}

}  // namespace cli
