#include "aws/profile.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <utility>

#include "http/text.h"

namespace aws {

namespace {

constexpr std::size_t kMaxFileBytes = 1U << 20U;  // a file of keys has some lines

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r";
  while (!text.empty() && kBlanks.find(text.front()) != std::string_view::npos) text.remove_prefix(1);
  while (!text.empty() && kBlanks.find(text.back()) != std::string_view::npos) text.remove_suffix(1);
  return text;
}

// The profile that a section's heading names; nullopt: it is something else (sso-session, services).
std::optional<std::string> SectionName(std::string_view heading, ProfileFile kind) {
  constexpr std::string_view kPrefix = "profile";
  heading = Trim(heading);
  if (kind == ProfileFile::kCredentials || heading == "default") return std::string(heading);
  if (!heading.starts_with(kPrefix) || heading.size() == kPrefix.size()) return std::nullopt;
  const char next = heading[kPrefix.size()];
  if (next != ' ' && next != '\t') return std::nullopt;
  return std::string(Trim(heading.substr(kPrefix.size())));
}

std::string FileOf(const Environment& environment, std::string_view variable, std::string_view name) {
  if (const auto path = environment(variable)) return *path;
  return fmt::format("{}/.aws/{}", environment("HOME").value_or(""), name);
}

base::Status ReadInto(const std::string& path, ProfileFile kind, Profiles& into) {
  UT_TRY_ASSIGN(const auto text, ReadSmallFile(path));
  if (!text) return {};
  if (auto parsed = ParseProfiles(*text, kind, into); !parsed) {
    return base::Fail(parsed.error().code, fmt::format("{}: {}", path, parsed.error().message));
  }
  return {};
}

}  // namespace

base::Result<std::optional<std::string>> ReadSmallFile(const std::string& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "re"), std::fclose);
  if (!file) {
    if (errno == ENOENT || errno == ENOTDIR) return std::optional<std::string>();
    return base::FailErrno(fmt::format("open {}", path), errno);
  }
  std::string text(kMaxFileBytes + 1, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file.get()));
  if (std::ferror(file.get()) != 0) return base::FailErrno(fmt::format("read {}", path), errno);
  if (text.size() > kMaxFileBytes) return base::Fail(base::Code::kTooLarge, fmt::format("{} is over 1 MiB", path));
  return text;
}

base::Status ParseProfiles(std::string_view text, ProfileFile kind, Profiles& into) {
  Profile* current = nullptr;
  int number = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view raw = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    ++number;
    const std::string_view line = Trim(raw);
    if (line.empty() || line.front() == '#' || line.front() == ';') continue;
    if (line.front() == '[') {
      const std::size_t close = line.find(']');
      if (close == std::string_view::npos) return base::Fail(base::Code::kInvalid, fmt::format("line {}", number));
      const auto name = SectionName(line.substr(1, close - 1), kind);
      current = name ? &into[*name] : nullptr;
      continue;
    }
    if (raw.front() == ' ' || raw.front() == '\t') continue;  // nested: "s3 =" and what belongs to it
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos) return base::Fail(base::Code::kInvalid, fmt::format("line {}", number));
    if (current == nullptr) continue;
    std::string key(Trim(line.substr(0, equals)));
    std::ranges::transform(key, key.begin(), http::LowerAscii);
    current->try_emplace(std::move(key), Trim(line.substr(equals + 1)));
  }
  return {};
}

base::Result<Profiles> LoadProfiles(const Environment& environment) {
  Profiles profiles;
  UT_TRY(
      ReadInto(FileOf(environment, "AWS_SHARED_CREDENTIALS_FILE", "credentials"), ProfileFile::kCredentials, profiles));
  UT_TRY(ReadInto(FileOf(environment, "AWS_CONFIG_FILE", "config"), ProfileFile::kConfig, profiles));
  return profiles;
}

std::string ProfileName(const Environment& environment) {
  return environment("AWS_PROFILE").value_or("default");
}

}  // namespace aws
