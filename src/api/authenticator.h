// Who calls, whichever way the home learns it: a bearer token here, an authorizer's claims on AWS.
#pragma once

#include <memory>

#include "auth/auth.h"
#include "base/error.h"
#include "http/message.h"

namespace api {

class Authenticator {
 public:
  virtual ~Authenticator() = default;
  // kUnauthenticated with a reason that the client may see ("no-token", "expired", …); kUnavailable if the keys could
  // not be had. Thread-safe; may block.
  [[nodiscard]] virtual base::Result<auth::Identity> Authenticate(const http::RequestHead& head) = 0;
};

// "Authorization: Bearer <token>" (RFC 6750), checked by the verifier, which outlives it.
[[nodiscard]] std::unique_ptr<Authenticator> NewBearerAuthenticator(auth::Verifier& verifier);

}  // namespace api
