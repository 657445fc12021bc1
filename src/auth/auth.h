// Who is calling: bearer JWTs as Amazon Cognito issues them, and URLs signed by ourselves.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/random.h"
#include "job/types.h"

namespace auth {

// Ordered: each role may all that the one before may.
enum class Role : std::uint8_t {
  kNone,      // a valid token without a known group
  kViewer,    // reads jobs, results, artifacts, the quarantine
  kOperator,  // submits, uploads, cancels, retries, releases from quarantine
  kAdmin,     // and sees metrics
};

struct Identity {
  job::TenantId tenant;
  std::string subject;
  Role role = Role::kNone;
};

struct VerifierOptions {
  std::string issuer;                  // `iss` must equal it
  std::vector<std::string> audiences;  // `aud` (id token) or `client_id` (access token); empty: any
  std::vector<std::string> token_uses = {"access", "id"};
  std::string tenant_claim = "sub";
  std::string roles_claim = "cognito:groups";
  std::chrono::seconds leeway{30};              // of exp, nbf, iat
  std::chrono::seconds jwks_refresh_floor{30};  // an unknown kid asks for the keys at most so often
  std::chrono::seconds jwks_max_age{3600};
};

// Fetches the JWKS document's text. Called outside locks; may block.
using JwksSource = std::function<base::Result<std::string>()>;

class Verifier {
 public:
  virtual ~Verifier() = default;
  // RS256 only, key by `kid`. kUnauthenticated with a reason a client may see ("expired", "bad-signature",
  // "wrong-issuer", "malformed-token", "unknown-key" …); kUnavailable if the keys could not be had. Thread-safe.
  [[nodiscard]] virtual base::Result<Identity> Verify(std::string_view token) = 0;
};
[[nodiscard]] std::unique_ptr<Verifier> NewVerifier(VerifierOptions options, JwksSource source,
                                                    const base::Clock& clock);

// The server's own issuer: an RSA-2048 key in `dir`/issuer-key.pem (created 0600 if absent), for homes without a
// Cognito.
class LocalIssuer {
 public:
  // kUnavailable (cannot write), kCorrupt (a key that does not load), kForbidden (a key others can read).
  [[nodiscard]] static base::Result<std::unique_ptr<LocalIssuer>> Open(const std::string& dir);
  // Would Open do, and with the keys that are there? Changes nothing. kNotFound: one is absent, Open would make
  // another.
  [[nodiscard]] static base::Status Verify(const std::string& dir);
  virtual ~LocalIssuer() = default;
  [[nodiscard]] virtual std::string issuer() const = 0;  // "https://ubertoons.local/<key id>"
  [[nodiscard]] virtual std::string Jwks() const = 0;    // what /.well-known/jwks.json serves
  struct Grant {
    std::string subject;
    Role role = Role::kOperator;
    std::chrono::seconds ttl{3600};
  };
  [[nodiscard]] virtual std::string Mint(const Grant& grant, base::TimePoint now, base::Random& random) const = 0;
  // 32 secret bytes for signing URLs, kept beside the key (url-secret, 0600).
  [[nodiscard]] virtual std::string url_secret() const = 0;
};

// URLs that carry their own permission: HMAC-SHA256 over method, path, expiry and the bound values.
struct SignedUrl {
  std::string method;  // "PUT" or "GET"
  std::string path;    // "/blobs/<…>", as the server sees it, without a stage prefix
  base::TimePoint expires_at{};
  std::vector<std::pair<std::string, std::string>>
      bound;  // e.g. {"bytes","123"},{"sha256","…"},{"tenant","…"}; go into the query
};
[[nodiscard]] std::string SignUrl(const SignedUrl& url,
                                  std::string_view secret);  // "path?bytes=…&expires=…&signature=…"
// kForbidden ("expired", "bad-signature") or the values that were bound.
[[nodiscard]] base::Result<SignedUrl> VerifyUrl(std::string_view method, std::string_view path, std::string_view query,
                                                std::string_view secret, base::TimePoint now);

[[nodiscard]] std::string_view RoleName(Role role);  // "viewer" …
[[nodiscard]] std::optional<Role> RoleOf(std::string_view name);

}  // namespace auth
