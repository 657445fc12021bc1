#include "reducers/summary.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <optional>

#include "base/log.h"
#include "reducers/totals.h"

namespace reducers {

namespace {

// A member's text, when it is the first of the result: the processors of messages, binaries and media promise that, so
// that a million results need not be parsed.
std::optional<std::string_view> FirstText(std::string_view json, std::string_view opening) {
  if (!json.starts_with(opening)) return std::nullopt;
  json.remove_prefix(opening.size());
  const auto end = json.find_first_of("\"\\");
  if (end == std::string_view::npos || json[end] != '"') return std::nullopt;
  return json.substr(0, end);
}

void FoldTable(std::string_view result_json, simdjson::dom::parser& parser, TypeTotals& type) {
  simdjson::dom::object result;
  if (parser.parse(result_json.data(), result_json.size()).get(result) != simdjson::SUCCESS) return;
  constexpr std::pair<const char*, const char*> kFigures[] = {{"rows", "rows"},
                                                              {"badRows", "badRows"},
                                                              {"anomalyCount", "anomalies"},
                                                              {"gapCount", "gaps"},
                                                              {"eventCount", "events"}};
  for (const auto& [member, figure] : kFigures) {
    std::uint64_t value = 0;
    if (result.at_key(member).get(value) == simdjson::SUCCESS) type.figures.Add(figure, value);
  }
  std::string_view format;
  if (result.at_key("format").get(format) == simdjson::SUCCESS) type.kinds.Add(format, 1);
}

class Folder {
 public:
  void Add(const job::Outcome& outcome) {
    if (type_ == nullptr || *name_ != outcome.type) {
      const auto at = totals_.types.try_emplace(outcome.type).first;
      name_ = &at->first;
      type_ = &at->second;
    }
    ++type_->toons;
    type_->bytes += outcome.source_bytes;
    type_->durations.Add(static_cast<std::uint64_t>(std::max<std::int64_t>(outcome.duration.count(), 0)));
    totals_.reused += outcome.reused ? 1 : 0;
    totals_.retried += outcome.attempts > 1 ? 1 : 0;
    totals_.artifacts += outcome.artifacts.size();
    for (const auto& artifact : outcome.artifacts) totals_.artifact_bytes += artifact.bytes;
    if (outcome.type == "message") {
      if (const auto format = FirstText(outcome.result_json, R"({"format":")")) type_->kinds.Add(*format, 1);
    } else if (outcome.type == "binary") {
      if (const auto mime = FirstText(outcome.result_json, R"({"mime":")")) type_->kinds.Add(*mime, 1);
    } else if (outcome.type == "image") {
      if (const auto format = FirstText(outcome.result_json, R"({"format":")")) type_->kinds.Add(*format, 1);
    } else if (outcome.type == "audio" || outcome.type == "video") {
      if (const auto container = FirstText(outcome.result_json, R"({"container":")")) type_->kinds.Add(*container, 1);
    } else if (outcome.type == "telemetry" || outcome.type == "gameplay") {
      FoldTable(outcome.result_json, parser_, *type_);
    }
  }
  std::string Take() {
    Totals trimmed;  // merging applies the limit on types
    trimmed.Merge(totals_);
    return trimmed.Encode();
  }

 private:
  Totals totals_;
  const std::string* name_ = nullptr;
  TypeTotals* type_ = nullptr;
  simdjson::dom::parser parser_;
};

void AppendDurations(const Histogram& durations, std::string& out) {
  const auto ms = [](double micros) { return std::round(micros) / 1000; };
  const auto count = static_cast<double>(std::max<std::uint64_t>(durations.count(), 1));
  fmt::format_to(std::back_inserter(out), R"("durationMs":{{"min":{},"mean":{},"p50":{},"p95":{},"p99":{},"max":{}}})",
                 ms(durations.count() == 0 ? 0 : static_cast<double>(durations.min())),
                 ms(static_cast<double>(durations.sum()) / count), ms(durations.Quantile(0.5)),
                 ms(durations.Quantile(0.95)), ms(durations.Quantile(0.99)), ms(static_cast<double>(durations.max())));
}

void AppendType(std::string_view name, const TypeTotals& type, std::string& out) {
  base::AppendJsonString(out, name);
  fmt::format_to(std::back_inserter(out), R"(:{{"toons":{},"bytes":{},)", type.toons, type.bytes);
  AppendDurations(type.durations, out);
  for (const auto& [figure, value] : type.figures.counts()) {
    base::AppendJsonString(out += ',', figure);  // a damaged partial may hold any name
    fmt::format_to(std::back_inserter(out), ":{}", value);
  }
  if (!type.kinds.empty()) {
    out += name == "binary" ? R"(,"mimes":{)" : R"(,"formats":{)";
    for (const auto& [kind, count] : type.kinds.counts()) {
      base::AppendJsonString(out, kind);
      fmt::format_to(std::back_inserter(out), ":{},", count);
    }
    if (type.kinds.other() != 0) fmt::format_to(std::back_inserter(out), R"("other":{},)", type.kinds.other());
    out.pop_back();  // the last comma: there is something
    out += '}';
  }
  out += '}';
}

// The members of the aggregate, without the braces around them.
std::string Members(const Totals& totals) {
  TypeTotals all = totals.other_types;
  for (const auto& [name, type] : totals.types) all.Merge(type);
  std::string out =
      fmt::format(R"("toons":{},"bytes":{},"reused":{},"retried":{},"artifacts":{{"count":{},"bytes":{}}},)", all.toons,
                  all.bytes, totals.reused, totals.retried, totals.artifacts, totals.artifact_bytes);
  AppendDurations(all.durations, out);
  out += R"(,"types":{)";
  bool first = true;
  for (const auto& [name, type] : totals.types) {
    if (!first) out += ',';
    first = false;
    AppendType(name, type, out);
  }
  out += '}';
  if (totals.other_types.toons != 0) AppendType("otherTypes", totals.other_types, out += ',');
  return out;
}

class Summary final : public ports::Reducer {
 public:
  [[nodiscard]] std::string_view name() const override { return "summary"; }

  [[nodiscard]] std::vector<base::FieldError> CheckParams(std::string_view params_json) const override {
    simdjson::dom::parser parser;
    simdjson::dom::object params;
    if (parser.parse(params_json.data(), params_json.size()).get(params) != simdjson::SUCCESS) {
      return {{"", "must be an object"}};
    }
    std::vector<base::FieldError> errors;
    for (const auto& [key, value] : params)
      errors.push_back({"/" + base::PointerToken(key), "is no parameter of summary"});
    return errors;
  }

  [[nodiscard]] std::string Fold(std::span<const job::Outcome> outcomes) const override {
    if (outcomes.empty()) return {};
    Folder folder;
    for (const auto& outcome : outcomes) folder.Add(outcome);
    return folder.Take();
  }

  [[nodiscard]] base::Result<std::string> Merge(std::string_view a, std::string_view b) const override {
    UT_TRY_ASSIGN(Totals left, Totals::Decode(a));
    UT_TRY_ASSIGN(const Totals right, Totals::Decode(b));
    if (a.empty()) return std::string(b);
    left.Merge(right);
    return left.Encode();
  }

  [[nodiscard]] base::Result<std::string> Render(std::string_view partial) const override {
    UT_TRY_ASSIGN(const Totals totals, Totals::Decode(partial));
    return "{" + Members(totals) + "}";
  }

  [[nodiscard]] base::Result<std::vector<ports::ArtifactBytes>> Finish(const ports::ReduceInput& input) const override {
    UT_TRY_ASSIGN(const Totals totals, Totals::Decode(input.partial));
    std::string json = R"({"jobId":)";
    base::AppendJsonString(json, input.job_id);
    fmt::format_to(std::back_inserter(json), R"(,"toonCount":{},"succeeded":{},"failed":{},{}}})", input.toon_count,
                   input.succeeded, input.failed, Members(totals));
    json += '\n';
    std::vector<ports::ArtifactBytes> artifacts;
    artifacts.push_back({"summary.json", "application/json", std::move(json)});
    return artifacts;
  }
};

}  // namespace

std::unique_ptr<ports::Reducer> NewSummary() {
  return std::make_unique<Summary>();
}

}  // namespace reducers
