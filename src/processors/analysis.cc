#include "processors/analysis.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "processors/params.h"
#include "processors/typing.h"
#include "processors/value.h"

namespace processors {

namespace {

std::uint64_t Mix(std::uint64_t hash, std::uint64_t value) {
  hash = (hash ^ value) * 0x9E3779B97F4A7C15ULL;
  return hash ^ hash >> 29U;
}

// Equal values hash equally; strings by their text.
std::uint64_t HashRow(const Table& table, std::size_t row) {
  std::uint64_t hash = 0;
  for (const Column& column : table.columns) {
    const bool text = column.kind == Kind::kString && !column.IsNull(row);
    hash = Mix(hash, text ? std::hash<std::string_view>{}(table.Text(column.cells[row])) : column.cells[row]);
  }
  return hash;
}

bool EqualRows(const Table& table, std::size_t a, std::size_t b) {
  return std::ranges::all_of(table.columns, [&](const Column& column) {
    if (column.kind != Kind::kString) return column.cells[a] == column.cells[b];
    return column.IsNull(a) == column.IsNull(b) && table.Text(column.cells[a]) == table.Text(column.cells[b]);
  });
}

// Rows that equal an earlier one.
std::vector<bool> RepeatedRows(const Table& table) {
  struct Entry {
    std::uint64_t hash;
    std::uint32_t row;
    auto operator<=>(const Entry&) const = default;
  };
  std::vector<Entry> entries;
  entries.reserve(table.rows());
  for (std::size_t row = 0; row < table.rows(); ++row) {
    entries.push_back({HashRow(table, row), static_cast<std::uint32_t>(row)});
  }
  std::ranges::sort(entries);
  std::vector<bool> repeated(table.rows(), false);
  for (std::size_t i = 1; i < entries.size(); ++i) {
    const bool same = entries[i].hash == entries[i - 1].hash && EqualRows(table, entries[i].row, entries[i - 1].row);
    if (same) repeated[entries[i].row] = true;
  }
  return repeated;
}

void RemoveRows(Table& table, const std::vector<bool>& gone) {
  const auto keep = [&](auto& values) {
    std::size_t to = 0;
    for (std::size_t row = 0; row < values.size(); ++row) {
      if (!gone[row]) values[to++] = values[row];
    }
    values.resize(to);
  };
  for (Column& column : table.columns) {
    keep(column.cells);
    column.nulls = 0;
    for (std::size_t row = 0; row < column.cells.size(); ++row) column.nulls += column.IsNull(row) ? 1 : 0;
  }
  keep(table.lines);
}

std::vector<std::int64_t> SortedTimes(const Column& time) {
  std::vector<std::int64_t> times;
  times.reserve(time.cells.size());
  for (std::size_t row = 0; row < time.cells.size(); ++row) {
    if (!time.IsNull(row)) times.push_back(time.Time(row));
  }
  std::ranges::sort(times);
  return times;
}

}  // namespace

AnalysisOptions ReadOptions(const std::vector<ports::Operation>& operations) {
  AnalysisOptions options;
  for (const auto& operation : operations) {
    const Params params(operation.params_json);
    if (operation.name == "clean") {
      options.emit = params.Boolean("emit").value_or(options.emit);
      options.drop_duplicates = params.Boolean("dropDuplicates").value_or(options.drop_duplicates);
      options.max_gap_steps = params.Number("maxGapSteps").value_or(options.max_gap_steps);
    } else if (operation.name == "stats") {
      if (auto fields = params.Texts("fields"); !fields.empty()) options.fields = std::move(fields);
      if (auto percentiles = params.Numbers("percentiles"); !percentiles.empty()) options.percentiles = percentiles;
    } else if (operation.name == "anomalies") {
      if (const auto method = params.Text("method")) {
        options.method = *method == "iqr" ? AnomalyMethod::kIqr : AnomalyMethod::kMad;
      }
      options.threshold = params.Number("threshold").value_or(DefaultThreshold(options.method));
    } else if (operation.name == "resample") {
      const auto text = params.Text("step").value_or("");
      if (const auto step = ParseDuration(text)) {
        options.resample_ms = step->count();
      }
    }
  }
  return options;
}

Duplicates HandleDuplicates(Table& table, std::optional<std::size_t> time_column, bool drop) {
  Duplicates duplicates;
  const auto repeated = RepeatedRows(table);
  duplicates.rows = static_cast<std::uint64_t>(std::ranges::count(repeated, true));
  if (drop && duplicates.rows != 0) RemoveRows(table, repeated);
  if (time_column) {
    const auto times = SortedTimes(table.columns[*time_column]);
    for (std::size_t i = 1; i < times.size(); ++i) duplicates.timestamps += times[i] == times[i - 1] ? 1 : 0;
    if (!drop) duplicates.timestamps -= std::min(duplicates.timestamps, duplicates.rows);
  }
  return duplicates;
}

Gaps FindGaps(const Column& time, double max_steps) {
  Gaps gaps;
  std::int64_t before = kNullTime;
  for (std::size_t row = 0; row < time.cells.size(); ++row) {
    if (time.IsNull(row)) continue;
    if (before != kNullTime && time.Time(row) < before) ++gaps.out_of_order;
    before = time.Time(row);
  }
  auto times = SortedTimes(time);
  const auto repeated = std::ranges::unique(times);
  times.erase(repeated.begin(), repeated.end());
  if (times.size() < 3) return gaps;
  std::vector<std::int64_t> steps(times.size() - 1);
  for (std::size_t i = 0; i < steps.size(); ++i) steps[i] = times[i + 1] - times[i];
  const auto middle = steps.begin() + static_cast<std::ptrdiff_t>(steps.size() / 2);
  std::nth_element(steps.begin(), middle, steps.end());
  gaps.step_ms = *middle;
  const double most = max_steps * static_cast<double>(gaps.step_ms);
  for (std::size_t i = 1; i < times.size(); ++i) {
    const auto pause = static_cast<double>(times[i] - times[i - 1]);
    if (pause <= most) continue;
    const auto missing =
        static_cast<std::uint64_t>(std::max(0.0, std::round(pause / static_cast<double>(gaps.step_ms)) - 1));
    ++gaps.count;
    gaps.missing += missing;
    if (gaps.list.size() < kMaxListedGaps) gaps.list.push_back({times[i - 1], times[i], missing});
  }
  return gaps;
}

Anomalies FindAnomalies(const Table& table, const AnalysisOptions& options) {
  Anomalies out;
  const auto farther = [](const Anomaly& a, const Anomaly& b) { return std::abs(a.score) > std::abs(b.score); };
  std::vector<double> values;
  for (std::size_t index = 0; index < table.columns.size(); ++index) {
    const Column& column = table.columns[index];
    if (!column.numeric()) continue;
    values.clear();
    for (std::size_t row = 0; row < table.rows(); ++row) {
      if (!column.IsNull(row)) values.push_back(column.Number(row));
    }
    const Scoring scoring = ScoringOf(values, options.method);
    if (scoring.scale == 0) continue;
    for (std::size_t row = 0; row < table.rows(); ++row) {
      const double value = column.Number(row);
      const double score = column.IsNull(row) ? 0 : scoring.Score(value);
      if (!(std::abs(score) > options.threshold)) continue;
      ++out.count;
      // A heap with the nearest on top keeps the farthest ones.
      out.list.push_back({index, row, value, score});
      std::ranges::push_heap(out.list, farther);
      if (out.list.size() > kMaxListedAnomalies) {
        std::ranges::pop_heap(out.list, farther);
        out.list.pop_back();
      }
    }
  }
  std::ranges::sort(out.list, {}, [](const Anomaly& a) { return std::pair(a.column, a.row); });
  return out;
}

std::optional<Series> BuildSeries(const Table& table, std::optional<std::size_t> time_column) {
  Series series;
  for (std::size_t i = 0; i < table.columns.size() && series.columns.size() < kMaxSeriesFields; ++i) {
    if (table.columns[i].numeric()) series.columns.push_back(i);
  }
  if (!time_column || series.columns.empty()) return std::nullopt;
  const Column& time = table.columns[*time_column];
  std::int64_t least = std::numeric_limits<std::int64_t>::max();
  std::int64_t most = std::numeric_limits<std::int64_t>::min();
  for (std::size_t row = 0; row < table.rows(); ++row) {
    if (time.IsNull(row)) continue;
    least = std::min(least, time.Time(row));
    most = std::max(most, time.Time(row));
  }
  if (least > most) return std::nullopt;
  unsigned shift = 0;
  while ((most >> shift) - (least >> shift) >= static_cast<std::int64_t>(kMaxSeriesBuckets)) ++shift;
  const std::int64_t first = least >> shift;
  series.step_ms = std::int64_t{1} << shift;
  series.start_ms = first * series.step_ms;
  const auto buckets = static_cast<std::size_t>((most >> shift) - first + 1);
  for (const std::size_t index : series.columns) {
    const Column& column = table.columns[index];
    std::vector<SeriesBucket> row_of(buckets);
    for (std::size_t row = 0; row < table.rows(); ++row) {
      if (time.IsNull(row) || column.IsNull(row)) continue;
      auto& bucket = row_of[static_cast<std::size_t>((time.Time(row) >> shift) - first)];
      const double value = column.Number(row);
      bucket.min = bucket.count == 0 ? value : std::min(bucket.min, value);
      bucket.max = bucket.count == 0 ? value : std::max(bucket.max, value);
      bucket.mean += (value - bucket.mean) / static_cast<double>(++bucket.count);
    }
    series.buckets.push_back(std::move(row_of));
  }
  return series;
}

void AppendCsvCell(std::string& out, std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) {
    out += text;
    return;
  }
  out += '"';
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  out += '"';
}

