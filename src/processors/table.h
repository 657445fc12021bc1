// A table read from CSV or NDJSON: eight bytes a cell, whatever it holds, beside the source itself.
#pragma once

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace processors {

inline constexpr std::size_t kMaxTableBytes = 256ULL << 20U;  // of one source: memory stays below about ten times this
inline constexpr std::size_t kMaxColumns = 1024;              // wider is not telemetry, and each column costs a pass
inline constexpr std::size_t kMaxColumnNameBytes = 64;        // longer names are cut: they stand in every result
inline constexpr std::size_t kMaxNotedRows = 10;              // bad rows that the report names

enum class Kind : std::uint8_t { kEmpty, kBoolean, kInteger, kNumber, kTimestamp, kString };
inline constexpr std::string_view kKindNames[] = {"empty", "boolean", "integer", "number", "timestamp", "string"};

// A cell is 64 bits. Before typing, and in kString columns: a place of text (length << 32 | in the arena << 31 |
// offset). After typing: a double (NaN is null), milliseconds since 1970 (kNullTime), or 0/1 (kNullCell).
using Cell = std::uint64_t;
inline constexpr Cell kNullCell = std::numeric_limits<Cell>::max();
inline constexpr std::int64_t kNullTime = std::numeric_limits<std::int64_t>::min();

struct Column {
  std::string name;
  Kind kind = Kind::kString;
  std::vector<Cell> cells;
  std::uint64_t nulls = 0;

  [[nodiscard]] bool numeric() const { return kind == Kind::kInteger || kind == Kind::kNumber; }
  [[nodiscard]] double Number(std::size_t row) const { return std::bit_cast<double>(cells[row]); }
  [[nodiscard]] std::int64_t Time(std::size_t row) const { return std::bit_cast<std::int64_t>(cells[row]); }
  [[nodiscard]] bool IsNull(std::size_t row) const {
    if (numeric()) return std::isnan(Number(row));
    if (kind == Kind::kTimestamp) return Time(row) == kNullTime;
    return cells[row] == kNullCell;
  }
};

struct BadRow {
  std::uint64_t line = 0;  // 1-based; of a JSON array, its element
  std::string why;
};

// What cleaning changed, by kind of repair.
struct Repairs {
  std::uint64_t trimmed = 0;         // blanks around a value
  std::uint64_t null_words = 0;      // "N/A" and the like became null
  std::uint64_t decimal_commas = 0;  // "3,5" became 3.5
  std::uint64_t coerced = 0;         // not of its column's kind: became null
  std::uint64_t cut_tails = 0;       // rows with extra empty cells at their end
};

class Table {
 public:
  explicit Table(std::string_view source) : source_(source) {}

  [[nodiscard]] std::string_view Text(Cell cell) const {
    if (cell == kNullCell) return {};
    const std::size_t offset = cell & 0x7fffffffU;
    return ((cell & 0x80000000U) != 0 ? std::string_view(arena_) : source_).substr(offset, cell >> 32U);
  }
  [[nodiscard]] Cell InSource(std::size_t offset, std::size_t length) const { return Cell{length} << 32U | offset; }
  // Within `cell`, a part of its text.
  [[nodiscard]] Cell Part(Cell cell, std::string_view part) const {
    const auto whole = Text(cell);
    return Cell{part.size()} << 32U | ((cell & 0xffffffffU) + static_cast<std::size_t>(part.data() - whole.data()));
  }
  // Copies text that the source does not hold as it stands. kNullCell when the arena is full (2 GiB).
  [[nodiscard]] Cell Keep(std::string_view text) {
    if (arena_.size() + text.size() > 0x7fffffffU) return kNullCell;
    const Cell cell = Cell{text.size()} << 32U | 0x80000000U | arena_.size();
    arena_ += text;
    return cell;
  }

  std::vector<Column> columns;
  std::vector<std::uint32_t> lines;  // of each row kept; saturates

  std::string_view format;      // "csv", "ndjson" or "json"
  char delimiter = '\0';        // of CSV
  bool header = false;          // CSV: the first row named the columns
  std::uint64_t rows_read = 0;  // without the header
  std::uint64_t bad_rows = 0;
  std::vector<BadRow> first_bad;  // at most kMaxNotedRows
  Repairs repairs;

  [[nodiscard]] std::size_t rows() const { return lines.size(); }
  void NoteBad(std::uint64_t line, std::string why) {
    ++bad_rows;
    if (first_bad.size() < kMaxNotedRows) first_bad.push_back({line, std::move(why)});
  }

 private:
  std::string_view source_;
  std::string arena_;
};

}  // namespace processors
