// Telemetry and gameplay logs: CSV and NDJSON to a cleaning report, figures, anomalies and a cleaned file.
//
// Result, in this order (members that have nothing to say are left out):
//   {"rows","badRows","anomalyCount","gapCount",               — the figures that reducers add up
//    "eventCount"?                                             — gameplay
//    "format":"csv"|"ndjson"|"json","delimiter"?,"header"?,"timeColumn"?,"columnCount",
//    "schema":[{"name","kind","nullable"}…],
//    "cleaning":{"rows","rowsKept","badRows","bad":[{"line","why"}…],"repairs":{…},"duplicates":{"rows","timestamps"},
//                "gaps":{"stepMs","count","missing","outOfOrder","list":[{"from","to","missing"}…]}?},
//    "events":{"kinds","players","sessions"}?,                 — gameplay, see events.h
//    "fields":{name:{"count","min","max","mean","stddev","p50",…}…},
//    "anomalies":{"method","threshold","count","list":[{"field","row","time"?,"value","score"}…]},
//    "series":{"step_ms","start","fields":{name:[[count,min,max,mean]|null…]…}}?,
//    "truncated":true?}
// A result over job::kMaxResultBytes is written again with shorter lists and says so; figures are never cut. "row"
// counts the rows of the cleaned file from 0. Artifacts: cleaned.csv, resampled.csv. Failures: those of table_reader.h
// and analysis.h, and "invalid-csv" for telemetry without a numeric, boolean or timestamp column.
#pragma once

#include <memory>

#include "job/types.h"
#include "ports/processor.h"

namespace processors {

// type: kTelemetry or kGameplay.
[[nodiscard]] std::unique_ptr<ports::Processor> NewTableProcessor(job::BuiltinType type);

}  // namespace processors
