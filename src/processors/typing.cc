#include "processors/typing.h"

#include <fmt/format.h>

#include <algorithm>

#include "processors/value.h"

namespace processors {

namespace {

constexpr double kEpochLeast = 946'684'800;   // 2000-01-01, seconds
constexpr double kEpochMost = 4'102'444'800;  // 2100-01-01

bool NamedLikeTime(std::string_view name) {
  if (const auto dot = name.rfind('.'); dot != std::string_view::npos) name.remove_prefix(dot + 1);
  std::string lower(name);
  std::ranges::transform(lower, lower.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return lower.find("time") != std::string::npos || lower.find("date") != std::string::npos ||
         lower.find("epoch") != std::string::npos || lower == "ts" || lower == "t" || lower.ends_with("_ts") ||
         lower.ends_with("_at");
}

struct Tally {
  std::size_t values = 0;
  std::size_t numbers = 0;
  std::size_t whole = 0;
  std::size_t times = 0;
  std::size_t booleans = 0;
};

class ColumnTyper {
 public:
  ColumnTyper(Table& table, Column& column) : table_(table), column_(column) {}

  void Run() {
    const Tally tally = TrimAndCount();
    const auto enough = [&](std::size_t count) {
      return count != 0 && static_cast<double>(count) >= kTypedShare * static_cast<double>(tally.values);
    };
    if (tally.values == 0) {
      column_.kind = Kind::kEmpty;
    } else if (enough(tally.numbers)) {
      column_.kind = tally.whole == tally.numbers ? Kind::kInteger : Kind::kNumber;
      ToNumbers();
      EpochToTimes();
    } else if (enough(tally.times)) {
      column_.kind = Kind::kTimestamp;
      ToTimes();
    } else if (enough(tally.booleans)) {
      column_.kind = Kind::kBoolean;
      ToBooleans();
    } else {
      column_.kind = Kind::kString;
    }
    column_.nulls = 0;
    for (std::size_t row = 0; row < column_.cells.size(); ++row) column_.nulls += column_.IsNull(row) ? 1 : 0;
  }

 private:
  std::optional<NumberText> NumberOf(std::string_view text) const {
    auto number = ParseNumber(text, Comma::kDecimal);
    // "1,234" within comma-separated values is more likely a thousand than one and a bit: not a number at all.
    if (number && number->decimal_comma && table_.delimiter == ',' && text.size() - text.find(',') == 4)
      return std::nullopt;
    return number;
  }

  Tally TrimAndCount() {
    Tally tally;
    for (Cell& cell : column_.cells) {
      if (cell == kNullCell) continue;
      const auto text = table_.Text(cell);
      const auto trimmed = Trimmed(text);
      if (trimmed.size() != text.size()) {
        ++table_.repairs.trimmed;
        cell = trimmed.empty() ? kNullCell : table_.Part(cell, trimmed);
      }
      if (IsNullWord(trimmed)) {
        ++table_.repairs.null_words;
        cell = kNullCell;
      }
      if (cell == kNullCell) continue;
      ++tally.values;
      if (const auto number = NumberOf(trimmed)) {
        ++tally.numbers;
        tally.whole += number->whole ? 1 : 0;
      } else if (ParseTimestamp(trimmed)) {
        ++tally.times;
      } else if (ParseBoolean(trimmed)) {
        ++tally.booleans;
      }
    }
    return tally;
  }

  void ToNumbers() {
    for (Cell& cell : column_.cells) {
      const auto number = cell == kNullCell ? std::nullopt : NumberOf(table_.Text(cell));
      if (cell != kNullCell && !number) ++table_.repairs.coerced;
      if (number && number->decimal_comma) ++table_.repairs.decimal_commas;
      cell = std::bit_cast<Cell>(number ? number->value : std::numeric_limits<double>::quiet_NaN());
    }
  }

  void ToTimes() {
    for (Cell& cell : column_.cells) {
      const auto time = cell == kNullCell ? std::nullopt : ParseTimestamp(table_.Text(cell));
      if (cell != kNullCell && !time) ++table_.repairs.coerced;
      cell = std::bit_cast<Cell>(time.value_or(kNullTime));
    }
  }

  void ToBooleans() {
    for (Cell& cell : column_.cells) {
      if (cell == kNullCell) continue;
      const auto boolean = ParseBoolean(table_.Text(cell));
      if (!boolean) ++table_.repairs.coerced;
      cell = boolean ? static_cast<Cell>(*boolean) : kNullCell;
    }
  }

  void EpochToTimes() {
    if (!NamedLikeTime(column_.name)) return;
    const auto all_within = [&](double scale) {
      return std::ranges::all_of(column_.cells, [&](Cell cell) {
        const double value = std::bit_cast<double>(cell);
        return std::isnan(value) || (value >= kEpochLeast * scale && value <= kEpochMost * scale);
      });
    };
    double to_ms = 0;
    if (all_within(1)) to_ms = 1000;
    if (all_within(1000)) to_ms = 1;
    if (to_ms == 0) return;
    column_.kind = Kind::kTimestamp;
    for (Cell& cell : column_.cells) {
      const double value = std::bit_cast<double>(cell);
      cell = std::bit_cast<Cell>(std::isnan(value) ? kNullTime : static_cast<std::int64_t>(std::round(value * to_ms)));
    }
  }

  Table& table_;
  Column& column_;
};

}  // namespace

void TypeColumns(Table& table) {
  for (Column& column : table.columns) ColumnTyper(table, column).Run();
}

std::optional<std::size_t> TimeColumn(const Table& table) {
  std::optional<std::size_t> first;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    if (table.columns[i].kind != Kind::kTimestamp) continue;
    if (NamedLikeTime(table.columns[i].name)) return i;
    if (!first) first = i;
  }
  return first;
}

std::string CellText(const Table& table, const Column& column, std::size_t row) {
  if (column.IsNull(row)) return {};
  switch (column.kind) {
    case Kind::kEmpty:
      return {};
    case Kind::kBoolean:
      return column.cells[row] != 0 ? "true" : "false";
    case Kind::kInteger:
    case Kind::kNumber:
      return fmt::format("{}", column.Number(row));
    case Kind::kTimestamp:
      return FormatMillis(column.Time(row));
    case Kind::kString:
      return std::string(table.Text(column.cells[row]));
  }
  return {};
}

}  // namespace processors
