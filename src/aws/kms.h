// KMS: small secrets, and whether a key can be used. What S3 and DynamoDB encrypt at rest they ask of KMS themselves.
// Thread-safe; blocks. Errors as Caller::Send.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "aws/call.h"
#include "base/error.h"

namespace aws {

inline constexpr std::size_t kMaxKmsPlaintext = 4096;  // bytes

using KmsContext = std::map<std::string, std::string>;  // must be the same to decrypt

struct KmsKey {
  std::string arn;
  std::string state;  // "Enabled"
};

class KmsClient {
 public:
  explicit KmsClient(Caller& caller) : caller_(caller) {}  // which outlives it

  [[nodiscard]] base::Result<std::string> Encrypt(const std::string& key_id, std::string_view plaintext,
                                                  const KmsContext& context);
  [[nodiscard]] base::Result<std::string> Decrypt(std::string_view ciphertext, const KmsContext& context);
  [[nodiscard]] base::Result<KmsKey> Describe(const std::string& key_id);  // id, ARN or "alias/…"

 private:
  Caller& caller_;
};

}  // namespace aws
