// What follows a failed try, as pure functions.
#pragma once

#include <variant>

#include "base/clock.h"
#include "base/random.h"
#include "job/types.h"
#include "ports/processor.h"

namespace flow {

// Exponential backoff with full jitter: uniform in [0, min(cap, base * 2^(attempts-1))].
// https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
[[nodiscard]] std::chrono::milliseconds RetryDelay(std::uint32_t attempts, base::Random& random);

// The toon's identity and what is known of its source, for an outcome that is a failure.
struct FailedTry {
  job::Position position = 0;
  job::ToonId toon_id;
  job::ToonType type;
  std::uint32_t attempt = 1;  // the try that failed, 1-based
  bool after_death = false;   // the try before it was lethal
  std::chrono::microseconds duration{0};
  std::uint64_t source_bytes = 0;
  std::optional<base::Sha256> sha256;
};
// The end of a toon that fails with this error. Its message is cut to job::kMaxErrorMessageBytes.
[[nodiscard]] job::Outcome FinalFailure(const FailedTry& failed, job::ToonError error, base::TimePoint now);
// A retry note while attempts are left and the failure may pass, else the final outcome with this last error. A first
// death is followed by one more try, whatever the number of attempts; the second in a row is final.
[[nodiscard]] std::variant<job::Outcome, job::RetryNote> AfterFailure(const FailedTry& failed,
                                                                      ports::ProcessorFailure failure,
                                                                      base::TimePoint now, base::Random& random);

}  // namespace flow
