// Credentials as the machines that hand them out write them. Pure; thread-safe.
#pragma once

#include <string_view>

#include "aws/sigv4.h"
#include "base/error.h"

namespace aws {

// {"AccessKeyId", "SecretAccessKey", "Token", "Expiration"} of the container and instance endpoints. kUnavailable:
// something else, as these answer while they are not ready.
[[nodiscard]] base::Result<Credentials> CredentialsOfJson(std::string_view text);
// STS: <...Result><Credentials><AccessKeyId>…
[[nodiscard]] base::Result<Credentials> CredentialsOfSts(std::string_view text);

}  // namespace aws
