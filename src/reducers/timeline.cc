#include "reducers/timeline.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <iterator>

#include "base/clock.h"
#include "base/log.h"
#include "reducers/aligned_series.h"
#include "reducers/chart.h"
#include "reducers/params.h"

namespace reducers {

namespace {

constexpr std::size_t kMaxBucketsOfToon = 1024;  // more than any processor of ours writes
// Far beyond any calendar, and small enough that bucket numbers never overflow.
constexpr std::int64_t kMaxStepMillis = 1LL << 45U;
constexpr std::int64_t kMaxStartMillis = 1LL << 58U;
constexpr double kMaxSum = 1e298;  // a million of these still add up to a finite number

// Adds the series of one result; what is not of the documented shape is passed over.
bool AddSeries(const simdjson::dom::element& result, AlignedSeries& series) {
  std::int64_t step = 0;
  std::int64_t start = 0;
  simdjson::dom::object fields;
  const auto member = [&](const char* name) { return result.at_key("series").at_key(name); };
  if (member("step_ms").get(step) != simdjson::SUCCESS || member("start").get(start) != simdjson::SUCCESS ||
      member("fields").get(fields) != simdjson::SUCCESS) {
    return false;
  }
  if (step <= 0 || step > kMaxStepMillis || !std::has_single_bit(static_cast<std::uint64_t>(step)) ||
      start > kMaxStartMillis || start < -kMaxStartMillis || start % step != 0) {
    return false;
  }
  const auto shift = static_cast<unsigned>(std::countr_zero(static_cast<std::uint64_t>(step)));
  for (const auto& [name, value] : fields) {
    simdjson::dom::array buckets;
    if (value.get(buckets) != simdjson::SUCCESS || buckets.size() > kMaxBucketsOfToon) continue;
    std::int64_t number = start >> shift;
    for (const auto item : buckets) {
      Bucket bucket;
      double mean = 0;
      const bool given = item.at(0).get(bucket.count) == simdjson::SUCCESS &&
                         item.at(1).get(bucket.min) == simdjson::SUCCESS &&
                         item.at(2).get(bucket.max) == simdjson::SUCCESS && item.at(3).get(mean) == simdjson::SUCCESS;
      bucket.sum = mean * static_cast<double>(bucket.count);
      if (given && bucket.count != 0 && std::abs(bucket.sum) <= kMaxSum) series.Add(name, shift, number, bucket);
      ++number;
    }
  }
  return true;
}

struct TimelineParams {
  std::string title = "Timeline";
  std::vector<std::string> fields;
};

TimelineParams ReadParams(std::string_view params_json) {
  TimelineParams params;
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  if (parser.parse(params_json.data(), params_json.size()).get(object) != simdjson::SUCCESS) return params;
  std::string_view title;
  if (object.at_key("title").get(title) == simdjson::SUCCESS) params.title = title;
  simdjson::dom::array fields;
  if (object.at_key("fields").get(fields) != simdjson::SUCCESS) return params;
  for (const auto item : fields) {
    std::string_view name;
    if (item.get(name) == simdjson::SUCCESS) params.fields.emplace_back(name);
  }
  return params;
}

std::vector<base::FieldError> CheckFields(const simdjson::dom::element& value) {
  simdjson::dom::array array;
  if (value.get(array) != simdjson::SUCCESS || array.size() == 0 || array.size() > kMaxFields) {
    return {{"/fields", fmt::format("must be a list of 1 to {} names", kMaxFields)}};
  }
  std::vector<base::FieldError> errors;
  std::size_t index = 0;
  for (const auto item : array) {
    std::string_view name;
    if (item.get(name) != simdjson::SUCCESS || name.empty() || name.size() > kMaxFieldNameBytes) {
      errors.push_back({fmt::format("/fields/{}", index), "must be a name of 1 to 128 bytes"});
    }
    ++index;
  }
  return errors;
}

// Of the fields asked for (all, if none were), those that have data.
std::vector<std::string> Drawn(const AlignedSeries& series, const TimelineParams& params) {
  std::vector<std::string> names;
  const auto take = [&](const std::string& name) {
    const auto found = series.fields().find(name);
    const bool fresh = std::ranges::find(names, name) == names.end();
    if (fresh && found != series.fields().end() && !found->second.empty()) names.push_back(name);
  };
  if (params.fields.empty()) {
    for (const auto& [name, field] : series.fields()) take(name);
  } else {
    std::ranges::for_each(params.fields, take);
  }
  return names;
}

std::string Time(const AlignedSeries& series, std::int64_t number) {
  const std::int64_t ms = number << series.shift();
  return base::FormatTime(base::FromUnixMicros(std::clamp(ms, -62'135'596'800'000, 253'402'300'799'000) * 1000));
}

void AppendCell(std::string& out, std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) {
    out += text;
    return;
  }
  out += '"';
  for (const char c : text) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  out += '"';
}

std::string ToCsv(const AlignedSeries& series, const std::vector<std::string>& fields) {
  std::string out = "time,field,count,min,max,mean\n";
  for (const auto& name : fields) {
    for (const auto& [number, bucket] : series.fields().find(name)->second) {
      out += Time(series, number) + ",";
      AppendCell(out, name);
      fmt::format_to(std::back_inserter(out), ",{},{},{},{}\n", bucket.count, bucket.min, bucket.max,
                     bucket.sum / static_cast<double>(bucket.count));
    }
  }
  return out;
}

class Timeline final : public ports::Reducer {
 public:
  [[nodiscard]] std::string_view name() const override { return "timeline"; }

