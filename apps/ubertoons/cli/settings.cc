#include "cli/settings.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <filesystem>

#include "cli/files.h"

namespace cli {
namespace {

using Variables = std::map<std::string, std::string>;

std::string Variable(const Variables& variables, const std::string& name) {
  const auto found = variables.find(name);
  return found == variables.end() ? std::string{} : found->second;
}

std::string ConfigPath(const Variables& variables) {
  const std::string xdg = Variable(variables, "XDG_CONFIG_HOME");
  if (!xdg.empty()) return xdg + "/ubertoons/client.toml";
  const std::string home = Variable(variables, "HOME");
  return home.empty() ? std::string{} : home + "/.config/ubertoons/client.toml";
}

struct FileSettings {
  std::string url;
  std::string token;
};

Try<std::string> ReadToken(const std::string& path) {
  UT_TRY_ASSIGN(std::string text, ReadSmallFile(path));
  const std::size_t end = text.find_last_not_of(" \t\r\n");
  text.resize(end == std::string::npos ? 0 : end + 1);
  return text;
}

// Takes one key of client.toml; relative token files lie beside it.
Try<void> TakeKey(std::string_view key, const std::string& value, const std::string& path, FileSettings& out) {
  if (key == "url") {
    out.url = value;
  } else if (key == "token") {
    out.token = value;
  } else if (key == "token_file") {
    const std::filesystem::path file = std::filesystem::path(path).parent_path() / value;
    UT_TRY_ASSIGN(out.token, ReadToken(file.string()));
  } else {
    return FailUsage(fmt::format("{}: unknown key \"{}\" (known: url, token, token_file)", path, key));
  }
  return {};
}

Try<FileSettings> ReadConfig(const std::string& path) {
  FileSettings settings;
  std::error_code ec;
  if (path.empty() || !std::filesystem::exists(path, ec)) return settings;
  UT_TRY_ASSIGN(const std::string text, ReadSmallFile(path));
  try {
    const toml::table table = toml::parse(text);
    for (const auto& [key, node] : table) {
      const auto value = node.value<std::string>();
      if (!node.is_string() || !value) {
        return FailUsage(fmt::format("{}: \"{}\" must be a string", path, key.str()));
      }
      UT_TRY(TakeKey(key.str(), *value, path, settings));
    }
  } catch (const toml::parse_error& error) {
    return FailUsage(fmt::format("{}:{}: {}", path, error.source().begin.line, error.description()));
  }
  return settings;
}

// A token goes into a header: anything else than visible ASCII would end it or start another.
bool FitsHeader(std::string_view token) {
  for (const char c : token) {
    if (c <= 0x20 || c == 0x7F) return false;
  }
  return true;
}

}  // namespace

Try<Settings> ResolveSettings(const ConnectionFlags& flags, const Variables& variables) {
  Settings settings{.url = flags.url.value_or(Variable(variables, "UBERTOONS_URL")),
                    .token = flags.token.value_or(Variable(variables, "UBERTOONS_TOKEN")),
                    .ca_file = flags.ca_file};
  if (settings.url.empty() || settings.token.empty()) {
    UT_TRY_ASSIGN(const FileSettings file, ReadConfig(ConfigPath(variables)));
    if (settings.url.empty()) settings.url = file.url;
    if (settings.token.empty()) settings.token = file.token;
  }
  if (settings.url.empty()) settings.url = kDefaultUrl;
  while (settings.url.ends_with('/')) settings.url.pop_back();
  if (OriginOf(settings.url).empty()) {
    return FailUsage(fmt::format("\"{}\" is not an http:// or https:// URL", settings.url));
  }
  if (!FitsHeader(settings.token)) return FailUsage("the token has spaces or other characters that no token has");
  return settings;
}

std::string OriginOf(const std::string& url) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!url.starts_with(scheme)) continue;
    const std::size_t end = url.find_first_of("/?#", scheme.size());
    const std::string origin = url.substr(0, end);
    return origin.size() > scheme.size() ? origin : std::string{};
  }
  return {};
}

}  // namespace cli
