#include "aws/kms.h"

#include <fmt/format.h>

#include "aws/json_call.h"
#include "base/hash.h"

namespace aws {

namespace {

std::string ContextJson(const KmsContext& context) {
  std::string out = "{";
  for (const auto& [name, value] : context) {
    out += fmt::format("{}{}:{}", out.size() > 1 ? "," : "", Quoted(name), Quoted(value));
  }
  return out + "}";
}

base::Result<std::string> BytesAt(const JsonAnswer& answer, std::string_view member) {
  auto bytes = base::FromBase64(JsonAnswer::Text(answer.root(), member));
  if (bytes) return std::move(*bytes);
  return base::Fail(base::Code::kUnavailable, fmt::format("kms answered no {}", member));
}

}  // namespace

base::Result<std::string> KmsClient::Encrypt(const std::string& key_id, std::string_view plaintext,
                                             const KmsContext& context) {
  if (plaintext.size() > kMaxKmsPlaintext) {
    return base::Fail(base::Code::kTooLarge, fmt::format("kms encrypts at most {} bytes", kMaxKmsPlaintext));
  }
  const std::string body = fmt::format(R"({{"KeyId":{},"Plaintext":"{}","EncryptionContext":{}}})", Quoted(key_id),
                                       base::ToBase64(plaintext), ContextJson(context));
  JsonAnswer answer;
  UT_TRY(SendJson(caller_, {.service = Service::kKms, .operation = "Encrypt", .body = body}, answer));
  return BytesAt(answer, "CiphertextBlob");
}

base::Result<std::string> KmsClient::Decrypt(std::string_view ciphertext, const KmsContext& context) {
  const std::string body = fmt::format(R"({{"CiphertextBlob":"{}","EncryptionContext":{}}})",
                                       base::ToBase64(ciphertext), ContextJson(context));
  JsonAnswer answer;
  UT_TRY(SendJson(caller_, {.service = Service::kKms, .operation = "Decrypt", .body = body}, answer));
  return BytesAt(answer, "Plaintext");
}

base::Result<KmsKey> KmsClient::Describe(const std::string& key_id) {
  const std::string body = fmt::format(R"({{"KeyId":{}}})", Quoted(key_id));
  JsonAnswer answer;
  UT_TRY(SendJson(caller_, {.service = Service::kKms, .operation = "DescribeKey", .body = body}, answer));
  const auto key = JsonAnswer::Member(answer.root(), "KeyMetadata");
  if (!key) return base::Fail(base::Code::kUnavailable, "kms answered no KeyMetadata");
  return KmsKey{.arn = JsonAnswer::Text(*key, "Arn"), .state = JsonAnswer::Text(*key, "KeyState")};
}

}  // namespace aws
