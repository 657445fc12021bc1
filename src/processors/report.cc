#include "processors/report.h"

#include <algorithm>

#include "job/limits.h"
#include "processors/json_writer.h"
#include "processors/value.h"

namespace processors {

namespace {

// How much of each list is written.
struct Caps {
  std::size_t columns = 100;  // of the schema
  std::size_t fields = 64;
  std::size_t items = 40;  // of any other list
  std::size_t series_fields = kMaxSeriesFields;
};

class ReportWriter {
 public:
  ReportWriter(const Report& report, const Caps& caps) : report_(report), table_(*report.table), caps_(caps) {}

  std::string Write() {
    json_.BeginObject();
    WriteHead();
    WriteSchema();
    WriteCleaning();
    if (report_.events) WriteEvents(*report_.events);
    WriteFields();
    WriteAnomalies();
    if (report_.series && caps_.series_fields != 0) WriteSeries(*report_.series);
    if (truncated_) json_.Key("truncated").Boolean(true);
    json_.EndObject();
    return std::move(json_).Take();
  }

 private:
  // How many of `size` items to write; notes that some are left out.
  std::size_t Cut(std::size_t size, std::size_t cap) {
    truncated_ = truncated_ || size > cap;
    return std::min(size, cap);
  }
  const std::string& NameOf(std::size_t column) const { return table_.columns[column].name; }

  void WriteHead() {
    json_.Key("rows").Integer(table_.rows_read).Key("badRows").Integer(table_.bad_rows);
    json_.Key("anomalyCount").Integer(report_.anomalies.count);
    json_.Key("gapCount").Integer(report_.gaps ? report_.gaps->count : 0);
    if (report_.events) json_.Key("eventCount").Integer(table_.rows());
    json_.Key("format").Text(table_.format);
    if (table_.delimiter != '\0') {
      json_.Key("delimiter").Text({&table_.delimiter, 1}).Key("header").Boolean(table_.header);
    }
    if (report_.time_column) json_.Key("timeColumn").Text(NameOf(*report_.time_column));
    json_.Key("columnCount").Integer(table_.columns.size());
  }

  void WriteSchema() {
    json_.Key("schema").BeginArray();
    for (std::size_t i = 0; i < Cut(table_.columns.size(), caps_.columns); ++i) {
      const Column& column = table_.columns[i];
      json_.BeginObject().Key("name").Text(column.name);
      json_.Key("kind").Text(kKindNames[static_cast<std::size_t>(column.kind)]);
      json_.Key("nullable").Boolean(column.nulls != 0).EndObject();
    }
    json_.EndArray();
  }

  void WriteRepairs() {
    const Repairs& repairs = table_.repairs;
    const std::pair<std::string_view, std::uint64_t> counts[] = {{"trimmed", repairs.trimmed},
                                                                 {"nullWords", repairs.null_words},
                                                                 {"decimalCommas", repairs.decimal_commas},
                                                                 {"coerced", repairs.coerced},
                                                                 {"cutTails", repairs.cut_tails}};
    json_.Key("repairs").BeginObject();
    for (const auto& [name, count] : counts) {
      if (count != 0) json_.Key(name).Integer(count);
    }
    json_.EndObject();
  }

  void WriteCleaning() {
    json_.Key("cleaning").BeginObject();
    json_.Key("rows").Integer(table_.rows_read).Key("rowsKept").Integer(table_.rows());
    json_.Key("badRows").Integer(table_.bad_rows).Key("bad").BeginArray();
    for (std::size_t i = 0; i < std::min(table_.first_bad.size(), caps_.items); ++i) {
      json_.BeginObject().Key("line").Integer(table_.first_bad[i].line);
      json_.Key("why").Text(table_.first_bad[i].why).EndObject();
    }
    json_.EndArray();
    WriteRepairs();
    json_.Key("duplicates").BeginObject().Key("rows").Integer(report_.duplicates.rows);
    if (report_.time_column) json_.Key("timestamps").Integer(report_.duplicates.timestamps);
    json_.EndObject();
    if (report_.gaps) WriteGaps(*report_.gaps);
    json_.EndObject();
  }

  void WriteGaps(const Gaps& gaps) {
    json_.Key("gaps").BeginObject().Key("stepMs").Integer(gaps.step_ms).Key("count").Integer(gaps.count);
    json_.Key("missing").Integer(gaps.missing).Key("outOfOrder").Integer(gaps.out_of_order);
    json_.Key("list").BeginArray();
    const std::size_t listed = std::min(gaps.list.size(), caps_.items);
    truncated_ = truncated_ || listed < gaps.count;
    for (std::size_t i = 0; i < listed; ++i) {
      const Gap& gap = gaps.list[i];
      json_.BeginObject().Key("from").Text(FormatMillis(gap.from_ms)).Key("to").Text(FormatMillis(gap.to_ms));
      json_.Key("missing").Integer(gap.missing).EndObject();
    }
    json_.EndArray().EndObject();
  }

