#include "processors/table_processor.h"

#include <algorithm>

#include "processors/analysis.h"
#include "processors/events.h"
#include "processors/failure.h"
#include "processors/report.h"
#include "processors/table_reader.h"
#include "processors/typing.h"

namespace processors {

namespace {

std::vector<Report::Field> DescribeFields(const Table& table, const AnalysisOptions& options) {
  std::vector<Report::Field> fields;
  std::vector<double> values;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    const Column& column = table.columns[i];
    const bool wanted =
        options.fields.empty() || std::ranges::find(options.fields, column.name) != options.fields.end();
    if (!column.numeric() || !wanted) continue;
    values.clear();
    for (std::size_t row = 0; row < table.rows(); ++row) {
      if (!column.IsNull(row)) values.push_back(column.Number(row));
    }
    if (!values.empty()) fields.push_back({i, Describe(values, options.percentiles)});
  }
  return fields;
}

class TableProcessor final : public ports::Processor {
 public:
  explicit TableProcessor(job::BuiltinType type) : type_(type) {}

  [[nodiscard]] std::string version() const override { return "1"; }

  [[nodiscard]] Processed<ports::ProcessorOutput> Process(const ports::ToonInput& input) override {
    const AnalysisOptions options = ReadOptions(*input.operations);
    auto table = ReadTable(input.bytes);
    if (!table) return std::unexpected(std::move(table).error());
    TypeColumns(*table);
    const auto typed = [](const Column& column) { return column.kind != Kind::kString && column.kind != Kind::kEmpty; };
    if (type_ == job::BuiltinType::kTelemetry && std::ranges::none_of(table->columns, typed)) {
      return Refuse(table->format == "csv" ? "invalid-csv" : "invalid-ndjson",
                    "no column holds numbers, booleans or timestamps");
    }
    return Analyse(*table, options);
  }

 private:
  Processed<ports::ProcessorOutput> Analyse(Table& table, const AnalysisOptions& options) const {
    Report report{.table = &table, .options = &options, .time_column = TimeColumn(table)};
    report.duplicates = HandleDuplicates(table, report.time_column, options.drop_duplicates);
    if (report.time_column) report.gaps = FindGaps(table.columns[*report.time_column], options.max_gap_steps);
    report.fields = DescribeFields(table, options);
    report.anomalies = FindAnomalies(table, options);
    report.series = BuildSeries(table, report.time_column);
    if (type_ == job::BuiltinType::kGameplay) report.events = SummarizeEvents(table, report.time_column);
    ports::ProcessorOutput output{.result_json = RenderReport(report)};
    if (options.emit) output.artifacts.push_back({"cleaned.csv", "text/csv", CleanedCsv(table)});
    if (options.resample_ms) {
      auto resampled = ResampledCsv(table, report.time_column, *options.resample_ms);
      if (!resampled) return std::unexpected(std::move(resampled).error());
      output.artifacts.push_back({"resampled.csv", "text/csv", std::move(*resampled)});
    }
    return output;
  }

  job::BuiltinType type_;
};

}  // namespace

std::unique_ptr<ports::Processor> NewTableProcessor(job::BuiltinType type) {
  return std::make_unique<TableProcessor>(type);
}

}  // namespace processors
