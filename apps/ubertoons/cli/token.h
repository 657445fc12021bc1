// `ubertoons token`: a bearer token of a local server's own issuer. Talks to no server; needs its data folder.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "cli/cli.h"
#include "cli/failure.h"

namespace cli {

struct TokenOptions {
  std::string data;
  std::string subject;
  std::string ttl = "1h";
  std::string role = "operator";
};
// Prints the token alone on a line.
[[nodiscard]] Try<Exit> RunToken(Environment& env, Stream& out, const TokenOptions& options);

// "90s", "30m", "1h", "7d", "1h30m"; at least a second, at most a year.
[[nodiscard]] Try<std::chrono::seconds> ParseTtl(std::string_view text);

}  // namespace cli
