// The promise, piece by piece. Each function throws Violation.
#pragma once

#include "flow/query.h"
#include "sim/home.h"

namespace sim {

// At any instant: counters and aggregates are those of the outcomes. The weather is calm during it.
void CheckInstant(Home& home, const job::JobKey& key);
// What a client read of the job, which stood as given before, and that what was read earlier still stands.
void CheckView(Home& home, const job::Job& job, const std::vector<job::Outcome>& results);
// The whole view of one job, read calmly.
void CheckWhole(Home& home, const job::JobKey& key);
// Bytes that outcomes, reducers' results and jobs name are there.
void CheckBytes(Home& home);
// Once everything is quiet.
void CheckEnd(Home& home);
// Once every job was forgotten: nothing is left.
void CheckNothingLeft(Home& home);

}  // namespace sim
