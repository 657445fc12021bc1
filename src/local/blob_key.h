// The shape of blob keys, checked before one becomes a path.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace local {

enum class BlobKind : std::uint8_t { kContent, kManifest };

// nullopt unless ports::ContentKey or ports::ManifestKey could have made it: no "..", no empty part, no leading dot.
[[nodiscard]] std::optional<BlobKind> ParseBlobKey(std::string_view key);
[[nodiscard]] bool IsLowerHex(std::string_view text);
// "t/x/c/aa/<sha256>" -> "t/x/c/aa"
[[nodiscard]] std::string_view FolderOf(std::string_view key);

}  // namespace local
