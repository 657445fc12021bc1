#include "processors/catalog.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <span>
#include <string_view>

#include "processors/params.h"
#include "processors/schema_rules.h"

namespace processors {

namespace {

using simdjson::dom::element;

enum class ParamKind : std::uint8_t { kInteger, kNumber, kBoolean, kChoice, kDuration, kNumbers, kTexts, kSchema };
enum class Need : std::uint8_t { kOptional, kRequired };

struct ParamRule {
  std::string_view name;
  ParamKind kind = ParamKind::kNumber;
  Need need = Need::kOptional;
  double least = 0;  // of a number, or of each number of a list
  double most = 0;
  std::span<const std::string_view> choices;
};

struct OperationRule {
  std::span<const std::string_view> types;
  std::string_view name;
  std::span<const ParamRule> params;
  std::span<const std::string_view> one_of;  // at least one of these must be given
};

constexpr std::size_t kMaxListItems = 64;       // fields or percentiles of one operation
constexpr std::size_t kMaxListItemBytes = 256;  // a field's name

constexpr std::string_view kImage[] = {"image"};
constexpr std::string_view kTimed[] = {"audio", "video"};
constexpr std::string_view kTables[] = {"telemetry", "gameplay"};
constexpr std::string_view kMessage[] = {"message"};
constexpr std::string_view kBinary[] = {"binary"};

constexpr std::string_view kImageFormats[] = {"jpeg", "png", "webp"};
constexpr std::string_view kFits[] = {"inside", "cover"};
constexpr std::string_view kAnomalyMethods[] = {"mad", "iqr"};
constexpr std::string_view kSize[] = {"width", "height"};

constexpr double kSide = 16383;  // pixels: the largest side that every output format takes (WebP's)
constexpr double kDay = 86400;   // seconds

constexpr ParamRule kWidth = {"width", ParamKind::kInteger, Need::kOptional, 1, kSide, {}};
constexpr ParamRule kHeight = {"height", ParamKind::kInteger, Need::kOptional, 1, kSide, {}};
constexpr ParamRule kQuality = {"quality", ParamKind::kInteger, Need::kOptional, 1, 100, {}};
constexpr ParamRule kThumbnail[] = {kWidth,
                                    kHeight,
                                    {"format", ParamKind::kChoice, Need::kOptional, 0, 0, kImageFormats},
                                    kQuality,
                                    {"fit", ParamKind::kChoice, Need::kOptional, 0, 0, kFits}};
constexpr ParamRule kResize[] = {kWidth, kHeight};
constexpr ParamRule kCrop[] = {{"left", ParamKind::kInteger, Need::kRequired, 0, 1e6, {}},
                               {"top", ParamKind::kInteger, Need::kRequired, 0, 1e6, {}},
                               {"width", ParamKind::kInteger, Need::kRequired, 1, kSide, {}},
                               {"height", ParamKind::kInteger, Need::kRequired, 1, kSide, {}}};
constexpr ParamRule kRotate[] = {{"angle", ParamKind::kNumber, Need::kRequired, -360, 360, {}}};
constexpr ParamRule kConvert[] = {{"format", ParamKind::kChoice, Need::kRequired, 0, 0, kImageFormats}, kQuality};
constexpr ParamRule kDescribe[] = {{"location", ParamKind::kBoolean, Need::kOptional, 0, 0, {}}};
constexpr ParamRule kPoster[] = {{"at", ParamKind::kNumber, Need::kOptional, 0, kDay, {}}};
constexpr ParamRule kWaveform[] = {{"width", ParamKind::kInteger, Need::kOptional, 1, 4096, {}},
                                   {"height", ParamKind::kInteger, Need::kOptional, 1, 2048, {}}};
constexpr ParamRule kTrim[] = {{"start", ParamKind::kNumber, Need::kRequired, 0, kDay, {}},
                               {"duration", ParamKind::kNumber, Need::kRequired, 0.001, kDay, {}}};
constexpr ParamRule kClean[] = {{"emit", ParamKind::kBoolean, Need::kOptional, 0, 0, {}},
                                {"dropDuplicates", ParamKind::kBoolean, Need::kOptional, 0, 0, {}},
                                {"maxGapSteps", ParamKind::kNumber, Need::kOptional, 1.5, 10000, {}}};
constexpr ParamRule kStats[] = {{"fields", ParamKind::kTexts, Need::kOptional, 0, 0, {}},
                                {"percentiles", ParamKind::kNumbers, Need::kOptional, 0, 100, {}}};
constexpr ParamRule kAnomalies[] = {{"method", ParamKind::kChoice, Need::kOptional, 0, 0, kAnomalyMethods},
                                    {"threshold", ParamKind::kNumber, Need::kOptional, 0.1, 1000, {}}};
constexpr ParamRule kResample[] = {{"step", ParamKind::kDuration, Need::kRequired, 0, 0, {}}};
constexpr ParamRule kValidate[] = {{"schema", ParamKind::kSchema, Need::kRequired, 0, 0, {}}};
constexpr ParamRule kChunks[] = {{"size", ParamKind::kInteger, Need::kRequired, 4096, 1048576, {}}};
constexpr ParamRule kStrings[] = {{"min", ParamKind::kInteger, Need::kOptional, 3, 64, {}}};

constexpr OperationRule kOperations[] = {
    {kImage, "thumbnail", kThumbnail, {}},
    {kImage, "resize", kResize, kSize},
    {kImage, "crop", kCrop, {}},
    {kImage, "rotate", kRotate, {}},
    {kImage, "convert", kConvert, {}},
    {kImage, "grayscale", {}, {}},
    {kImage, "describe", kDescribe, {}},
    {kImage, "preview", {}, {}},
    {kTimed, "poster", kPoster, {}},
    {kTimed, "waveform", kWaveform, {}},
    {kTimed, "trim", kTrim, {}},
    {kTables, "clean", kClean, {}},
    {kTables, "stats", kStats, {}},
    {kTables, "anomalies", kAnomalies, {}},
    {kTables, "resample", kResample, {}},
    {kMessage, "validate", kValidate, {}},
    {kMessage, "emit", {}, {}},
    {kBinary, "chunks", kChunks, {}},
    {kBinary, "strings", kStrings, {}},
};

using Errors = std::vector<base::FieldError>;

std::string Range(const ParamRule& rule) {
  return fmt::format("from {} to {}", rule.least, rule.most);
}

bool NumberFits(const element& value, const ParamRule& rule) {
  double number = 0;
  return value.get(number) == simdjson::SUCCESS && number >= rule.least && number <= rule.most;
}

std::string CheckNumber(const element& value, const ParamRule& rule) {
  const bool whole = rule.kind == ParamKind::kInteger;
  double number = 0;
  const bool fits = NumberFits(value, rule) && value.get(number) == simdjson::SUCCESS;
  if (fits && (!whole || number == std::floor(number))) return {};
  return fmt::format("must be {} {}", whole ? "a whole number" : "a number", Range(rule));
}

std::string CheckChoice(const element& value, const ParamRule& rule) {
  std::string_view text;
  if (value.get(text) == simdjson::SUCCESS && std::ranges::find(rule.choices, text) != rule.choices.end()) return {};
  return fmt::format("must be one of {}", fmt::join(rule.choices, ", "));
}

std::string CheckDuration(const element& value) {
  std::string_view text;
  if (value.get(text) == simdjson::SUCCESS && ParseDuration(text)) return {};
  return "must be a duration from 1ms to 366d, such as 500ms, 10s, 5m, 1h or 1d";
}

void CheckList(const element& value, const ParamRule& rule, const std::string& pointer, Errors& errors) {
  simdjson::dom::array array;
  if (value.get(array) != simdjson::SUCCESS || array.size() == 0 || array.size() > kMaxListItems) {
    errors.push_back({pointer, fmt::format("must be a list of 1 to {} items", kMaxListItems)});
    return;
  }
  std::size_t index = 0;
  for (const auto item : array) {
    std::string_view text;
    const bool fits = rule.kind == ParamKind::kNumbers
                          ? NumberFits(item, rule)
                          : item.get(text) == simdjson::SUCCESS && !text.empty() && text.size() <= kMaxListItemBytes;
    if (!fits) {
      errors.push_back({fmt::format("{}/{}", pointer, index), rule.kind == ParamKind::kNumbers
                                                                  ? "must be a number " + Range(rule)
                                                                  : "must be a name of 1 to 256 bytes"});
    }
    ++index;
  }
}

void CheckSchema(const element& value, const std::string& pointer, Errors& errors) {
  if (!value.is_object()) {
    errors.push_back({pointer, "must be a JSON Schema, an object"});
    return;
  }
  if (simdjson::minify(value).size() > kMaxSchemaBytes) {
    errors.push_back({pointer, fmt::format("is over {} bytes", kMaxSchemaBytes)});
    return;
  }
  std::ranges::move(CheckSchemaRules(value, pointer), std::back_inserter(errors));
}

void CheckParam(const element& value, const ParamRule& rule, Errors& errors) {
  const std::string pointer = "/" + std::string(rule.name);
  std::string why;
  switch (rule.kind) {
    case ParamKind::kInteger:
    case ParamKind::kNumber:
      why = CheckNumber(value, rule);
      break;
    case ParamKind::kBoolean:
      why = value.is_bool() ? "" : "must be true or false";
      break;
    case ParamKind::kChoice:
      why = CheckChoice(value, rule);
      break;
    case ParamKind::kDuration:
      why = CheckDuration(value);
      break;
    case ParamKind::kNumbers:
    case ParamKind::kTexts:
      CheckList(value, rule, pointer, errors);
      break;
    case ParamKind::kSchema:
      CheckSchema(value, pointer, errors);
      break;
  }
  if (!why.empty()) errors.push_back({pointer, std::move(why)});
}

Errors CheckParams(const simdjson::dom::object& params, const OperationRule& rule) {
  Errors errors;
  for (const auto& [key, value] : params) {
    const auto known = std::ranges::find(rule.params, key, &ParamRule::name);
    if (known == rule.params.end()) {
      errors.push_back({"/" + base::PointerToken(key), fmt::format("is no parameter of {}", rule.name)});
    } else {
      CheckParam(value, *known, errors);
    }
  }
  for (const ParamRule& param : rule.params) {
    if (param.need == Need::kRequired && params.at_key(param.name).error() != simdjson::SUCCESS) {
      errors.push_back({"/" + std::string(param.name), "is required"});
    }
  }
  const auto given = [&](std::string_view name) { return params.at_key(name).error() == simdjson::SUCCESS; };
  if (!rule.one_of.empty() && std::ranges::none_of(rule.one_of, given)) {
    errors.push_back({"/" + std::string(rule.one_of.front()),
                      fmt::format("is required, or another of {}", fmt::join(rule.one_of, ", "))});
  }
  return errors;
}

class Catalog final : public ports::OperationCatalog {
 public:
  explicit Catalog(std::vector<std::string> custom_types) : custom_types_(std::move(custom_types)) {}

