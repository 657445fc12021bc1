#include "flow/fan_in.h"

#include <algorithm>

#include "flow/change.h"

namespace flow {

base::Result<job::Job> FanIn::TryBegin(const job::JobKey& key) {
  return ChangeJob(context_, key, [&](const job::Job& job) -> base::Result<Change> {
    if (job.state.phase != job::Phase::kRunning || !job::AllRecorded(job)) return Change{.next = job.state};
    UT_TRY_ASSIGN(job::JobState next, job::BeginReduce(job, context_.clock.Now()));
    return Change{.next = std::move(next)};
  });
}

base::Result<std::vector<ports::Chunk>> FanIn::Chunks(const job::Job& job) {
  UT_TRY_ASSIGN(const auto aggregates, context_.outcomes.Aggregates(job.spec.key));
  std::vector<ports::Chunk> chunks;
  for (const job::ReducerSpec& reducer : job::ReducersOf(job.spec)) {
    const auto ended = [&](const job::ReduceResult& result) { return result.reducer == reducer.name; };
    if (std::ranges::any_of(job.state.reduced, ended)) continue;
    const ports::Reducer* found_reducer = context_.reducers.Find(reducer.name);
    ports::Chunk chunk{.kind = ports::Chunk::Kind::kReduce,
                       .key = job.spec.key,
                       .generation = job.state.generation,
                       .work_class = std::string(found_reducer == nullptr ? "data" : found_reducer->work_class()),
                       .traceparent = job.spec.traceparent,
                       .reducer = reducer.name,
                       .params_json = reducer.params_json,
                       .toon_count = job.state.toon_count.value_or(0),
                       .succeeded = job::Succeeded(job),
                       .failed = job::Failed(job)};
    const auto same = [&](const ports::Partial& partial) { return partial.reducer == reducer.name; };
    if (const auto found = std::ranges::find_if(aggregates, same); found != aggregates.end()) {
      chunk.partial = found->bytes;
    }
    chunks.push_back(std::move(chunk));
  }
  return chunks;
}

base::Result<job::Job> FanIn::Finish(const job::JobKey& key, const job::ReduceResult& result) {
  return ChangeJob(context_, key, [&](const job::Job& job) -> base::Result<Change> {
    const auto same = [&](const job::ReduceResult& r) { return r.reducer == result.reducer; };
    if (job.state.phase != job::Phase::kReducing || std::ranges::any_of(job.state.reduced, same)) {
      return Change{.next = job.state};
    }
    Change change;
    UT_TRY_ASSIGN(change.next, job::Reduced(job, result, context_.clock.Now()));
    if (change.next.phase == job::Phase::kEnded) {
      job::Job after = job;
      after.state = change.next;
      change.events.push_back(EndEvent(after));
    }
    return change;
  });
}

}  // namespace flow
