#include "ports/blob_store.h"

#include <fmt/format.h>

#include "job/limits.h"

namespace ports {

namespace {
constexpr std::string_view kManifestSuffix = ".ndjson";

std::string TenantFolder(const job::TenantId& tenant) {
  return base::ToHex(tenant.str());
}
}  // namespace

std::string ContentKey(const job::TenantId& tenant, const base::Sha256& sha256) {
  const std::string hex = base::ToHex(sha256);
  return fmt::format("t/{}/c/{}/{}", TenantFolder(tenant), hex.substr(0, 2), hex);
}

std::string ManifestKey(const job::TenantId& tenant, std::string_view unique) {
  return fmt::format("t/{}/m/{}{}", TenantFolder(tenant), unique, kManifestSuffix);
}

std::optional<BlobName> ParseBlobKey(std::string_view key) {
  const std::size_t slash = key.find('/', 2);
  if (!key.starts_with("t/") || slash == std::string_view::npos) return std::nullopt;
  const auto tenant = base::FromHex(key.substr(2, slash - 2));
  if (!tenant || tenant->empty() || tenant->size() > job::kMaxTenantBytes) return std::nullopt;
  BlobName name{.tenant = job::TenantId(*tenant)};
  const std::string_view rest = key.substr(slash);
  if (rest.starts_with("/c/") && rest.size() > 6) {
    name.content = base::Sha256FromHex(rest.substr(6));
    if (!name.content || ContentKey(name.tenant, *name.content) != key) return std::nullopt;
    return name;
  }
  if (!rest.starts_with("/m/") || !rest.ends_with(kManifestSuffix) || rest.size() < 4 + kManifestSuffix.size()) {
    return std::nullopt;
  }
  name.manifest_id = rest.substr(3, rest.size() - 3 - kManifestSuffix.size());
  if (ManifestKey(name.tenant, name.manifest_id) != key) return std::nullopt;
  return name;
}

}  // namespace ports
