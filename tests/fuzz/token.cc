// Bearer tokens against one key set. Either bytes as they come, or 's' and "<header>\n<claims>", which are signed with
// the right key, so that what is behind the signature is reached too.
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include <vector>

#include "auth/auth.h"
#include "base/hash.h"
#include "base/log.h"
#include "fuzz/fuzz.h"
#include "job/limits.h"

namespace {

class FixedClock final : public base::Clock {
 public:
  [[nodiscard]] base::TimePoint Now() const override { return base::FromUnixMicros(1'800'000'000'000'000); }
  [[nodiscard]] base::SteadyPoint Steady() const override { return base::SteadyPoint(std::chrono::hours(1)); }
};

// Made anew in each process: a key in the sources would be one more secret to explain. Its id is always "k".
EVP_PKEY* TheKey() {
  static EVP_PKEY* key = EVP_RSA_gen(2048);
  return key;
}

std::string NumberOf(const char* name) {
  BIGNUM* number = nullptr;
  fuzz::Require(EVP_PKEY_get_bn_param(TheKey(), name, &number) == 1, "a part of the key");
  std::string bytes(static_cast<std::size_t>(BN_num_bytes(number)), '\0');
  (void)BN_bn2bin(number, reinterpret_cast<unsigned char*>(bytes.data()));
  BN_free(number);
  return base::ToBase64Url(bytes);
}

std::string Signed(std::string_view header, std::string_view claims) {
  const std::string message = base::ToBase64Url(header) + "." + base::ToBase64Url(claims);
  std::vector<unsigned char> signature(512);
  std::size_t length = signature.size();
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  const bool made = EVP_DigestSignInit(context, nullptr, EVP_sha256(), nullptr, TheKey()) == 1 &&
                    EVP_DigestSign(context, signature.data(), &length,
                                   reinterpret_cast<const unsigned char*>(message.data()), message.size()) == 1;
  EVP_MD_CTX_free(context);
  fuzz::Require(made, "a signature");
  return message + "." + base::ToBase64Url({reinterpret_cast<const char*>(signature.data()), length});
}

auth::Verifier& TheVerifier() {
  static const FixedClock clock;
  static const auto verifier = auth::NewVerifier(
      {.issuer = "https://i", .audiences = {"app"}},
      []() -> base::Result<std::string> {
        return R"({"keys":[{"kty":"RSA","kid":"k","n":")" + NumberOf("n") + R"(","e":")" + NumberOf("e") + R"("}]})";
      },
      clock);
  return *verifier;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  base::SetLogLevel(base::LogLevel::kOff);
  const std::string_view text = fuzz::Text(data, size);
  const bool sign = text.starts_with('s') && text.find('\n') != std::string_view::npos;
  const auto [header, claims] = fuzz::Cut(text.substr(sign ? 1 : 0), "\n");
  const std::string token = sign ? Signed(header, claims) : std::string(text);
  const auto identity = TheVerifier().Verify(token);
  if (!identity) {
    fuzz::Require(identity.error().code == base::Code::kUnauthenticated, "a bad token is the caller's fault");
    fuzz::Require(!identity.error().reason.empty(), "a refusal has a reason");
    return 0;
  }
  fuzz::Require(sign, "nobody else's token is accepted");
  const std::string& tenant = identity->tenant.str();
  fuzz::Require(!tenant.empty() && tenant.size() <= job::kMaxTenantBytes, "a tenant has a name");
  for (const char c : tenant) fuzz::Require(static_cast<unsigned char>(c) >= 0x20, "of plain text");
  const auto again = TheVerifier().Verify(token);  // from the cache
  fuzz::Require(again && again->tenant == identity->tenant && again->role == identity->role,
                "who is known stays known");
  return 0;
}
