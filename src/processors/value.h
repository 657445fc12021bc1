// The text of one cell as a value. Pure; thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace processors {

[[nodiscard]] std::string_view Trimmed(std::string_view text);
// "N/A", "na", "null", "none", "nan", "-", "--", "?" in any case: how files write "no value".
[[nodiscard]] bool IsNullWord(std::string_view text);

enum class Comma : std::uint8_t { kNever, kDecimal };  // whether "3,5" may be three and a half
struct NumberText {
  double value = 0;
  bool whole = false;  // written without a fraction or exponent, and within ±2^53
  bool decimal_comma = false;
};
// Decimal notation, an optional sign, finite. Refuses hexadecimal, infinities, whole numbers past 2^53 (they are ids: a
// double would change them) and leading zeros ("007" is a name).
[[nodiscard]] std::optional<NumberText> ParseNumber(std::string_view text, Comma comma);
[[nodiscard]] std::optional<bool> ParseBoolean(std::string_view text);  // true, false, yes, no in any case

// Milliseconds since 1970 UTC. ISO 8601: 2026-01-31, with T or a space 12:30[:15[.123456]], Z or ±hh[[:]mm] or nothing
// (UTC); also with / in the date. Years 1 to 9999; digits past the millisecond are cut.
[[nodiscard]] std::optional<std::int64_t> ParseTimestamp(std::string_view text);
// "2026-01-31T12:30:15.123Z", without .000.
[[nodiscard]] std::string FormatMillis(std::int64_t unix_ms);

}  // namespace processors
