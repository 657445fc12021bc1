// Names that cross between jobs and folders.
#pragma once

#include <string>
#include <string_view>

namespace cli {

// A foreign id or name as a relative path that stays below its folder: "/" divides folders; empty, "." and ".." parts,
// control characters, "\", ":" and "%" become %XX, so that different names stay different; over-long parts end in a
// hash. `reserved`: a first part that is taken and is escaped too ("" for none).
[[nodiscard]] std::string SafeRelativePath(std::string_view name, std::string_view reserved = {});
// The same as one part: "/" is escaped too.
[[nodiscard]] std::string SafeFileName(std::string_view name);

// A path as a toon id: without "./", control characters and bytes that are not UTF-8 as %XX, at most
// job::kMaxToonIdBytes (the end is kept, behind a hash of the whole).
[[nodiscard]] std::string ToonIdOf(std::string_view path);

// Where `relative` lies, as the manifest in `folder` names it; "" if it is absolute or climbs out of the folder, in its
// text or through a symbolic link.
[[nodiscard]] std::string ResolveBelow(const std::string& folder, const std::string& relative);

}  // namespace cli
