// URLs that carry their own permission, for bytes: made here, checked by the API's /blobs routes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "auth/auth.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/hash.h"
#include "job/types.h"

namespace api {

// Path and query below a base such as "https://host/prod". For one PUT of exactly these bytes (POST /uploads).
[[nodiscard]] std::string UploadPath(const job::TenantId& tenant, const base::Sha256& sha256, std::uint64_t bytes,
                                     base::TimePoint expires_at, std::string_view secret);
// For a custom processor: reads a toon's source bytes, and stores an artifact of at most `max_bytes`, answered with
// {"sha256","bytes"}.
[[nodiscard]] std::string ContentReadPath(const job::TenantId& tenant, const base::Sha256& sha256,
                                          base::TimePoint expires_at, std::string_view secret);
[[nodiscard]] std::string ContentStorePath(const job::TenantId& tenant, std::uint64_t max_bytes,
                                           base::TimePoint expires_at, std::string_view secret);

// What a checked URL allows.
struct BlobGrant {
  job::TenantId tenant;
  base::Sha256 sha256{};    // not of ContentStorePath
  std::uint64_t bytes = 0;  // exactly (upload), at most (store); 0 of a read
};
// kForbidden ("expired", "bad-signature").
[[nodiscard]] base::Result<BlobGrant> CheckBlobUrl(std::string_view method, std::string_view path,
                                                   std::string_view query, std::string_view secret,
                                                   base::TimePoint now);

}  // namespace api
