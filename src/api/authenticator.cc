#include "api/authenticator.h"

#include <algorithm>

namespace api {

namespace {

constexpr std::size_t kMaxTokenBytes = 16 * 1024;  // a head is not longer

bool IsBearer(std::string_view scheme) {
  static constexpr std::string_view kBearer = "bearer";
  return std::ranges::equal(scheme, kBearer, {}, [](char c) { return c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c; });
}

class BearerAuthenticator final : public Authenticator {
 public:
  explicit BearerAuthenticator(auth::Verifier& verifier) : verifier_(verifier) {}

  base::Result<auth::Identity> Authenticate(const http::RequestHead& head) override {
    const std::string_view header = head.header("authorization");
    const std::size_t space = header.find(' ');
    if (header.empty() || space == std::string_view::npos || !IsBearer(header.substr(0, space))) {
      return base::Fail(base::Code::kUnauthenticated, "a bearer token is needed: \"Authorization: Bearer <token>\"",
                        "no-token");
    }
    std::string_view token = header.substr(space + 1);
    while (token.starts_with(' ')) token.remove_prefix(1);
    if (token.empty() || token.size() > kMaxTokenBytes) {
      return base::Fail(base::Code::kUnauthenticated, "this is no token", "malformed-token");
    }
    return verifier_.Verify(token);
  }

 private:
  auth::Verifier& verifier_;
};

}  // namespace

std::unique_ptr<Authenticator> NewBearerAuthenticator(auth::Verifier& verifier) {
  return std::make_unique<BearerAuthenticator>(verifier);
}

}  // namespace api
