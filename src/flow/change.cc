#include "flow/change.h"

#include <fmt/format.h>

#include "wire/render.h"

namespace flow {

base::Result<job::Job> ChangeJob(Context& context, const job::JobKey& key, const Decide& decide) {
  for (int attempt = 0; attempt < kMaxChangeTries; ++attempt) {
    UT_TRY_ASSIGN(auto job, context.jobs.Get(key));
    if (!job) return base::Fail(base::Code::kNotFound, fmt::format("there is no job {}", key.job.str()));
    UT_TRY_ASSIGN(const Change change, decide(*job));
    if (change.next.version == job->state.version) return std::move(*job);
    auto updated = context.jobs.Update(key, change.next, change.events);
    if (updated) {
      context.notifier.Publish(*updated);
      return updated;
    }
    if (updated.error().reason != "version-changed") return updated;
  }
  return base::Fail(base::Code::kUnavailable, fmt::format("job {} changes too fast", key.job.str()));
}

ports::OutboxEvent AcceptedEvent(const job::Job& job) {
  return {.type = "JobAccepted", .key = job.spec.key, .body_json = wire::RenderJob(job, {})};
}

ports::OutboxEvent EndEvent(const job::Job& job) {
  const bool completed = job::StatusOf(job) == job::JobStatus::kCompleted;
  return {.type = completed ? "JobCompleted" : "JobFailed", .key = job.spec.key, .body_json = wire::RenderJob(job, {})};
}

}  // namespace flow
