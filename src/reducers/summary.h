// The reducer "summary", which every job has: counts, bytes, durations and figures by type. Takes no parameters.
//
// Render:
// {"toons","bytes","reused","retried","artifacts":{"count","bytes"},"durationMs":{…},"types":{name:{"toons","bytes",
// "durationMs":{"min","mean","p50","p95","p99","max"},…figures…}}}. p50, p95 and p99 are within 6.25 % of the exact
// values, the rest is exact. Figures: telemetry and gameplay rows, badRows, anomalies, gaps, events; formats of
// messages, images, audio and video; binary mimes. Finish: summary.json, with "jobId","toonCount","succeeded","failed"
// before the same members.
#pragma once

#include <memory>

#include "ports/reducer.h"

namespace reducers {

[[nodiscard]] std::unique_ptr<ports::Reducer> NewSummary();

}  // namespace reducers