  [[nodiscard]] std::vector<base::FieldError> CheckParams(std::string_view params_json) const override {
    simdjson::dom::parser parser;
    simdjson::dom::object params;
    if (parser.parse(params_json.data(), params_json.size()).get(params) != simdjson::SUCCESS) {
      return {{"", "must be an object"}};
    }
    std::vector<base::FieldError> errors;
    for (const auto& [key, value] : params) {
      std::string_view text;
      if (key == "title") {
        const bool fits = value.get(text) == simdjson::SUCCESS && text.size() <= kMaxTitleBytes;
        if (!fits) errors.push_back({"/title", fmt::format("must be a text of at most {} bytes", kMaxTitleBytes)});
      } else if (key == "fields") {
        std::ranges::move(CheckFields(value), std::back_inserter(errors));
      } else {
        errors.push_back({"/" + base::PointerToken(key), "is no parameter of timeline"});
      }
    }
    return errors;
  }

  [[nodiscard]] std::string Fold(std::span<const job::Outcome> outcomes) const override {
    AlignedSeries all;
    simdjson::dom::parser parser;
    for (const auto& outcome : outcomes) {
      if (outcome.type != "telemetry" && outcome.type != "gameplay") continue;
      simdjson::dom::element result;
      if (parser.parse(outcome.result_json).get(result) != simdjson::SUCCESS) continue;
      AlignedSeries one;
      if (!AddSeries(result, one)) continue;
      one.CountToon();
      all.Merge(one);
    }
    return all.empty() ? std::string() : all.Encode();
  }

  [[nodiscard]] base::Result<std::string> Merge(std::string_view a, std::string_view b) const override {
    UT_TRY_ASSIGN(AlignedSeries left, AlignedSeries::Decode(a));
    UT_TRY_ASSIGN(const AlignedSeries right, AlignedSeries::Decode(b));
    left.Merge(right);
    return left.empty() ? std::string() : left.Encode();
  }

  [[nodiscard]] base::Result<std::string> Render(std::string_view partial) const override {
    UT_TRY_ASSIGN(const AlignedSeries series, AlignedSeries::Decode(partial));
    std::string out = fmt::format(R"({{"toons":{})", series.toons());
    if (series.first() <= series.last()) {
      fmt::format_to(std::back_inserter(out), R"(,"stepMs":{},"from":"{}","to":"{}","buckets":{})",
                     std::int64_t{1} << series.shift(), Time(series, series.first()), Time(series, series.last() + 1),
                     series.last() - series.first() + 1);
    }
    out += R"(,"fields":{)";
    bool first = true;
    for (const auto& [name, field] : series.fields()) {
      Bucket whole;
      for (const auto& [number, bucket] : field) whole.Merge(bucket);
      if (whole.count == 0) continue;
      if (!first) out += ',';
      first = false;
      base::AppendJsonString(out, name);
      fmt::format_to(std::back_inserter(out), R"(:{{"count":{},"min":{},"max":{},"mean":{}}})", whole.count, whole.min,
                     whole.max, Finite(whole.sum / static_cast<double>(whole.count)));
    }
    return out + "}}";
  }

  [[nodiscard]] base::Result<std::vector<ports::ArtifactBytes>> Finish(const ports::ReduceInput& input) const override {
    UT_TRY_ASSIGN(const AlignedSeries series, AlignedSeries::Decode(input.partial));
    const TimelineParams params = ReadParams(input.params_json);
    const auto fields = Drawn(series, params);
    std::vector<ports::ArtifactBytes> artifacts;
    artifacts.push_back({"timeline.svg", "image/svg+xml", DrawChart(series, fields, params.title)});
    artifacts.push_back({"timeline.csv", "text/csv", ToCsv(series, fields)});
    return artifacts;
  }

 private:
  static std::string Finite(double value) { return std::isfinite(value) ? fmt::format("{}", value) : "null"; }
};

}  // namespace

std::unique_ptr<ports::Reducer> NewTimeline() {
  return std::make_unique<Timeline>();
}

}  // namespace reducers
