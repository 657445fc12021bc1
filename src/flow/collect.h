// Forgetting: jobs past their retention, and bytes that nothing names any more.
#pragma once

#include <mutex>
#include <optional>

#include "base/error.h"
#include "flow/context.h"

namespace flow {

class Collect {
 public:
  Collect(Context& context, std::optional<std::chrono::seconds> default_retention)
      : context_(context),
        default_retention_(default_retention),
        wall_(context.clock.Now()),
        steady_(context.clock.Steady()) {}
  struct Swept {
    std::size_t jobs = 0;
    std::size_t blobs = 0;
    std::uint64_t bytes = 0;
  };
  // One round over everything; idempotent, safe beside running work: bytes younger than kGrace, or put again
  // while it looks, are left alone, since their outcome may be about to be recorded; so is a job that is retried.
  // Ages are the wall clock's, which outlives a process: once that jumped by over kJump, nothing is removed for kGrace,
  // so that neither work at hand nor every job's retention ends with a jump that somebody corrects.
  [[nodiscard]] base::Result<Swept> Run();

  // Until then (on the steady clock) no Run removes anything; one that is at it stops. A time that is past: go on.
  // Thread-safe.
  void HoldUntil(base::SteadyPoint time);

  static constexpr std::chrono::seconds kGrace = std::chrono::hours(1);
  static constexpr std::chrono::seconds kJump = std::chrono::minutes(5);

 private:
  [[nodiscard]] bool ClockJumped();
  [[nodiscard]] base::Status ForgetJobs(Swept& swept);
  // False: it is held off.
  [[nodiscard]] base::Result<bool> Remove(const ports::BlobEntry& entry, Swept& swept);
  [[nodiscard]] bool Held() const { return context_.clock.Steady() < held_until_; }
  [[nodiscard]] base::Result<bool> Wanted(const ports::BlobEntry& entry);
  Context& context_;
  std::optional<std::chrono::seconds> default_retention_;
  // Of the last round; Run is called by one thread at a time.
  base::TimePoint wall_;
  base::SteadyPoint steady_;
  base::SteadyPoint jump_over_ = base::SteadyPoint::min();
  std::mutex mutex_;                                         // held while one thing is removed
  base::SteadyPoint held_until_ = base::SteadyPoint::min();  // guarded by mutex_
};

}  // namespace flow
