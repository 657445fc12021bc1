// Reads the parameters of an operation that the catalog has checked already. What is absent or of another kind reads as
// absent. Not thread-safe.
#pragma once

#include <simdjson.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ports/processor.h"

namespace processors {

class Params {
 public:
  explicit Params(std::string_view params_json);
  [[nodiscard]] std::optional<double> Number(std::string_view name) const;
  [[nodiscard]] std::optional<bool> Boolean(std::string_view name) const;
  [[nodiscard]] std::optional<std::string_view> Text(std::string_view name) const;
  [[nodiscard]] std::vector<double> Numbers(std::string_view name) const;
  [[nodiscard]] std::vector<std::string> Texts(std::string_view name) const;
  [[nodiscard]] std::optional<simdjson::dom::element> Member(std::string_view name) const;

 private:
  simdjson::dom::parser parser_;
  std::optional<simdjson::dom::object> object_;
};

// "500ms", "10s", "5m", "1h", "1d": a whole number of units, at least 1 ms and at most 366 days.
[[nodiscard]] std::optional<std::chrono::milliseconds> ParseDuration(std::string_view text);

}  // namespace processors
