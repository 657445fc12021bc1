#include "flow/attempts.h"

#include <algorithm>

#include "job/limits.h"

namespace flow {

namespace {

bool TriedAgain(const FailedTry& failed, ports::Blame blame) {
  switch (blame) {
    case ports::Blame::kInput:
      break;
    case ports::Blame::kResource:
    case ports::Blame::kPlatform:
      return failed.attempt < job::kMaxAttempts;
    case ports::Blame::kLethal:
      return !failed.after_death;
  }
  return false;
}

void CutMessage(job::ToonError& error) {
  if (error.message.size() > job::kMaxErrorMessageBytes) error.message.resize(job::kMaxErrorMessageBytes);
}

}  // namespace

std::chrono::milliseconds RetryDelay(std::uint32_t attempts, base::Random& random) {
  const auto doublings = std::min(attempts == 0 ? 0U : attempts - 1, 20U);
  const auto ceiling = std::min(job::kRetryCap, job::kRetryBase * (std::int64_t{1} << doublings));
  return std::chrono::milliseconds(static_cast<std::int64_t>(random.Unit() * static_cast<double>(ceiling.count() + 1)));
}

std::variant<job::Outcome, job::RetryNote> AfterFailure(const FailedTry& failed, ports::ProcessorFailure failure,
                                                        base::TimePoint now, base::Random& random) {
  CutMessage(failure.error);
  if (TriedAgain(failed, failure.blame)) {
    return job::RetryNote{.position = failed.position,
                          .attempts = failed.attempt,
                          .not_before = now + RetryDelay(failed.attempt, random),
                          .last_error = std::move(failure.error)};
  }
  return FinalFailure(failed, std::move(failure.error), now);
}

job::Outcome FinalFailure(const FailedTry& failed, job::ToonError error, base::TimePoint now) {
  CutMessage(error);
  job::Outcome outcome;
  outcome.position = failed.position;
  outcome.state = job::ToonState::kFailed;
  outcome.toon_id = failed.toon_id;
  outcome.type = failed.type;
  outcome.sha256 = failed.sha256;
  outcome.source_bytes = failed.source_bytes;
  outcome.duration = failed.duration;
  outcome.attempts = failed.attempt;
  outcome.processed_at = now;
  outcome.error = std::move(error);
  return outcome;
}

}  // namespace flow