  [[nodiscard]] bool KnowsType(std::string_view type) const override {
    return job::BuiltinTypeOf(type).has_value() || std::ranges::find(custom_types_, type) != custom_types_.end();
  }

  [[nodiscard]] Errors Check(std::string_view type, const ports::Operation& operation) const override {
    if (!KnowsType(type)) return {{"", fmt::format("no operations are known for the type {}", type)}};
    simdjson::dom::parser parser;
    simdjson::dom::object params;
    if (parser.parse(operation.params_json).get(params) != simdjson::SUCCESS) return {{"", "must be an object"}};
    if (!job::BuiltinTypeOf(type)) return {};
    std::vector<std::string_view> names;
    for (const OperationRule& rule : kOperations) {
      if (std::ranges::find(rule.types, type) == rule.types.end()) continue;
      if (rule.name == operation.name) return CheckParams(params, rule);
      names.push_back(rule.name);
    }
    return {{"/op", fmt::format("must be one of {} for the type {}", fmt::join(names, ", "), type)}};
  }

 private:
  const std::vector<std::string> custom_types_;
};

}  // namespace

std::unique_ptr<ports::OperationCatalog> NewCatalog(std::vector<std::string> custom_types) {
  return std::make_unique<Catalog>(std::move(custom_types));
}

}  // namespace processors
