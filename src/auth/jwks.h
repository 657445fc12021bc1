// The issuer's public keys by their ids: fetched when first needed, kept, and asked for again when an unknown id comes
// up.
#pragma once

#include <openssl/evp.h>

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "auth/auth.h"

namespace auth {

using PublicKey = std::shared_ptr<EVP_PKEY>;
using KeySet = std::map<std::string, PublicKey, std::less<>>;

// The RSA keys of a JWKS document (RFC 7517) that may verify RS256 and have 2048 to 8192 bits; others are skipped,
// since an issuer may publish them for other uses. kCorrupt: not a key set, or two keys with one id.
[[nodiscard]] base::Result<KeySet> ParseJwks(std::string_view document);

// Thread-safe. One thread fetches at a time, outside the lock; others wait for it. A failed fetch keeps the old keys.
class KeyCache {
 public:
  KeyCache(const VerifierOptions& options, JwksSource source, const base::Clock& clock);
  // kUnauthenticated "unknown-key"; kUnavailable when there never were keys.
  [[nodiscard]] base::Result<PublicKey> Find(std::string_view kid);

 private:
  void Refresh();
  [[nodiscard]] bool IsStale(base::SteadyPoint now) const;
  [[nodiscard]] bool MayFetch(base::SteadyPoint now) const;

  const std::chrono::seconds floor_;
  const std::chrono::seconds max_age_;
  const JwksSource source_;
  const base::Clock& clock_;
  std::mutex fetching_;  // held through a fetch: single flight
  mutable std::mutex mutex_;
  KeySet keys_;                    // guarded by mutex_
  bool tried_ = false;             // guarded by mutex_
  bool loaded_ = false;            // guarded by mutex_
  base::SteadyPoint tried_at_{};   // guarded by mutex_
  base::SteadyPoint loaded_at_{};  // guarded by mutex_
  std::uint64_t tries_ = 0;        // guarded by mutex_
};

}  // namespace auth
