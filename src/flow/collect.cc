#include "flow/collect.h"

#include "base/log.h"

namespace flow {

namespace {
constexpr std::size_t kJobsAtOnce = 100;
constexpr std::size_t kBlobsAtOnce = 1000;
}  // namespace

void Collect::HoldUntil(base::SteadyPoint time) {
  const std::lock_guard lock(mutex_);
  held_until_ = time;
}

bool Collect::ClockJumped() {
  const base::TimePoint wall = context_.clock.Now();
  const base::SteadyPoint steady = context_.clock.Steady();
  const auto by = std::chrono::duration_cast<std::chrono::seconds>((wall - wall_) - (steady - steady_));
  wall_ = wall;
  steady_ = steady;
  if (std::chrono::abs(by) > kJump) {
    base::LogWarn("clock-jumped", {{"seconds", by.count()}, {"collectsAgainInSeconds", kGrace.count()}});
    jump_over_ = steady + kGrace;
  }
  return steady < jump_over_;
}

base::Status Collect::ForgetJobs(Swept& swept) {
  while (true) {
    UT_TRY_ASSIGN(const auto expired, context_.jobs.Expired(context_.clock.Now(), default_retention_, kJobsAtOnce));
    if (expired.empty()) return {};
    for (const ports::ExpiredJob& job : expired) {
      const std::lock_guard lock(mutex_);
      if (Held()) return {};
      const base::Status deleted = context_.jobs.Delete(job.key, job.version);
      if (!deleted && deleted.error().code == base::Code::kConflict) continue;  // retried meanwhile: it is wanted again
      UT_TRY(deleted);
      base::LogInfo("job-expired", {{"job", job.key.job.str()}});
      swept.jobs += 1;
    }
  }
}

base::Result<bool> Collect::Remove(const ports::BlobEntry& entry, Swept& swept) {
  const std::lock_guard lock(mutex_);
  if (Held()) return false;
  // Work that goes on may have put the same bytes again since the page was listed.
  UT_TRY_ASSIGN(const ports::Removal removal, context_.blobs.RemoveUnlessWritten(entry));
  if (removal == ports::Removal::kKept) return true;
  swept.blobs += 1;
  swept.bytes += entry.bytes;
  return true;
}

base::Result<Collect::Swept> Collect::Run() {
  Swept swept;
  if (ClockJumped()) return swept;
  UT_TRY(ForgetJobs(swept));
  std::string cursor;
  do {
    UT_TRY_ASSIGN(const auto entries, context_.blobs.List(cursor, kBlobsAtOnce));
    for (const ports::BlobEntry& entry : entries) {
      UT_TRY_ASSIGN(const bool wanted, Wanted(entry));
      if (wanted) continue;
      UT_TRY_ASSIGN(const bool goes_on, Remove(entry, swept));
      if (!goes_on) return swept;
    }
  } while (!cursor.empty());
  return swept;
}

base::Result<bool> Collect::Wanted(const ports::BlobEntry& entry) {
  if (context_.clock.Now() - entry.written_at < kGrace) return true;
  const auto name = ports::ParseBlobKey(entry.key);
  if (!name) return true;  // not ours to judge
  if (name->content) return context_.references.IsReferenced(name->tenant, *name->content, context_.clock.Now());
  // A job and the first page of its plan are stored and forgotten in one commit.
  UT_TRY_ASSIGN(const auto page, context_.plans.ReadPage({.blob = entry.key}, 1, 0));
  return page.has_value();
}

}  // namespace flow