  void WriteCounts(std::string_view key, const std::string& column, const Counts& counts) {
    json_.Key(key).BeginObject().Key("column").Text(column).Key("total").Integer(counts.total);
    json_.Key("distinct").Integer(counts.distinct).Key("counts").BeginObject();
    std::uint64_t other = counts.other;
    for (std::size_t i = 0; i < counts.top.size(); ++i) {
      if (i < caps_.items) {
        json_.Key(counts.top[i].first).Integer(counts.top[i].second);
      } else {
        other += counts.top[i].second;
      }
    }
    json_.EndObject();
    if (other != 0) json_.Key("other").Integer(other);
    json_.EndObject();
  }

  void WriteEvents(const Events& events) {
    json_.Key("events").BeginObject();
    if (events.kind_column) WriteCounts("kinds", NameOf(*events.kind_column), events.kinds);
    if (events.player_column) WriteCounts("players", NameOf(*events.player_column), events.players);
    if (events.session_column) WriteSessions(events);
    json_.EndObject();
  }

  void WriteSessions(const Events& events) {
    json_.Key("sessions").BeginObject().Key("column").Text(NameOf(events.session_column.value_or(0)));
    json_.Key("count").Integer(events.sessions);
    if (events.timed_sessions != 0) {
      json_.Key("durationMs").BeginObject().Key("min").Integer(events.shortest_ms);
      json_.Key("median").Integer(events.median_ms).Key("max").Integer(events.longest_ms).EndObject();
    }
    json_.Key("first").BeginArray();
    for (std::size_t i = 0; i < std::min(events.first_sessions.size(), caps_.items); ++i) {
      const Session& session = events.first_sessions[i];
      json_.BeginObject().Key("name").Text(session.name).Key("events").Integer(session.events);
      if (session.start_ms) {
        json_.Key("start").Text(FormatMillis(*session.start_ms)).Key("durationMs").Integer(session.duration_ms);
      }
      json_.EndObject();
    }
    json_.EndArray().EndObject();
  }

  void WriteFields() {
    json_.Key("fields").BeginObject();
    for (std::size_t i = 0; i < Cut(report_.fields.size(), caps_.fields); ++i) {
      const Description& field = report_.fields[i].description;
      json_.Key(NameOf(report_.fields[i].column)).BeginObject().Key("count").Integer(field.count);
      json_.Key("min").Number(field.min).Key("max").Number(field.max);
      json_.Key("mean").Number(field.mean).Key("stddev").Number(field.stddev);
      for (std::size_t p = 0; p < field.percentiles.size(); ++p) {
        json_.Key(fmt::format("p{}", report_.options->percentiles[p])).Number(field.percentiles[p]);
      }
      json_.EndObject();
    }
    json_.EndObject();
  }

  void WriteAnomalies() {
    const Anomalies& anomalies = report_.anomalies;
    json_.Key("anomalies").BeginObject();
    json_.Key("method").Text(kAnomalyMethodNames[static_cast<std::size_t>(report_.options->method)]);
    json_.Key("threshold").Number(report_.options->threshold).Key("count").Integer(anomalies.count);
    json_.Key("list").BeginArray();
    const std::size_t listed = std::min(anomalies.list.size(), caps_.items);
    truncated_ = truncated_ || listed < anomalies.count;
    for (std::size_t i = 0; i < listed; ++i) {
      const Anomaly& anomaly = anomalies.list[i];
      json_.BeginObject().Key("field").Text(NameOf(anomaly.column)).Key("row").Integer(anomaly.row);
      if (report_.time_column && !table_.columns[*report_.time_column].IsNull(anomaly.row)) {
        json_.Key("time").Text(FormatMillis(table_.columns[*report_.time_column].Time(anomaly.row)));
      }
      json_.Key("value").Number(anomaly.value);
      json_.Key("score").Number(std::round(anomaly.score * 1000) / 1000).EndObject();
    }
    json_.EndArray().EndObject();
  }

  void WriteSeries(const Series& series) {
    json_.Key("series").BeginObject().Key("step_ms").Integer(series.step_ms).Key("start").Integer(series.start_ms);
    json_.Key("fields").BeginObject();
    for (std::size_t i = 0; i < Cut(series.columns.size(), caps_.series_fields); ++i) {
      json_.Key(NameOf(series.columns[i])).BeginArray();
      for (const SeriesBucket& bucket : series.buckets[i]) {
        if (bucket.count == 0) {
          json_.Null();
          continue;
        }
        json_.BeginArray().Integer(bucket.count).Number(bucket.min).Number(bucket.max).Number(bucket.mean).EndArray();
      }
      json_.EndArray();
    }
    json_.EndObject().EndObject();
  }

  const Report& report_;
  const Table& table_;
  Caps caps_;
  JsonWriter json_;
  bool truncated_ = false;
};

}  // namespace

std::string RenderReport(const Report& report) {
  Caps caps;
  std::string json = ReportWriter(report, caps).Write();
  while (json.size() > job::kMaxResultBytes && caps.columns != 0) {
    caps = {.columns = caps.columns / 2,
            .fields = caps.fields / 2,
            .items = caps.items / 2,
            .series_fields = caps.series_fields / 2};
    json = ReportWriter(report, caps).Write();
  }
  return json;
}

}  // namespace processors
