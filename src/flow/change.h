// Changes a job's state under its version check: read, decide, commit, and again if somebody was faster.
#pragma once

#include <functional>
#include <vector>

#include "base/error.h"
#include "flow/context.h"
#include "job/lifecycle.h"

namespace flow {

// What a change commits: the next state, and the events that tell of it.
struct Change {
  job::JobState next;
  std::vector<ports::OutboxEvent> events;
};
// Called with the job as it stands, once per try. Answering the stored state itself (same version) means: nothing to
// do.
using Decide = std::function<base::Result<Change>(const job::Job&)>;

// The job after, published to watchers. kNotFound; whatever `decide` answers; kUnavailable after kMaxChangeTries.
[[nodiscard]] base::Result<job::Job> ChangeJob(Context& context, const job::JobKey& key, const Decide& decide);

inline constexpr int kMaxChangeTries = 20;  // each failed try means that another change of this job went through

// The events that tell of a job's acceptance and of its end. Their detail is the job's document as GET /jobs/{id} gives
// it, without aggregates.
[[nodiscard]] ports::OutboxEvent AcceptedEvent(const job::Job& job);
[[nodiscard]] ports::OutboxEvent EndEvent(const job::Job& job);

}  // namespace flow
