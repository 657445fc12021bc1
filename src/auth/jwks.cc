#include "auth/jwks.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>

#include <boost/json/array.hpp>
#include <utility>

#include "auth/json.h"
#include "base/hash.h"
#include "base/log.h"

namespace auth {

namespace {

constexpr std::size_t kMaxDocumentBytes = 256 * 1024;
constexpr std::size_t kMaxKeys = 100;
constexpr std::size_t kMaxKidBytes = 256;
constexpr int kMinRsaBits = 2048;
constexpr int kMaxRsaBits = 8192;  // more only costs us time

template <auto Free>
struct Freer {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
using Number = std::unique_ptr<BIGNUM, Freer<BN_free>>;
using ParamBuilder = std::unique_ptr<OSSL_PARAM_BLD, Freer<OSSL_PARAM_BLD_free>>;
using Params = std::unique_ptr<OSSL_PARAM, Freer<OSSL_PARAM_free>>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, Freer<EVP_PKEY_CTX_free>>;

Number NumberOf(const boost::json::string* text) {
  if (text == nullptr) return nullptr;
  const auto bytes = base::FromBase64Url({text->data(), text->size()});
  if (!bytes || bytes->empty() || bytes->size() > kMaxRsaBits / 8 + 1) return nullptr;
  return Number(
      BN_bin2bn(reinterpret_cast<const unsigned char*>(bytes->data()), static_cast<int>(bytes->size()), nullptr));
}

PublicKey RsaKey(const BIGNUM* modulus, const BIGNUM* exponent) {
  const ParamBuilder builder(OSSL_PARAM_BLD_new());
  if (!builder || OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, modulus) != 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, exponent) != 1) {
    return nullptr;
  }
  const Params params(OSSL_PARAM_BLD_to_param(builder.get()));
  const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr));
  EVP_PKEY* key = nullptr;
  if (!params || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params.get()) != 1) {
    return nullptr;
  }
  return {key, EVP_PKEY_free};
}

bool IsUnlike(const boost::json::object& jwk, std::string_view name, std::string_view wanted) {
  if (!jwk.contains(boost::json::string_view(name.data(), name.size()))) return false;
  const auto* value = StringAt(jwk, name);
  return value == nullptr || std::string_view(value->data(), value->size()) != wanted;
}

// nullptr: a key for something else, or one too weak to trust.
PublicKey KeyOf(const boost::json::object& jwk) {
  const auto* type = StringAt(jwk, "kty");
  if (type == nullptr || *type != "RSA" || IsUnlike(jwk, "use", "sig") || IsUnlike(jwk, "alg", "RS256")) return nullptr;
  const Number modulus = NumberOf(StringAt(jwk, "n"));
  const Number exponent = NumberOf(StringAt(jwk, "e"));
  if (!modulus || !exponent || BN_num_bits(modulus.get()) < kMinRsaBits || BN_num_bits(modulus.get()) > kMaxRsaBits) {
    return nullptr;
  }
  // An even or tiny exponent is no RSA key; a huge one makes verifying slow.
  if (BN_is_odd(exponent.get()) != 1 || BN_is_one(exponent.get()) == 1 || BN_num_bits(exponent.get()) > 64) {
    return nullptr;
  }
  return RsaKey(modulus.get(), exponent.get());
}

}  // namespace

base::Result<KeySet> ParseJwks(std::string_view document) {
  if (document.size() > kMaxDocumentBytes) return base::Fail(base::Code::kCorrupt, "The key set is too large");
  const auto root = ParseObject(document);
  const auto* value = root ? root->if_contains("keys") : nullptr;
  const auto* list = value != nullptr ? value->if_array() : nullptr;
  if (list == nullptr || list->size() > kMaxKeys)
    return base::Fail(base::Code::kCorrupt, "This is not a JWKS document");
  KeySet keys;
  for (const auto& entry : *list) {
    const auto* jwk = entry.if_object();
    if (jwk == nullptr) return base::Fail(base::Code::kCorrupt, "A key of the JWKS document is not an object");
    const auto* kid = StringAt(*jwk, "kid");
    if (kid == nullptr || kid->empty() || kid->size() > kMaxKidBytes) continue;
    PublicKey key = KeyOf(*jwk);
    if (!key) continue;
    if (!keys.try_emplace(std::string(kid->data(), kid->size()), std::move(key)).second) {
      return base::Fail(base::Code::kCorrupt, "Two keys of the JWKS document have one kid");
    }
  }
  return keys;
}

KeyCache::KeyCache(const VerifierOptions& options, JwksSource source, const base::Clock& clock)
    : floor_(options.jwks_refresh_floor), max_age_(options.jwks_max_age), source_(std::move(source)), clock_(clock) {}

bool KeyCache::IsStale(base::SteadyPoint now) const {
  return !loaded_ || now - loaded_at_ >= max_age_;
}
bool KeyCache::MayFetch(base::SteadyPoint now) const {
  return !tried_ || now - tried_at_ >= floor_;
}

base::Result<PublicKey> KeyCache::Find(std::string_view kid) {
  std::uint64_t tries_seen = 0;
  {
    const std::lock_guard lock(mutex_);
    const auto found = keys_.find(kid);
    const auto now = clock_.Steady();
    if (found != keys_.end() && (!IsStale(now) || !MayFetch(now))) return found->second;
    tries_seen = tries_;
  }
  {
    const std::lock_guard flight(fetching_);
    std::unique_lock lock(mutex_);
    // Whoever held the flight before us may have fetched already.
    const bool fetch = tries_ == tries_seen && MayFetch(clock_.Steady());
    lock.unlock();
    if (fetch) Refresh();
  }
  const std::lock_guard lock(mutex_);
  const auto found = keys_.find(kid);
  if (found != keys_.end()) return found->second;
  if (!loaded_) return base::Fail(base::Code::kUnavailable, "The issuer's keys could not be had", "no-keys");
  return base::Fail(base::Code::kUnauthenticated, "The token names a key that the issuer does not have", "unknown-key");
}

void KeyCache::Refresh() {
  auto document = source_();
  base::Result<KeySet> keys = KeySet();
  if (document) {
    keys = ParseJwks(*document);
  } else {
    keys = std::unexpected(std::move(document).error());
  }
  if (!keys) base::LogWarn("jwks-refresh-failed", {{"why", keys.error().message}});
  const std::lock_guard lock(mutex_);
  tried_ = true;
  tried_at_ = clock_.Steady();
  ++tries_;
  if (!keys) return;
  keys_ = std::move(*keys);
  loaded_ = true;
  loaded_at_ = tried_at_;
}

}  // namespace auth
