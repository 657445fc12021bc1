#include "api/blob_urls.h"

#include <fmt/format.h>

#include <charconv>

namespace api {

namespace {

base::Status Read(const std::pair<std::string, std::string>& bound, BlobGrant& grant) {
  const auto& [name, value] = bound;
  const auto refuse = [] { return base::Fail(base::Code::kForbidden, "the URL is not one of ours", "bad-signature"); };
  if (name == "tenant") {
    grant.tenant = job::TenantId(value);
  } else if (name == "sha256") {
    const auto digest = base::Sha256FromHex(value);
    if (!digest) return refuse();
    grant.sha256 = *digest;
  } else if (name == "bytes" || name == "maxBytes") {
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), grant.bytes);
    if (error != std::errc() || end != value.data() + value.size()) return refuse();
  }
  return {};
}

}  // namespace

std::string UploadPath(const job::TenantId& tenant, const base::Sha256& sha256, std::uint64_t bytes,
                       base::TimePoint expires_at, std::string_view secret) {
  const std::string hex = base::ToHex(sha256);
  return auth::SignUrl({.method = "PUT",
                        .path = "/blobs/uploads/" + hex,
                        .expires_at = expires_at,
                        .bound = {{"bytes", fmt::format("{}", bytes)}, {"sha256", hex}, {"tenant", tenant.str()}}},
                       secret);
}

std::string ContentReadPath(const job::TenantId& tenant, const base::Sha256& sha256, base::TimePoint expires_at,
                            std::string_view secret) {
  const std::string hex = base::ToHex(sha256);
  return auth::SignUrl({.method = "GET",
                        .path = "/blobs/content/" + hex,
                        .expires_at = expires_at,
                        .bound = {{"sha256", hex}, {"tenant", tenant.str()}}},
                       secret);
}

std::string ContentStorePath(const job::TenantId& tenant, std::uint64_t max_bytes, base::TimePoint expires_at,
                             std::string_view secret) {
  return auth::SignUrl({.method = "PUT",
                        .path = "/blobs/artifacts",
                        .expires_at = expires_at,
                        .bound = {{"maxBytes", fmt::format("{}", max_bytes)}, {"tenant", tenant.str()}}},
                       secret);
}

base::Result<BlobGrant> CheckBlobUrl(std::string_view method, std::string_view path, std::string_view query,
                                     std::string_view secret, base::TimePoint now) {
  UT_TRY_ASSIGN(const auth::SignedUrl url, auth::VerifyUrl(method, path, query, secret, now));
  BlobGrant grant;
  for (const auto& bound : url.bound) UT_TRY(Read(bound, grant));
  // The signature covers the path, so these hold for every URL that we made; a tenant is never guessed.
  if (grant.tenant.empty()) return base::Fail(base::Code::kForbidden, "the URL names no tenant", "bad-signature");
  return grant;
}

}  // namespace api
