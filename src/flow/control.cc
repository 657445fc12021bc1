#include "flow/control.h"

#include <fmt/format.h>

#include <algorithm>

#include "flow/change.h"
#include "flow/manifest.h"
#include "flow/split.h"
#include "job/limits.h"

namespace flow {

namespace {

constexpr std::size_t kReadRows = 5000;
constexpr std::size_t kReadBytes = 8U << 20U;

// Hands every position of the job's current generation that reads Failed to the planner, in order.
class FailedPositions {
 public:
  FailedPositions(Context& context, const job::Job& job, PlanWriter& plan)
      : context_(context),
        job_(job),
        lines_(context.plans, context.blobs, job.spec.manifest, job.state.generation),
        scope_(context.plans, context.blobs, job.spec.manifest, job.state.generation),
        plan_(plan) {}

  base::Status Run() {
    job::Position next = 0;  // every position below is settled
    while (true) {
      UT_TRY_ASSIGN(const auto rows,
                    context_.outcomes.Read(job_.spec.key, job_.state.generation, next, kReadRows, kReadBytes));
      if (rows.empty()) break;
      for (const ports::OutcomeRow& row : rows) {
        UT_TRY(Unrecorded(next, row.position));
        if (row.state == job::ToonState::kFailed) UT_TRY(Add(row.position));
        next = row.position + 1;
      }
    }
    UT_TRY(Unrecorded(next, job_.state.toon_count.value_or(0)));
    plan_.Add(segments_.Finish());
    return {};
  }

 private:
  // Positions without an outcome read Failed only under a cancel's marker. In a later generation most positions are not
  // in scope at all, so the plan of this generation says which are.
  base::Status Unrecorded(job::Position from, job::Position to) {
    if (!job_.state.cancelled) return {};
    while (from < to) {
      UT_TRY_ASSIGN(const job::Segment* segment, scope_.SeekSegment(from));
      if (segment == nullptr) return {};
      from = std::max(from, segment->first);
      const job::Position end = std::min<job::Position>(to, segment->first + segment->count);
      for (; from < end; ++from) UT_TRY(Add(from));
    }
    return {};
  }

  base::Status Add(job::Position position) {
    UT_TRY_ASSIGN(const ManifestCursor::Line line, lines_.Seek(position));
    segments_.Add(position, AnyTypeOf(line.segment->work_class), line.offset, line.length);
    if (segments_.closed() < job::kSegmentsPerPage) return {};
    plan_.Add(segments_.TakeClosed());
    return plan_.WriteFullPages();
  }

  Context& context_;
  const job::Job& job_;
  ManifestCursor lines_;
  ManifestCursor scope_;
  PlanWriter& plan_;
  SegmentBuilder segments_;
};

}  // namespace

base::Result<job::Job> Control::Cancel(const job::JobKey& key) {
  auto job = ChangeJob(context_, key, [&](const job::Job& now) -> base::Result<Change> {
    if (now.state.cancelled) return Change{.next = now.state};
    Change change;
    UT_TRY_ASSIGN(change.next, job::Cancelled(now, context_.clock.Now()));
    job::Job after = now;
    after.state = change.next;
    change.events.push_back(EndEvent(after));
    return change;
  });
  if (job) {
    starter_.Withdrawn(key, job->state.generation);
  } else if (job.error().code == base::Code::kUnavailable) {
    starter_.Doubtful(key);
  }
  return job;
}

base::Result<job::Job> Control::Retry(const job::JobKey& key) {
  UT_TRY_ASSIGN(const auto job, context_.jobs.Get(key));
  if (!job) return base::Fail(base::Code::kNotFound, fmt::format("there is no job {}", key.job.str()));
  UT_TRY_ASSIGN(const job::JobState next, job::Retried(*job, context_.clock.Now()));
  // An ended job changes only by a retry, so the plan computed here is the one that any racing retry computes too.
  PlanWriter plan(context_.plans, job->spec.manifest, next.generation);
  UT_TRY(FailedPositions(context_, *job, plan).Run());
  UT_TRY_ASSIGN(const auto first_page, plan.Finish());
  UT_TRY(context_.plans.PutPage(job->spec.manifest, next.generation, 0, first_page));
  auto updated = context_.jobs.Update(key, next, {});
  if (!updated && updated.error().reason == "version-changed") {
    return base::Fail(base::Code::kConflict, fmt::format("job {} was changed by somebody else", key.job.str()));
  }
  if (!updated) {
    if (updated.error().code == base::Code::kUnavailable) starter_.Doubtful(key);
    return updated;
  }
  context_.notifier.Publish(*updated);
  starter_.Runnable(*updated);
  return updated;
}

base::Status Control::Release(const job::TenantId& tenant, const base::Sha256& sha256) {
  UT_TRY_ASSIGN(const std::size_t released, context_.quarantine.Release(tenant, sha256));
  if (released > 0) return {};
  return base::Fail(base::Code::kNotFound,
                    fmt::format("nothing of yours with SHA-256 {} is in quarantine", base::ToHex(sha256)));
}

}  // namespace flow
