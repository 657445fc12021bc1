#include "cli/paths.h"

#include <fmt/format.h>

#include <filesystem>

#include "base/hash.h"
#include "cli/utf8.h"
#include "job/limits.h"

namespace cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxPartBytes = 200;  // NAME_MAX is 255, and a download adds a suffix

std::string ShortHash(std::string_view text) {
  return base::ToHex(base::Sha256Of(text)).substr(0, 16);
}

std::string Percent(char c) {
  return fmt::format("%{:02X}", static_cast<unsigned char>(c));
}

std::string SafePart(std::string_view part) {
  if (part.empty()) return "%";
  if (part == "." || part == "..") return part.size() == 1 ? "%2E" : "%2E%2E";
  std::string safe;
  for (const char c : part) {
    const bool plain =
        static_cast<unsigned char>(c) >= 0x20 && c != 0x7F && c != '\\' && c != ':' && c != '%' && c != '/';
    safe += plain ? std::string(1, c) : Percent(c);
  }
  if (safe.size() <= kMaxPartBytes) return safe;
  return safe.substr(0, kMaxPartBytes - 17) + "~" + ShortHash(part);
}

std::string Encoded(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const Utf8Character c = DecodeUtf8(text);
    const bool control = c.code < 0x20 || (c.code >= 0x7F && c.code < 0xA0);
    if (c.valid && !control) {
      out += text.substr(0, c.bytes);
    } else {
      for (const char byte : text.substr(0, c.bytes)) out += Percent(byte);
    }
    text.remove_prefix(c.bytes);
  }
  return out;
}

}  // namespace

std::string SafeRelativePath(std::string_view name, std::string_view reserved) {
  std::string path;
  for (std::string_view rest = name;;) {
    const std::size_t slash = rest.find('/');
    std::string part = SafePart(rest.substr(0, slash));
    if (path.empty() && !reserved.empty() && part == reserved) part = Percent(part[0]) + part.substr(1);
    path += path.empty() ? part : "/" + part;
    if (slash == std::string_view::npos) return path;
    rest.remove_prefix(slash + 1);
  }
}

std::string SafeFileName(std::string_view name) {
  return SafePart(name);
}

std::string ToonIdOf(std::string_view path) {
  while (path.starts_with("./")) path.remove_prefix(2);
  std::string id = Encoded(path);
  if (id.empty()) return "toon";
  if (id.size() <= job::kMaxToonIdBytes) return id;
  const std::string head = ShortHash(id) + "~";
  std::size_t cut = id.size() - (job::kMaxToonIdBytes - head.size());
  while (cut < id.size() && (static_cast<unsigned char>(id[cut]) & 0xC0U) == 0x80U) ++cut;
  return head + id.substr(cut);
}

std::string ResolveBelow(const std::string& folder, const std::string& relative) {
  if (relative.empty() || relative.find('\0') != std::string::npos || fs::path(relative).is_absolute()) return {};
  std::error_code ec;
  const fs::path root = fs::weakly_canonical(folder.empty() ? "." : folder, ec);
  if (ec) return {};
  const fs::path whole = fs::weakly_canonical(root / relative, ec);
  if (ec) return {};
  const fs::path inside = whole.lexically_relative(root);
  if (inside.empty() || inside == "." || *inside.begin() == "..") return {};
  return whole.string();
}

}  // namespace cli
