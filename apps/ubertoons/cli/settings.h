// Where the server is and who is asking: flags, over UBERTOONS_URL and UBERTOONS_TOKEN, over
// $XDG_CONFIG_HOME/ubertoons/client.toml (url, token, token_file; ~/.config without XDG_CONFIG_HOME).
#pragma once

#include <map>
#include <optional>
#include <string>

#include "cli/failure.h"

namespace cli {

inline constexpr const char* kDefaultUrl = "http://127.0.0.1:8080";

struct ConnectionFlags {
  std::optional<std::string> url;
  std::optional<std::string> token;
  std::string ca_file;
};

struct Settings {
  std::string url;      // without a trailing slash; may end in a stage prefix ("https://…/prod")
  std::string token;    // empty: requests carry no Authorization
  std::string ca_file;  // empty: the system's
};

// kUsage: a URL that is not http(s), a client.toml that does not parse or has an unknown key, a token file that cannot
// be read, a token with characters that no header carries.
[[nodiscard]] Try<Settings> ResolveSettings(const ConnectionFlags& flags,
                                            const std::map<std::string, std::string>& variables);

// "http" + "://" + host: where server-relative URLs start.
[[nodiscard]] std::string OriginOf(const std::string& url);

}  // namespace cli
