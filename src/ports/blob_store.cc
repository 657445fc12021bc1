#include "ports/blob_store.h"

#include <fmt/format.h>

namespace ports {

namespace {
// Hashed: a tenant id is any text a token issuer likes, and never becomes a path.
std::string TenantFolder(const job::TenantId& tenant) { return base::ToHex(base::Sha256Of(tenant.str())).substr(0, 32); }
}  // namespace

std::string ContentKey(const job::TenantId& tenant, const base::Sha256& sha256) {
  const std::string hex = base::ToHex(sha256);
  return fmt::format("t/{}/c/{}/{}", TenantFolder(tenant), hex.substr(0, 2), hex);
}

std::string ManifestKey(const job::TenantId& tenant, std::string_view unique) {
  return fmt::format("t/{}/m/{}.ndjson", TenantFolder(tenant), unique);
}

}  // namespace ports
