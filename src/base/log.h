// One JSON object a line on standard error: {"ts":..,"level":..,"event":..,<fields>}. Never payload bytes.
// Thread-safe; a line is written whole.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>

namespace base {

enum class LogLevel : std::uint8_t { kDebug, kInfo, kWarn, kError, kOff };

using LogValue = std::variant<std::string_view, std::int64_t, std::uint64_t, double, bool>;
struct LogField {
  std::string_view key;
  LogValue value;
  LogField(std::string_view k, std::string_view v) : key(k), value(v) {}
  LogField(std::string_view k, const char* v) : key(k), value(std::string_view(v)) {}
  LogField(std::string_view k, const std::string& v) : key(k), value(std::string_view(v)) {}
  LogField(std::string_view k, bool v) : key(k), value(v) {}
  LogField(std::string_view k, double v) : key(k), value(v) {}
  template <typename Int>
    requires std::is_integral_v<Int>
  LogField(std::string_view k, Int v) : key(k) {
    if constexpr (std::is_signed_v<Int>) {
      value = static_cast<std::int64_t>(v);
    } else {
      value = static_cast<std::uint64_t>(v);
    }
  }
};

void SetLogLevel(LogLevel level);
[[nodiscard]] bool LogEnabled(LogLevel level);
// event: kebab-case and stable ("job-accepted"), so that a line can be counted.
void Log(LogLevel level, std::string_view event, std::initializer_list<LogField> fields);
inline void LogInfo(std::string_view event, std::initializer_list<LogField> fields) {
  Log(LogLevel::kInfo, event, fields);
}
inline void LogWarn(std::string_view event, std::initializer_list<LogField> fields) {
  Log(LogLevel::kWarn, event, fields);
}
inline void LogError(std::string_view event, std::initializer_list<LogField> fields) {
  Log(LogLevel::kError, event, fields);
}

// Appends text as a JSON string with its quotes; bytes that are not UTF-8 become U+FFFD.
void AppendJsonString(std::string& out, std::string_view text);

}  // namespace base
