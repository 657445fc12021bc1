// Whose requests they are: keys from where AWS's own tools find them, kept and renewed ahead of their end.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "aws/services.h"
#include "aws/sigv4.h"
#include "aws/transport.h"
#include "base/clock.h"
#include "base/error.h"

namespace aws {

// Where credentials come from. Thread-safe; may block on a request or two, each with a time-out.
class CredentialSource {
 public:
  virtual ~CredentialSource() = default;
  // kUnauthenticated: none is configured, the message says what was tried; kUnavailable, kTimeout: could not be asked.
  [[nodiscard]] virtual base::Result<Credentials> Get() = 0;
  // A service said that these have ended: the next Get does not answer them from memory.
  virtual void Expired(const Credentials& /*used*/) {}
};

class FixedCredentials final : public CredentialSource {
 public:
  explicit FixedCredentials(Credentials credentials) : credentials_(std::move(credentials)) {}
  [[nodiscard]] base::Result<Credentials> Get() override { return credentials_; }

 private:
  const Credentials credentials_;
};

// Remembers what `source` answered. From kRenewAhead before its end one caller renews it while the others go on with
// what there is; once it has ended they all wait for that one. A failed renewal is tried again after kRenewPause as
// long as the old ones last.
class CachedCredentials final : public CredentialSource {
 public:
  static constexpr std::chrono::minutes kRenewAhead{5};
  static constexpr std::chrono::seconds kRenewPause{10};
  // source and clock outlive it.
  CachedCredentials(CredentialSource& source, const base::Clock& clock) : source_(source), clock_(clock) {}
  [[nodiscard]] base::Result<Credentials> Get() override;
  void Expired(const Credentials& used) override;

 private:
  [[nodiscard]] bool EndsWithin(std::chrono::microseconds span) const;
  base::Result<Credentials> Renew(std::unique_lock<std::mutex>& lock);

  CredentialSource& source_;
  const base::Clock& clock_;
  std::mutex mutex_;
  std::condition_variable renewed_;
  std::optional<Credentials> current_;           // guarded by mutex_
  bool renewing_ = false;                        // guarded by mutex_
  std::optional<base::Error> failure_;           // guarded by mutex_; of the last renewal
  std::optional<base::SteadyPoint> not_before_;  // guarded by mutex_; of the next renewal
};

struct ChainParts {
  Environment environment;
  Transport& transport;
  const base::Clock& clock;
  std::string ca_file;
};

// In this order, the first that is configured decides (a configured one that fails is an error, not a reason to go on):
//   environment    AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN
//   web identity   AWS_WEB_IDENTITY_TOKEN_FILE with AWS_ROLE_ARN, by way of STS
//   profile        AWS_PROFILE (default "default") of ~/.aws/credentials and ~/.aws/config
//   (AWS_SHARED_CREDENTIALS_FILE,
//                  AWS_CONFIG_FILE): keys, or role_arn with source_profile by way of STS. Not credential_process, not
//                  SSO.
//   container      AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or _FULL_URI with AWS_CONTAINER_AUTHORIZATION_TOKEN[_FILE]
//   instance role  IMDSv2, unless AWS_EC2_METADATA_DISABLED is true; AWS_EC2_METADATA_SERVICE_ENDPOINT
[[nodiscard]] std::unique_ptr<CredentialSource> MakeCredentialChain(ChainParts parts);

// AWS_REGION, AWS_DEFAULT_REGION, the profile's region, the instance's. kInvalid when there is none.
[[nodiscard]] base::Result<std::string> FindRegion(const ChainParts& parts);

}  // namespace aws
