// Every setting once: its key in the file, its environment variable, how a value is read and what is refused.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.h"
#include "config/config.h"

namespace config {

// A value as one layer gives it. `where` names the layer for messages: "server.toml:12", "UBERTOONS_LISTEN",
// "--listen".
struct Raw {
  enum class Form : std::uint8_t {
    kTyped,  // of the file: a string is a string
    kText,   // of the environment or a flag: "3" may be a number
  };
  std::variant<std::string, std::int64_t, double, bool, std::vector<std::string>> value;
  Form form = Form::kTyped;
  std::string where;
};

struct Setting {
  std::string_view key;  // dotted, as in the file: "limits.max_toons"
  // kInvalid saying what is expected; the caller adds where and key.
  base::Status (*set)(const Raw& raw, Config& config);
};
[[nodiscard]] std::span<const Setting> AllSettings();
[[nodiscard]] std::string EnvironmentName(std::string_view key);  // "limits.max_toons" -> "UBERTOONS_LIMITS_MAX_TOONS"

// Finds the setting and applies the value. kInvalid: "<where>: <key>: <why>", with "did you mean" for an unknown key.
[[nodiscard]] base::Status Apply(std::string_view key, const Raw& raw, Config& config);

// Readers of one value, for tables that are not settings (processors, webhooks). kInvalid saying what is expected.
[[nodiscard]] base::Result<std::string> AsText(const Raw& raw);
[[nodiscard]] base::Result<std::int64_t> AsInteger(const Raw& raw, std::int64_t least, std::int64_t most);
[[nodiscard]] base::Result<bool> AsSwitch(const Raw& raw);
[[nodiscard]] base::Result<std::vector<std::string>> AsList(const Raw& raw);
[[nodiscard]] base::Result<std::chrono::seconds> AsDuration(const Raw& raw, std::chrono::seconds least);
[[nodiscard]] base::Result<std::uint64_t> AsSize(const Raw& raw);

// kInvalid "<where>: <key>: <why>", with the key as the pointer.
[[nodiscard]] base::Error At(std::string_view where, std::string_view key, std::string_view why);
// The known name nearest to a mistyped one, "" if none is near.
[[nodiscard]] std::string_view Nearest(std::string_view name, std::span<const std::string_view> known);
// " (did you mean "x"?)" or "".
[[nodiscard]] std::string DidYouMean(std::string_view name, std::span<const std::string_view> known);

}  // namespace config
