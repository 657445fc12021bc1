#include "processors/value.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>

namespace processors {

namespace {

constexpr double kExactWhole = 9007199254740992.0;  // 2^53

bool EqualsIgnoringCase(std::string_view text, std::string_view lower) {
  return std::ranges::equal(text, lower, [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; });
}

// Reads exactly `digits` digits at the front and drops them.
std::optional<int> TakeDigits(std::string_view& text, std::size_t digits) {
  if (text.size() < digits) return std::nullopt;
  int value = 0;
  for (std::size_t i = 0; i < digits; ++i) {
    if (text[i] < '0' || text[i] > '9') return std::nullopt;
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(digits);
  return value;
}

bool TakeChar(std::string_view& text, char c) {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

std::optional<std::int64_t> TakeDate(std::string_view& text) {
  const auto year = TakeDigits(text, 4);
  const char separator = text.empty() ? '\0' : text.front();
  if (!year || *year == 0 || (separator != '-' && separator != '/')) return std::nullopt;
  text.remove_prefix(1);
  const auto month = TakeDigits(text, 2);
  if (!month || !TakeChar(text, separator)) return std::nullopt;
  const auto day = TakeDigits(text, 2);
  if (!day) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(*year), std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date).time_since_epoch().count() * 86'400'000LL;
}

// ".123456": milliseconds; nullopt if there is no digit after the point.
std::optional<std::int64_t> TakeFraction(std::string_view& text) {
  if (!text.starts_with('.') && !text.starts_with(',')) return 0;
  text.remove_prefix(1);
  std::int64_t millis = 0;
  std::int64_t unit = 100;
  std::size_t digits = 0;
  for (; digits < text.size() && text[digits] >= '0' && text[digits] <= '9'; ++digits) {
    millis += (text[digits] - '0') * unit;
    unit /= 10;
  }
  text.remove_prefix(digits);
  if (digits == 0) return std::nullopt;
  return millis;
}

std::optional<std::int64_t> TakeClock(std::string_view& text) {
  const auto hour = TakeDigits(text, 2);
  if (!hour || *hour > 23 || !TakeChar(text, ':')) return std::nullopt;
  const auto minute = TakeDigits(text, 2);
  if (!minute || *minute > 59) return std::nullopt;
  const std::int64_t millis = (*hour * 60LL + *minute) * 60'000LL;
  if (!TakeChar(text, ':')) return millis;
  const auto second = TakeDigits(text, 2);
  if (!second || *second > 60) return std::nullopt;
  const auto fraction = TakeFraction(text);
  if (!fraction) return std::nullopt;
  return millis + *second * 1000LL + *fraction;
}

// What to subtract for a zone; the text must end after it.
std::optional<std::int64_t> TakeZone(std::string_view text) {
  if (text.empty() || text == "Z" || text == "z") return 0;
  const bool west = text.front() == '-';
  if (!west && text.front() != '+') return std::nullopt;
  text.remove_prefix(1);
  const auto hours = TakeDigits(text, 2);
  if (!hours || *hours > 18) return std::nullopt;
  int minutes = 0;
  if (!text.empty()) {
    static_cast<void>(TakeChar(text, ':'));
    const auto given = TakeDigits(text, 2);
    if (!given || *given > 59 || !text.empty()) return std::nullopt;
    minutes = *given;
  }
  const std::int64_t offset = (*hours * 60LL + minutes) * 60'000LL;
  return west ? -offset : offset;
}

}  // namespace

std::string_view Trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n\v\f";
  const auto first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

bool IsNullWord(std::string_view text) {
  if (text.size() > 4) return false;
  constexpr std::string_view kWords[] = {"n/a", "na", "null", "none", "nan", "nil", "-", "--", "?"};
  return std::ranges::any_of(kWords, [&](std::string_view word) { return EqualsIgnoringCase(text, word); });
}

std::optional<NumberText> ParseNumber(std::string_view text, Comma comma) {
  if (text.empty() || text.size() > 64) return std::nullopt;
  NumberText number;
  std::array<char, 64> copy{};
  if (const auto at = text.find(','); at != std::string_view::npos) {
    if (comma == Comma::kNever || text.find_first_of(",.", at + 1) != std::string_view::npos ||
        text.substr(0, at).find('.') != std::string_view::npos) {
      return std::nullopt;
    }
    std::ranges::copy(text, copy.begin());
    copy[at] = '.';
    text = {copy.data(), text.size()};
    number.decimal_comma = true;
  }
  if (text.front() == '+') text.remove_prefix(1);
  const std::string_view digits = text.starts_with('-') ? text.substr(1) : text;
  if (digits.empty() || !((digits[0] >= '0' && digits[0] <= '9') || digits[0] == '.')) return std::nullopt;
  number.whole = digits.find_first_of(".eE") == std::string_view::npos;
  if (number.whole && digits.size() > 1 && digits[0] == '0') return std::nullopt;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number.value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(number.value)) return std::nullopt;
  if (number.whole && std::abs(number.value) > kExactWhole) return std::nullopt;
  return number;
}

std::optional<bool> ParseBoolean(std::string_view text) {
  if (EqualsIgnoringCase(text, "true") || EqualsIgnoringCase(text, "yes")) return true;
  if (EqualsIgnoringCase(text, "false") || EqualsIgnoringCase(text, "no")) return false;
  return std::nullopt;
}

std::optional<std::int64_t> ParseTimestamp(std::string_view text) {
  if (text.size() < 10 || text.size() > 48) return std::nullopt;
  const auto date = TakeDate(text);
  if (!date) return std::nullopt;
  if (text.empty()) return date;
  if (text.front() != 'T' && text.front() != 't' && text.front() != ' ') return std::nullopt;
  text.remove_prefix(1);
  const auto clock = TakeClock(text);
  if (!clock) return std::nullopt;
  const auto offset = TakeZone(text);
  if (!offset) return std::nullopt;
  return *date + *clock - *offset;
}

std::string FormatMillis(std::int64_t unix_ms) {
  const std::chrono::sys_time<std::chrono::milliseconds> time{std::chrono::milliseconds(unix_ms)};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  auto text = fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", static_cast<int>(date.year()),
                          static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), clock.hours().count(),
                          clock.minutes().count(), clock.seconds().count());
  if (clock.subseconds().count() != 0) text += fmt::format(".{:03}", clock.subseconds().count());
  return text + "Z";
}

}  // namespace processors
