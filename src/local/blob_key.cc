#include "local/blob_key.h"

#include <algorithm>

namespace local {

namespace {

constexpr std::size_t kMaxTenantDigits = 200;
constexpr std::size_t kShaDigits = 64;
constexpr std::size_t kMaxUniqueBytes = 200;  // a file name is at most 255 bytes, ".ndjson" included
constexpr std::string_view kManifestSuffix = ".ndjson";

bool IsUnique(std::string_view text) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.';
  };
  return !text.empty() && text.size() <= kMaxUniqueBytes && text.front() != '.' && std::ranges::all_of(text, allowed);
}

bool IsContentName(std::string_view rest) {
  return rest.size() == 3 + kShaDigits && rest[2] == '/' && IsLowerHex(rest.substr(3)) &&
         rest.substr(0, 2) == rest.substr(3, 2);
}

bool IsManifestName(std::string_view rest) {
  return rest.ends_with(kManifestSuffix) && IsUnique(rest.substr(0, rest.size() - kManifestSuffix.size()));
}

}  // namespace

bool IsLowerHex(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

std::optional<BlobKind> ParseBlobKey(std::string_view key) {
  const std::size_t prefix = key.find('/', 2);
  if (!key.starts_with("t/") || prefix == std::string_view::npos || prefix == 2 || prefix > 2 + kMaxTenantDigits ||
      key.size() < prefix + 3 || !IsLowerHex(key.substr(2, prefix - 2))) {
    return std::nullopt;
  }
  const std::string_view kind = key.substr(prefix, 3);
  const std::string_view rest = key.substr(prefix + 3);
  if (kind == "/c/" && IsContentName(rest)) return BlobKind::kContent;
  if (kind == "/m/" && IsManifestName(rest)) return BlobKind::kManifest;
  return std::nullopt;
}

std::string_view FolderOf(std::string_view key) {
  return key.substr(0, key.rfind('/'));
}

}  // namespace local
