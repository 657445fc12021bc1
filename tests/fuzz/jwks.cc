// An issuer's key set.
#include "auth/jwks.h"

#include "auth/json.h"
#include "fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::Text(data, size);
  const auto keys = auth::ParseJwks(text);
  if (!keys) {
    fuzz::Require(keys.error().code == base::Code::kCorrupt, "a bad key set is corrupt");
    return 0;
  }
  fuzz::Require(auth::ParseObject(text).has_value(), "a key set is a strict object");
  for (const auto& [kid, key] : *keys) {
    const int bits = EVP_PKEY_get_bits(key.get());
    fuzz::Require(!kid.empty() && bits >= 2048 && bits <= 8192, "a key is strong enough and not too large");
  }
  return 0;
}
