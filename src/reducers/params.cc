#include "reducers/params.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>

namespace reducers {

namespace {

std::string Refusal(const simdjson::dom::element& value, const ParamRule& rule) {
  std::string_view text;
  std::uint64_t number = 0;
  switch (rule.kind) {
    case ParamRule::Kind::kText:
      if (value.get(text) == simdjson::SUCCESS && text.size() <= rule.most) return {};
      return fmt::format("must be a text of at most {} bytes", rule.most);
    case ParamRule::Kind::kInteger:
      if (value.get(number) == simdjson::SUCCESS && number >= rule.least && number <= rule.most) return {};
      return fmt::format("must be a whole number from {} to {}", rule.least, rule.most);
    case ParamRule::Kind::kChoice:
      if (value.get(text) == simdjson::SUCCESS && std::ranges::find(rule.choices, text) != rule.choices.end())
        return {};
      return fmt::format("must be one of {}", fmt::join(rule.choices, ", "));
  }
  return "is unknown";
}

template <typename Value, typename As>
std::optional<Value> Param(std::string_view params_json, std::string_view name) {
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  As value{};
  if (parser.parse(params_json.data(), params_json.size()).get(object) != simdjson::SUCCESS) return std::nullopt;
  if (object.at_key(name).get(value) != simdjson::SUCCESS) return std::nullopt;
  return Value(value);
}

}  // namespace

std::vector<base::FieldError> CheckRules(std::string_view params_json, std::string_view reducer,
                                         std::span<const ParamRule> rules) {
  simdjson::dom::parser parser;
  simdjson::dom::object params;
  if (parser.parse(params_json.data(), params_json.size()).get(params) != simdjson::SUCCESS) {
    return {{"", "must be an object"}};
  }
  std::vector<base::FieldError> errors;
  for (const auto& [key, value] : params) {
    const std::string pointer = "/" + base::PointerToken(key);
    const auto rule = std::ranges::find(rules, key, &ParamRule::name);
    if (rule == rules.end()) {
      errors.push_back({pointer, fmt::format("is no parameter of {}", reducer)});
    } else if (std::string why = Refusal(value, *rule); !why.empty()) {
      errors.push_back({pointer, std::move(why)});
    }
  }
  return errors;
}

std::optional<std::string> TextParam(std::string_view params_json, std::string_view name) {
  return Param<std::string, std::string_view>(params_json, name);
}

std::optional<std::uint64_t> IntegerParam(std::string_view params_json, std::string_view name) {
  return Param<std::uint64_t, std::uint64_t>(params_json, name);
}

}  // namespace reducers
