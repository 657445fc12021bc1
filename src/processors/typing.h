// Finds each column's kind and turns its cells into values of it, in place.
//
// A column is of the first kind that at least kTypedShare of its values read as: number, timestamp, boolean; else
// string. Values that do not read as it become null and are counted as coerced. A number column is integer when every
// value is written whole. A number column named like a time whose values all lie in 2000..2100 as seconds or
// milliseconds since 1970 is a timestamp. "3,5" is a decimal comma unless the comma separates the columns and three
// digits follow ("1,234").
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "processors/table.h"

namespace processors {

inline constexpr double kTypedShare = 0.9;

void TypeColumns(Table& table);
// The column that tells when a row happened: the first timestamp column whose name says so, else the first timestamp
// column.
[[nodiscard]] std::optional<std::size_t> TimeColumn(const Table& table);
// A value as the cleaned files write it: "" for null, shortest decimal for numbers, ISO 8601 UTC for timestamps.
[[nodiscard]] std::string CellText(const Table& table, const Column& column, std::size_t row);

}  // namespace processors
