// The AWS tools' own files: ~/.aws/credentials and ~/.aws/config. Pure but for LoadProfiles.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "aws/services.h"
#include "base/error.h"

namespace aws {

// key -> value; keys in lower case.
using Profile = std::map<std::string, std::string, std::less<>>;
using Profiles = std::map<std::string, Profile, std::less<>>;

enum class ProfileFile : std::uint8_t { kCredentials, kConfig };

// "[name]" in the credentials file, "[profile name]" or "[default]" in the config file; other sections, comments and
// nested (indented) settings are passed over. Adds to `into` what is not there yet. kInvalid with the line's number.
[[nodiscard]] base::Status ParseProfiles(std::string_view text, ProfileFile kind, Profiles& into);

// Both files; one that is absent is empty. The credentials file's values win. kInvalid with the path, kUnavailable.
[[nodiscard]] base::Result<Profiles> LoadProfiles(const Environment& environment);
[[nodiscard]] std::string ProfileName(const Environment& environment);  // AWS_PROFILE or "default"

// A small file's text, nullopt if there is none. kUnavailable, kTooLarge (over 1 MiB).
[[nodiscard]] base::Result<std::optional<std::string>> ReadSmallFile(const std::string& path);

}  // namespace aws
