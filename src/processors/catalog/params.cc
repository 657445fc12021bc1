#include "processors/params.h"

#include <charconv>

namespace processors {

Params::Params(std::string_view params_json) {
  simdjson::dom::object object;
  if (parser_.parse(params_json.data(), params_json.size()).get(object) == simdjson::SUCCESS) object_ = object;
}

std::optional<simdjson::dom::element> Params::Member(std::string_view name) const {
  simdjson::dom::element element;
  if (!object_ || object_->at_key(name).get(element) != simdjson::SUCCESS) return std::nullopt;
  return element;
}

std::optional<double> Params::Number(std::string_view name) const {
  const auto element = Member(name);
  double number = 0;
  if (!element || element->get(number) != simdjson::SUCCESS) return std::nullopt;
  return number;
}

std::optional<bool> Params::Boolean(std::string_view name) const {
  const auto element = Member(name);
  bool boolean = false;
  if (!element || element->get(boolean) != simdjson::SUCCESS) return std::nullopt;
  return boolean;
}

std::optional<std::string_view> Params::Text(std::string_view name) const {
  const auto element = Member(name);
  std::string_view text;
  if (!element || element->get(text) != simdjson::SUCCESS) return std::nullopt;
  return text;
}

std::vector<double> Params::Numbers(std::string_view name) const {
  std::vector<double> numbers;
  const auto element = Member(name);
  simdjson::dom::array array;
  if (!element || element->get(array) != simdjson::SUCCESS) return numbers;
  for (const auto child : array) {
    double number = 0;
    if (child.get(number) == simdjson::SUCCESS) numbers.push_back(number);
  }
  return numbers;
}

std::vector<std::string> Params::Texts(std::string_view name) const {
  std::vector<std::string> texts;
  const auto element = Member(name);
  simdjson::dom::array array;
  if (!element || element->get(array) != simdjson::SUCCESS) return texts;
  for (const auto child : array) {
    std::string_view text;
    if (child.get(text) == simdjson::SUCCESS) texts.emplace_back(text);
  }
  return texts;
}

std::optional<std::chrono::milliseconds> ParseDuration(std::string_view text) {
  std::int64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc() || count <= 0) return std::nullopt;
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  std::int64_t scale = 0;
  if (unit == "ms") scale = 1;
  if (unit == "s") scale = 1000;
  if (unit == "m") scale = 60'000;
  if (unit == "h") scale = 3'600'000;
  if (unit == "d") scale = 86'400'000;
  constexpr std::int64_t kMost = 366LL * 86'400'000;
  if (scale == 0 || count > kMost / scale) return std::nullopt;
  return std::chrono::milliseconds(count * scale);
}

}  // namespace processors
