// The reducer "timeline": the series of telemetry and gameplay toons added up on common time buckets (at most 256, of
// at most 16 fields: the first by name).
//
// Parameters: {"title"?: at most 200 bytes, "fields"?: 1 to 16 names to draw and list; default all}.
// Render: {"toons","stepMs","from","to","buckets","fields":{name:{"count","min","max","mean"}}}; "{}" members without
// data are left out. Finish: timeline.svg and timeline.csv (time,field,count,min,max,mean), also when there is nothing
// to draw.
#pragma once

#include <memory>

#include "ports/reducer.h"

namespace reducers {

[[nodiscard]] std::unique_ptr<ports::Reducer> NewTimeline();

}  // namespace reducers
