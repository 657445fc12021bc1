// One request to a service: signed, sent, tried again where that is right, its refusal read.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "aws/credentials.h"
#include "aws/refusal.h"
#include "aws/retry.h"
#include "aws/services.h"
#include "aws/transport.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/random.h"

namespace aws {

// May the request reach the service twice?
enum class Repeat : std::uint8_t {
  kHarmless,   // yes: reads, writes of the same, whatever has a token or condition of its own
  kIfRefused,  // only when the service refused it or never saw it; a lost answer is an error
};
enum class Success : std::uint8_t {
  kByStatus,
  kByBody,  // a 200 may hold an <Error>, which counts as a 500: S3's copy and complete
};

struct Call {
  Service service = Service::kS3;
  std::string_view operation;  // "PutObject": for figures and messages
  std::string_view method = "POST";
  std::string host_label;  // before the service's host: an S3 bucket; "" for none
  std::string path = "/";  // not encoded
  Pairs query;             // not encoded
  Pairs headers;           // without Host and what signing adds
  std::string_view body;   // outlives the call
  Repeat repeat = Repeat::kHarmless;
  Success success = Success::kByStatus;
  std::size_t max_response_bytes = 16U << 20U;
  std::optional<base::SteadyPoint> deadline;  // of all tries and pauses
  std::chrono::milliseconds extra_time{0};    // added to the service's time-out: long polls, large bodies
  std::string* refusal_body = nullptr;        // where the body of a final refusal goes
};

// Told once per try, after it; from the calling thread. status 0: no answer.
struct TryNote {
  Service service;
  std::string_view operation;
  int status;
  int attempt;  // 1-based
  std::size_t sent_bytes;
  std::size_t received_bytes;
};
using OnTry = std::function<void(const TryNote&)>;

// Tries per service since the start. Thread-safe.
class RequestCounts {
 public:
  void Add(Service service) { counts_.at(static_cast<std::size_t>(service)).fetch_add(1, std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t Of(Service service) const {
    return counts_.at(static_cast<std::size_t>(service)).load(std::memory_order_relaxed);
  }

 private:
  std::array<std::atomic<std::uint64_t>, kServiceCount> counts_{};
};

// Thread-safe; blocks up to the call's deadline, or max_attempts times the service's time-outs and 20 s pauses.
class Caller {
 public:
  struct Parts {
    Transport& transport;
    CredentialSource& credentials;
    const base::Clock& clock;
    base::Random& random;
    Pause& pause;
    OnTry on_try = {};  // may be empty
  };
  Caller(Parts parts, Settings settings) : parts_(std::move(parts)), settings_(std::move(settings)) {}

  // A 2xx answer. Else the last try's error: kThrottled, kUnavailable, kTimeout (a deadline or time-out), kNotFound,
  // kConflict, kForbidden, kTooLarge, kInvalid, kUnauthenticated; reason is the service's error code where it gave one.
  [[nodiscard]] base::Result<http::ClientResponse> Send(const Call& call);

  // A URL that is good for `valid_for`; the call's headers must be sent with it. kInvalid: over a week.
  [[nodiscard]] base::Result<std::string> Presign(const Call& call, std::chrono::seconds valid_for);

  // Waits before the retry-th (from 0) repeat of what a service took only in part. False, at once: the deadline is too
  // near or the service's tokens are spent.
  [[nodiscard]] bool PauseBeforeRetry(Service service, int retry, std::optional<base::SteadyPoint> deadline);

  [[nodiscard]] const Settings& settings() const { return settings_; }
  [[nodiscard]] base::TimePoint Now() const;  // with the correction that services have taught us
  [[nodiscard]] const RetryQuota& quota(Service service) const { return quotas_.at(static_cast<std::size_t>(service)); }

 private:
  struct Failure;
  struct Progress;
  [[nodiscard]] base::Result<http::ClientResponse> TryOnce(const Call& call, Progress& progress, Failure& failure);
  [[nodiscard]] base::Result<std::chrono::milliseconds> TimeLeft(const Call& call) const;
  [[nodiscard]] bool PrepareRetry(const Call& call, Progress& progress, const Failure& failure);
  [[nodiscard]] bool CorrectClock(const http::ClientResponse& response, std::chrono::microseconds signed_offset);
  [[nodiscard]] RetryQuota& QuotaOf(Service service) { return quotas_.at(static_cast<std::size_t>(service)); }

  const Parts parts_;
  const Settings settings_;
  std::array<RetryQuota, kServiceCount> quotas_;
  std::atomic<std::int64_t> clock_offset_us_{0};  // the services' time minus ours
};

}  // namespace aws
