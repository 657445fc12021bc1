// What telemetry and gameplay have in common: a typed table, cleaned, described and written out again.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ports/processor.h"
#include "processors/failure.h"
#include "processors/statistics.h"
#include "processors/table.h"

namespace processors {

inline constexpr std::size_t kMaxListedAnomalies = 40;
inline constexpr std::size_t kMaxListedGaps = 20;
inline constexpr std::size_t kMaxSeriesBuckets = 48;
inline constexpr std::size_t kMaxSeriesFields = 8;
inline constexpr std::size_t kMaxResampledCells = 2'000'000;  // rows times columns

// The operations of one toon, merged: a later one overrides an earlier one.
struct AnalysisOptions {
  bool emit = true;                 // cleaned.csv
  bool drop_duplicates = true;      // rows equal to an earlier one in every value
  double max_gap_steps = 3;         // a pause longer than so many median steps is a gap
  std::vector<std::string> fields;  // described; empty: all numeric ones
  std::vector<double> percentiles = {50, 95, 99};
  AnomalyMethod method = AnomalyMethod::kMad;
  double threshold = 3.5;
  std::optional<std::int64_t> resample_ms;
};
[[nodiscard]] AnalysisOptions ReadOptions(const std::vector<ports::Operation>& operations);

struct Duplicates {
  std::uint64_t rows = 0;        // equal to an earlier row (dropped or not)
  std::uint64_t timestamps = 0;  // the time of an earlier row, other values
};
// Counts them; with drop_duplicates removes the rows.
[[nodiscard]] Duplicates HandleDuplicates(Table& table, std::optional<std::size_t> time_column, bool drop);

struct Gap {
  std::int64_t from_ms = 0;  // the last row before and the first after
  std::int64_t to_ms = 0;
  std::uint64_t missing = 0;  // rows that would fit in between at the median step
};
struct Gaps {
  std::int64_t step_ms = 0;  // the median between different times; 0: unknown
  std::uint64_t count = 0;
  std::uint64_t missing = 0;
  std::uint64_t out_of_order = 0;  // rows earlier than the row before
  std::vector<Gap> list;           // the first kMaxListedGaps
};
[[nodiscard]] Gaps FindGaps(const Column& time, double max_steps);

struct Anomaly {
  std::size_t column = 0;
  std::size_t row = 0;
  double value = 0;
  double score = 0;
};
struct Anomalies {
  std::uint64_t count = 0;
  std::vector<Anomaly> list;  // the kMaxListedAnomalies farthest out, by column and row
};
[[nodiscard]] Anomalies FindAnomalies(const Table& table, const AnalysisOptions& options);

// Figures of each numeric column in buckets of a power of two of milliseconds since 1970: series of different toons
// have bucket borders in common, so that a reducer can add them up.
struct SeriesBucket {
  std::uint64_t count = 0;
  double min = 0;
  double max = 0;
  double mean = 0;
};
struct Series {
  std::int64_t step_ms = 0;
  std::int64_t start_ms = 0;  // a multiple of step_ms
  std::vector<std::size_t> columns;
  std::vector<std::vector<SeriesBucket>> buckets;  // per column, at most kMaxSeriesBuckets
};
// nullopt without a time or a numeric column.
[[nodiscard]] std::optional<Series> BuildSeries(const Table& table, std::optional<std::size_t> time_column);

[[nodiscard]] std::string CleanedCsv(const Table& table);
// Means of the numeric columns over buckets of step_ms aligned to 1970; empty buckets are empty cells. Fails with
// "no-time-column" or "resample-too-fine" (over kMaxResampledCells).
[[nodiscard]] Processed<std::string> ResampledCsv(const Table& table, std::optional<std::size_t> time_column,
                                                  std::int64_t step_ms);
// Appends one cell, quoted where RFC 4180 asks for it.
void AppendCsvCell(std::string& out, std::string_view text);

}  // namespace processors