std::string CleanedCsv(const Table& table) {
  std::string out;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    if (i != 0) out += ',';
    AppendCsvCell(out, table.columns[i].name);
  }
  out += '\n';
  for (std::size_t row = 0; row < table.rows(); ++row) {
    const std::size_t start = out.size();
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
      if (i != 0) out += ',';
      AppendCsvCell(out, CellText(table, table.columns[i], row));
    }
    if (out.size() == start) out += "\"\"";  // else the only column's null would be a blank line
    out += '\n';
  }
  return out;
}

Processed<std::string> ResampledCsv(const Table& table, std::optional<std::size_t> time_column, std::int64_t step_ms) {
  if (!time_column) return Refuse("no-time-column", "resample needs a timestamp column");
  const Column& time = table.columns[*time_column];
  std::vector<std::uint32_t> order;
  for (std::size_t row = 0; row < table.rows(); ++row) {
    if (!time.IsNull(row)) order.push_back(static_cast<std::uint32_t>(row));
  }
  if (order.empty()) return Refuse("no-time-column", "resample needs a row with a time");
  std::ranges::sort(order, {}, [&](std::uint32_t row) { return std::pair(time.Time(row), row); });
  const auto bucket_of = [&](std::uint32_t row) {
    const std::int64_t t = time.Time(row);
    return t >= 0 ? t / step_ms : -((-t + step_ms - 1) / step_ms);
  };
  const std::int64_t last = bucket_of(order.back());
  std::vector<const Column*> fields;
  for (const Column& column : table.columns) {
    if (column.numeric()) fields.push_back(&column);
  }
  const auto most = kMaxResampledCells / (fields.size() + 1);
  if (static_cast<std::uint64_t>(last - bucket_of(order.front())) >= most) {
    return Refuse("resample-too-fine", fmt::format("the step makes more than {} rows", most));
  }
  std::string out;
  AppendCsvCell(out, time.name);
  for (const Column* field : fields) AppendCsvCell(out += ',', field->name);
  out += ",rows\n";
  std::size_t next = 0;
  for (std::int64_t bucket = bucket_of(order.front()); bucket <= last; ++bucket) {
    const std::size_t begin = next;
    while (next < order.size() && bucket_of(order[next]) == bucket) ++next;
    out += FormatMillis(bucket * step_ms);
    for (const Column* field : fields) {
      double mean = 0;
      double count = 0;
      for (std::size_t i = begin; i < next; ++i) {
        if (!field->IsNull(order[i])) mean += (field->Number(order[i]) - mean) / ++count;
      }
      out += ',';
      if (count > 0) out += fmt::format("{}", mean);
    }
    out += fmt::format(",{}\n", next - begin);
  }
  return out;
}

}  // namespace processors
