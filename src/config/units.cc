#include "config/units.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cstring>
#include <limits>
#include <optional>

namespace config {

namespace {

struct Number {
  std::uint64_t value = 0;
  std::string_view unit;
};

std::optional<Number> LeadingNumber(std::string_view text) {
  Number number;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number.value);
  if (error != std::errc()) return std::nullopt;
  number.unit = text.substr(static_cast<std::size_t>(end - text.data()));
  return number;
}

}  // namespace

base::Result<std::chrono::seconds> ParseDuration(std::string_view text) {
  static constexpr std::uint64_t kMost = 100ULL * 365 * 86400;
  const auto number = LeadingNumber(text);
  std::uint64_t factor = 0;
  if (number && number->unit.size() == 1) {
    switch (number->unit[0]) {
      case 's':
        factor = 1;
        break;
      case 'm':
        factor = 60;
        break;
      case 'h':
        factor = 3600;
        break;
      case 'd':
        factor = 86400;
        break;
      default:
        break;
    }
  }
  if (!number || factor == 0) {
    return base::Fail(base::Code::kInvalid,
                      fmt::format("\"{}\" is not a duration such as \"10s\", \"5m\", \"2h\" or \"30d\"", text));
  }
  if (number->value > kMost / factor) {
    return base::Fail(base::Code::kInvalid, fmt::format("\"{}\" is over 100 years", text));
  }
  return std::chrono::seconds(static_cast<std::int64_t>(number->value * factor));
}

base::Result<std::uint64_t> ParseSize(std::string_view text) {
  struct Unit {
    std::string_view name;
    std::uint64_t bytes;
  };
  static constexpr std::array<Unit, 10> kUnits{{{"", 1},
                                                {"B", 1},
                                                {"KB", 1000},
                                                {"KiB", 1ULL << 10U},
                                                {"MB", 1'000'000},
                                                {"MiB", 1ULL << 20U},
                                                {"GB", 1'000'000'000},
                                                {"GiB", 1ULL << 30U},
                                                {"TB", 1'000'000'000'000},
                                                {"TiB", 1ULL << 40U}}};
  const auto number = LeadingNumber(text);
  for (const Unit& unit : kUnits) {
    if (!number || number->unit != unit.name) continue;
    if (number->value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) / unit.bytes) {
      return base::Fail(base::Code::kInvalid, fmt::format("\"{}\" does not fit 63 bits", text));
    }
    return number->value * unit.bytes;
  }
  return base::Fail(base::Code::kInvalid,
                    fmt::format("\"{}\" is not a size such as \"1000\", \"64KiB\" or \"256MB\"", text));
}

base::Result<Address> ParseAddress(std::string_view text) {
  const auto refuse = [&] {
    return base::Fail(base::Code::kInvalid,
                      fmt::format("\"{}\" is not HOST:PORT, such as \"127.0.0.1:8080\" or \"[::1]:0\"", text));
  };
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return refuse();
  std::string_view host = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
    in6_addr parsed{};
    if (inet_pton(AF_INET6, std::string(host).c_str(), &parsed) != 1) return refuse();
  } else if (host.find_first_of("[]:/@ ") != std::string_view::npos) {
    return refuse();
  }
  Address address{.host = std::string(host)};
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
  if (host.empty() || port.empty() || error != std::errc() || end != port.data() + port.size()) return refuse();
  return address;
}

bool IsLoopback(std::string_view host) {
  const std::string text(host);
  in_addr v4{};
  if (inet_pton(AF_INET, text.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24U) == 127U;
  in6_addr v6{};
  if (inet_pton(AF_INET6, text.c_str(), &v6) == 1) return std::memcmp(&v6, &in6addr_loopback, sizeof v6) == 0;
  return host == "localhost";
}

}  // namespace config
