#include <openssl/evp.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cmath>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "auth/auth.h"
#include "auth/json.h"
#include "auth/jwks.h"
#include "base/hash.h"
#include "job/limits.h"

namespace auth {

namespace {

namespace json = boost::json;

constexpr std::size_t kMaxTokenBytes = 16 * 1024;        // Cognito's stay under 4 KB
constexpr std::size_t kMaxCachedTokens = 4096;           // about a megabyte
constexpr std::int64_t kMaxEpochSeconds = 253402300799;  // the year 9999

std::unexpected<base::Error> Refuse(std::string_view reason, std::string message) {
  return base::Fail(base::Code::kUnauthenticated, std::move(message), std::string(reason));
}
std::unexpected<base::Error> Malformed(std::string message) {
  return Refuse("malformed-token", std::move(message));
}

std::string_view View(const json::string& text) {
  return {text.data(), text.size()};
}

struct Parts {
  std::string_view signed_part;  // header.payload
  json::object header;
  json::object claims;
  std::string signature;
};

base::Result<Parts> Split(std::string_view token) {
  const std::size_t first = token.find('.');
  const std::size_t second = first == std::string_view::npos ? first : token.find('.', first + 1);
  if (second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos) {
    return Malformed("The token does not have three parts");
  }
  const auto header = base::FromBase64Url(token.substr(0, first));
  const auto payload = base::FromBase64Url(token.substr(first + 1, second - first - 1));
  auto signature = base::FromBase64Url(token.substr(second + 1));
  if (!header || !payload || !signature || signature->empty()) return Malformed("A part of the token is not base64url");
  auto header_object = ParseObject(*header);
  auto claims = ParseObject(*payload);
  if (!header_object || !claims) return Malformed("A part of the token is not a strict JSON object");
  return Parts{token.substr(0, second), std::move(*header_object), std::move(*claims), std::move(*signature)};
}

// The key id. Whatever would let the token choose its own key or algorithm is refused (RFC 8725 sections 2 and 3).
base::Result<std::string> CheckHeader(const json::object& header) {
  for (const auto name : {"crit", "jku", "jwk", "x5u", "x5c", "x5t", "x5t#S256", "zip", "b64", "enc"}) {
    if (header.contains(name)) return Malformed(std::string("The token's header may not hold ") + name);
  }
  const auto* algorithm = StringAt(header, "alg");
  if (algorithm == nullptr || *algorithm != "RS256")
    return Refuse("wrong-algorithm", "The token is not signed by RS256");
  if (const auto* type = header.if_contains("typ")) {
    const auto* text = type->if_string();
    const bool known = text != nullptr && (*text == "JWT" || *text == "jwt" || *text == "at+jwt");
    if (!known) return Malformed("The token's typ is not JWT");
  }
  const auto* kid = StringAt(header, "kid");
  if (kid == nullptr || kid->empty() || kid->size() > 256) return Malformed("The token names no key");
  return std::string(View(*kid));
}

bool SignatureHolds(EVP_PKEY* key, std::string_view message, std::string_view signature) {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  if (!context || EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key) != 1) return false;
  return EVP_DigestVerify(context.get(), reinterpret_cast<const unsigned char*>(signature.data()), signature.size(),
                          reinterpret_cast<const unsigned char*>(message.data()), message.size()) == 1;
}

// A NumericDate (RFC 7519 section 2); kInvalid-free: absent is nullopt, anything odd is malformed.
base::Result<std::optional<std::int64_t>> DateAt(const json::object& claims, std::string_view name) {
  const auto* value = claims.if_contains(json::string_view(name.data(), name.size()));
  if (value == nullptr) return std::nullopt;
  double seconds = -1;
  if (value->is_int64()) seconds = static_cast<double>(value->get_int64());
  if (value->is_uint64()) seconds = static_cast<double>(value->get_uint64());
  if (value->is_double()) seconds = std::floor(value->get_double());
  if (!(seconds >= 0 && seconds <= static_cast<double>(kMaxEpochSeconds))) {
    return Malformed("A time of the token is not a number of seconds");
  }
  return static_cast<std::int64_t>(seconds);
}

bool Contains(const std::vector<std::string>& list, std::string_view text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

base::Status CheckAudience(const json::object& claims, std::string_view use,
                           const std::vector<std::string>& audiences) {
  if (audiences.empty()) return {};
  const auto* value = claims.if_contains(use == "access" ? "client_id" : "aud");
  bool known = false;
  if (value != nullptr && value->is_string()) known = Contains(audiences, View(value->get_string()));
  if (value != nullptr && value->is_array()) {
    for (const auto& entry : value->get_array()) {
      known = known || (entry.is_string() && Contains(audiences, View(entry.get_string())));
    }
  }
  if (!known) return Refuse("wrong-audience", "The token is meant for another audience");
  return {};
}

base::Result<job::TenantId> TenantOf(const json::object& claims, std::string_view claim) {
  const auto* text = StringAt(claims, claim);
  const bool fits = text != nullptr && !text->empty() && text->size() <= job::kMaxTenantBytes;
  const bool clean = fits && std::none_of(text->begin(), text->end(),
                                          [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
  if (!clean) return Refuse("no-tenant", "The token does not say whose it is");
  return job::TenantId(View(*text));
}

Role HighestRole(const json::object& claims, std::string_view claim) {
  const auto* value = claims.if_contains(json::string_view(claim.data(), claim.size()));
  Role highest = Role::kNone;
  const auto consider = [&](const json::value& name) {
    if (name.is_string()) highest = std::max(highest, RoleOf(View(name.get_string())).value_or(Role::kNone));
  };
  if (value == nullptr) return highest;
  consider(*value);
  if (value->is_array()) {
    for (const auto& entry : value->get_array()) consider(entry);
  }
  return highest;
}

struct Verified {
  Identity identity;
  std::int64_t expires = 0;  // seconds since the epoch, without leeway
};

// Tokens whose signature was checked lately, by their SHA-256: the same caller comes again and again. Thread-safe.
class TokenCache {
 public:
  std::optional<Identity> Find(const base::Sha256& key, std::int64_t now, std::int64_t leeway) {
    const std::lock_guard lock(mutex_);
    const auto found = tokens_.find(std::string(base::View(key)));
    if (found == tokens_.end()) return std::nullopt;
    if (now < found->second.expires + leeway) return found->second.identity;
    tokens_.erase(found);
    return std::nullopt;
  }
  void Put(const base::Sha256& key, Verified verified) {
    const std::lock_guard lock(mutex_);
    // Whichever comes first goes: losing an entry costs one signature check.
    if (tokens_.size() >= kMaxCachedTokens) tokens_.erase(tokens_.begin());
    tokens_.insert_or_assign(std::string(base::View(key)), std::move(verified));
  }

 private:
  std::mutex mutex_;
  std::unordered_map<std::string, Verified> tokens_;  // guarded by mutex_
};

class VerifierImpl final : public Verifier {
 public:
  VerifierImpl(VerifierOptions options, JwksSource source, const base::Clock& clock)
      : options_(std::move(options)), clock_(clock), keys_(options_, std::move(source), clock) {}

  base::Result<Identity> Verify(std::string_view token) override {
    if (token.empty() || token.size() > kMaxTokenBytes) return Malformed("The token's size is out of bounds");
    const std::int64_t now = base::UnixMicros(clock_.Now()) / 1'000'000;
    const base::Sha256 digest = base::Sha256Of(token);
    if (auto known = cache_.Find(digest, now, options_.leeway.count())) return std::move(*known);
    UT_TRY_ASSIGN(const Parts parts, Split(token));
    UT_TRY_ASSIGN(const std::string kid, CheckHeader(parts.header));
    UT_TRY_ASSIGN(const PublicKey key, keys_.Find(kid));
    if (!SignatureHolds(key.get(), parts.signed_part, parts.signature)) {
      return Refuse("bad-signature", "The token's signature does not hold");
    }
    UT_TRY_ASSIGN(Verified verified, CheckClaims(parts.claims, now));
    Identity identity = verified.identity;
    cache_.Put(digest, std::move(verified));
    return identity;
  }

 private:
  base::Result<Verified> CheckClaims(const json::object& claims, std::int64_t now) const {
    const auto* issuer = StringAt(claims, "iss");
    if (issuer == nullptr || View(*issuer) != options_.issuer) {
      return Refuse("wrong-issuer", "The token is of another issuer");
    }
    UT_TRY_ASSIGN(const std::int64_t expires, CheckTimes(claims, now));
    const auto* use = StringAt(claims, "token_use");
    if (use == nullptr || !Contains(options_.token_uses, View(*use))) {
      return Refuse("wrong-use", "The token is of a kind that is not accepted");
    }
    UT_TRY(CheckAudience(claims, View(*use), options_.audiences));
    UT_TRY_ASSIGN(job::TenantId tenant, TenantOf(claims, options_.tenant_claim));
    const auto* subject = StringAt(claims, "sub");
    return Verified{.identity = {.tenant = std::move(tenant),
                                 .subject = subject == nullptr ? std::string() : std::string(View(*subject)),
                                 .role = HighestRole(claims, options_.roles_claim)},
                    .expires = expires};
  }
  // exp is needed; nbf and iat only if given. The leeway bridges two clocks that disagree.
  base::Result<std::int64_t> CheckTimes(const json::object& claims, std::int64_t now) const {
    UT_TRY_ASSIGN(const auto expires, DateAt(claims, "exp"));
    UT_TRY_ASSIGN(const auto not_before, DateAt(claims, "nbf"));
    UT_TRY_ASSIGN(const auto issued, DateAt(claims, "iat"));
    const std::int64_t leeway = options_.leeway.count();
    if (!expires) return Malformed("The token never expires");
    if (now >= *expires + leeway) return Refuse("expired", "The token has expired");
    if (not_before.value_or(0) > now + leeway || issued.value_or(0) > now + leeway) {
      return Refuse("not-yet-valid", "The token is not valid yet");
    }
    return *expires;
  }

  const VerifierOptions options_;
  const base::Clock& clock_;
  KeyCache keys_;
  TokenCache cache_;
};

}  // namespace

std::unique_ptr<Verifier> NewVerifier(VerifierOptions options, JwksSource source, const base::Clock& clock) {
  return std::make_unique<VerifierImpl>(std::move(options), std::move(source), clock);
}

std::string_view RoleName(Role role) {
  switch (role) {
    case Role::kNone:
      return "none";
    case Role::kViewer:
      return "viewer";
    case Role::kOperator:
      return "operator";
    case Role::kAdmin:
      return "admin";
  }
  return "none";
}

std::optional<Role> RoleOf(std::string_view name) {
  for (const Role role : {Role::kViewer, Role::kOperator, Role::kAdmin}) {
    if (RoleName(role) == name) return role;
  }
  return std::nullopt;
}

}  // namespace auth
