// Parameters of reducers, checked by a table: what every reducer with a few texts and numbers needs.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace reducers {

inline constexpr std::size_t kMaxTitleBytes = 200;

struct ParamRule {
  enum class Kind : std::uint8_t { kText, kInteger, kChoice } kind = Kind::kText;
  std::string_view name;
  std::uint64_t least = 0;  // of an integer
  std::uint64_t most = 0;   // of an integer, or bytes of a text
  std::span<const std::string_view> choices;
};
// Bad places relative to the params object; unknown names are bad. `reducer` is named in messages.
[[nodiscard]] std::vector<base::FieldError> CheckRules(std::string_view params_json, std::string_view reducer,
                                                       std::span<const ParamRule> rules);
// Of parameters that were checked; nullopt: not given.
[[nodiscard]] std::optional<std::string> TextParam(std::string_view params_json, std::string_view name);
[[nodiscard]] std::optional<std::uint64_t> IntegerParam(std::string_view params_json, std::string_view name);

}  // namespace reducers
