#include "job/lifecycle.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace job {

namespace {

JobState Next(const Job& job, base::TimePoint now) {
  JobState state = job.state;
  state.version += 1;
  state.updated_at = now;
  return state;
}

std::unexpected<base::Error> Refuse(const Job& job, std::string_view what) {
  return base::Fail(base::Code::kConflict, fmt::format("job {} is {}: it cannot {}", job.spec.key.job.str(),
                                                       kJobStatusNames[static_cast<std::size_t>(StatusOf(job))], what));
}

void End(JobState& state, base::TimePoint now, std::string reason) {
  state.phase = Phase::kEnded;
  state.completed_at = now;
  state.reason = std::move(reason);
}

// Why a job whose reducers have all ended is Failed; empty: it is Completed.
std::string EndReason(const Job& job, const JobState& state) {
  if (!WithinTolerance(job)) return "too-many-failed-toons";
  const auto failed = std::ranges::find_if(state.reduced, [](const ReduceResult& r) { return r.error.has_value(); });
  return failed == state.reduced.end() ? "" : "reducer-failed";
}

}  // namespace

std::uint64_t Succeeded(const Job& job) {
  return job.state.carried_succeeded + job.counters.succeeded;
}

std::uint64_t Failed(const Job& job) {
  if (job.state.cancelled) return job.state.scope - job.counters.succeeded;
  return job.counters.failed;
}

std::uint64_t Processed(const Job& job) {
  return Succeeded(job) + Failed(job);
}

JobStatus StatusOf(const Job& job) {
  switch (job.state.phase) {
    case Phase::kAccepted:
      return JobStatus::kPending;
    case Phase::kRunning:
      return job.state.started_at ? JobStatus::kProcessing : JobStatus::kPending;
    case Phase::kReducing:
      return JobStatus::kProcessing;
    case Phase::kEnded:
      return job.state.reason.empty() ? JobStatus::kCompleted : JobStatus::kFailed;
  }
  return JobStatus::kFailed;
}

bool AllRecorded(const Job& job) {
  return job.state.toon_count.has_value() && job.counters.processed() >= job.state.scope;
}

bool WithinTolerance(const Job& job) {
  const std::uint64_t failed = Failed(job);
  if (failed == 0) return true;
  const Tolerance& tolerance = job.spec.tolerance;
  if (tolerance.failed_count && failed <= *tolerance.failed_count) return true;
  if (!tolerance.failed_percent) return false;
  const auto total = static_cast<double>(job.state.toon_count.value_or(0));
  return static_cast<double>(failed) * 100.0 <= *tolerance.failed_percent * total;
}

std::vector<ReducerSpec> ReducersOf(const JobSpec& spec) {
  std::vector<ReducerSpec> all{{.name = "summary", .params_json = "{}"}};
  for (const ReducerSpec& reducer : spec.reducers) {
    if (reducer.name == "summary") {
      all.front() = reducer;
    } else {
      all.push_back(reducer);
    }
  }
  return all;
}

base::Result<JobState> Validated(const Job& job, std::uint64_t toon_count, base::TimePoint now) {
  if (job.state.phase != Phase::kAccepted) return Refuse(job, "be validated again");
  JobState state = Next(job, now);
  state.phase = Phase::kRunning;
  state.toon_count = toon_count;
  state.scope = toon_count;
  return state;
}

base::Result<JobState> ManifestInvalid(const Job& job, std::vector<base::FieldError> problems, base::TimePoint now) {
  if (job.state.phase != Phase::kAccepted) return Refuse(job, "be validated again");
  JobState state = Next(job, now);
  End(state, now, "invalid-manifest");
  state.problems = std::move(problems);
  return state;
}

base::Result<JobState> Started(const Job& job, base::TimePoint now) {
  if (job.state.phase != Phase::kRunning) return Refuse(job, "start");
  if (job.state.started_at) return job.state;
  JobState state = Next(job, now);
  state.started_at = now;
  return state;
}

base::Result<JobState> BeginReduce(const Job& job, base::TimePoint now) {
  if (job.state.phase != Phase::kRunning || !AllRecorded(job)) return Refuse(job, "begin its fan-in");
  JobState state = Next(job, now);
  state.phase = Phase::kReducing;
  if (!state.started_at) state.started_at = now;
  return state;
}

base::Result<JobState> Reduced(const Job& job, ReduceResult result, base::TimePoint now) {
  if (job.state.phase != Phase::kReducing) return Refuse(job, "take a reducer's result");
  const auto same = [&](const ReduceResult& r) { return r.reducer == result.reducer; };
  if (std::ranges::any_of(job.state.reduced, same)) return Refuse(job, "take a second result of one reducer");
  JobState state = Next(job, now);
  state.reduced.push_back(std::move(result));
  if (state.reduced.size() >= ReducersOf(job.spec).size()) End(state, now, EndReason(job, state));
  return state;
}

base::Result<JobState> Cancelled(const Job& job, base::TimePoint now) {
  if (job.state.phase == Phase::kEnded) return Refuse(job, "be cancelled");
  JobState state = Next(job, now);
  state.cancelled = true;
  End(state, now, "cancelled");
  return state;
}

base::Result<JobState> Retried(const Job& job, base::TimePoint now) {
  if (job.state.phase != Phase::kEnded) return Refuse(job, "be retried before it ended");
  const std::uint64_t failed = Failed(job);
  if (!job.state.toon_count || failed == 0) return Refuse(job, "be retried: it has no failed toons");
  JobState state = Next(job, now);
  state.phase = Phase::kRunning;
  state.generation += 1;
  state.carried_succeeded = Succeeded(job);
  state.scope = failed;
  state.cancelled = false;
  state.started_at = now;
  state.completed_at.reset();
  state.reason.clear();
  state.reduced.clear();
  return state;
}

}  // namespace job
