// Bytes to a table: CSV, NDJSON or a JSON array of objects, told apart by their first character.
//
// CSV: a byte order mark is passed over; the delimiter is detected; the first row names the columns unless a cell of it
// reads as a value. A row with another number of cells is bad, except for empty cells past the end, which are cut.
// NDJSON: one object a line; members of nested objects are named with dots ("pos.x") down to kMaxFlattenDepth levels,
// below that and for arrays the JSON text is kept; a line that does not parse, or names a member twice, is bad.
#pragma once

#include <string_view>

#include "ports/processor.h"
#include "processors/failure.h"
#include "processors/table.h"

namespace processors {

inline constexpr std::size_t kMaxFlattenDepth = 4;

// The table refers to `bytes`. Cells are untyped yet (Kind::kString). Failures: "empty" (no row), "invalid-encoding"
// (not UTF-8), "invalid-csv" and "invalid-ndjson" (NUL bytes; most rows are bad), "too-many-columns", "too-large".
[[nodiscard]] Processed<Table> ReadTable(std::string_view bytes);

}  // namespace processors
