#include "processors/table_reader.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <unordered_map>

#include "processors/csv_scanner.h"
#include "processors/value.h"

namespace processors {

namespace {

std::uint32_t Saturated(std::uint64_t line) {
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(line, std::numeric_limits<std::uint32_t>::max()));
}

std::string CutName(std::string_view name) {
  if (name.size() > kMaxColumnNameBytes) {
    std::size_t end = kMaxColumnNameBytes;
    while (end > 0 && (static_cast<unsigned char>(name[end]) & 0xc0U) == 0x80U) --end;  // not within a character
    name = name.substr(0, end);
  }
  return std::string(name);
}

// ---- CSV --------------------------------------------------------------------------------------------------------

class CsvReader {
 public:
  explicit CsvReader(std::string_view bytes)
      : bytes_(bytes), delimiter_(DetectDelimiter(bytes)), scanner_(bytes, delimiter_, kMaxColumns), table_(bytes) {}

  Processed<Table> Read() {
    table_.format = "csv";
    table_.delimiter = delimiter_;
    std::vector<CsvField> fields;
    CsvScanner::Next next = scanner_.Read(fields);
    if (next == CsvScanner::Next::kBad) {
      if (scanner_.problem().starts_with("more than")) return TooWide();
      return Refuse("invalid-csv", fmt::format("line {}: {}", scanner_.line(), scanner_.problem()));
    }
    if (next == CsvScanner::Next::kEnd) return Refuse("empty", "there is no row");
    NameColumns(fields);
    if (!table_.header) AddRow(fields);
    while ((next = scanner_.Read(fields)) != CsvScanner::Next::kEnd) {
      if (next == CsvScanner::Next::kRow) {
        AddRow(fields);
      } else {
        ++table_.rows_read;
        table_.NoteBad(scanner_.line(), scanner_.problem());
      }
    }
    return std::move(table_);
  }

 private:
  static std::unexpected<ports::ProcessorFailure> TooWide() {
    return Refuse("too-many-columns", fmt::format("the first row has more than {} columns", kMaxColumns));
  }

  std::string_view Raw(const CsvField& field) const { return bytes_.substr(field.offset, field.length); }

  std::string Unquoted(const CsvField& field) const {
    std::string text;
    const auto raw = Raw(field);
    text.reserve(raw.size());
    for (std::size_t i = 0; i < raw.size(); ++i) {
      text += raw[i];
      if (field.doubled && raw[i] == '"') ++i;  // the second of a pair
    }
    return text;
  }

  static bool ReadsAsValue(std::string_view text) {
    return text.empty() || ParseNumber(text, Comma::kDecimal) || ParseTimestamp(text) || ParseBoolean(text);
  }

  void NameColumns(const std::vector<CsvField>& fields) {
    std::vector<std::string> names;
    names.reserve(fields.size());
    for (const auto& field : fields) names.push_back(CutName(Trimmed(Unquoted(field))));
    const auto empty = std::ranges::count(names, "");
    const bool value = std::ranges::any_of(names, [](const auto& name) { return !name.empty() && ReadsAsValue(name); });
    // A trailing delimiter leaves one nameless column; more than half of them is no header.
    table_.header = !value && static_cast<std::size_t>(empty) * 2 < names.size() + 1;
    std::unordered_map<std::string, int> seen;
    for (std::size_t i = 0; i < names.size(); ++i) {
      std::string name = table_.header && !names[i].empty() ? names[i] : fmt::format("c{}", i + 1);
      while (const int count = seen[name]++) name += fmt::format("_{}", count + 1);
      table_.columns.push_back({.name = std::move(name)});
    }
  }

  void AddRow(const std::vector<CsvField>& fields) {
    ++table_.rows_read;
    std::size_t width = fields.size();
    const std::size_t expected = table_.columns.size();
    while (width > expected && fields[width - 1].length == 0) --width;
    if (width != expected) {
      table_.NoteBad(scanner_.line(), fmt::format("{} fields, expected {}", fields.size(), expected));
      return;
    }
    if (width != fields.size()) ++table_.repairs.cut_tails;
    for (std::size_t i = 0; i < expected; ++i) {
      const CsvField& field = fields[i];
      Cell cell = kNullCell;
      if (field.length != 0) {
        cell = field.doubled ? table_.Keep(Unquoted(field)) : table_.InSource(field.offset, field.length);
      }
      table_.columns[i].cells.push_back(cell);
    }
    table_.lines.push_back(Saturated(scanner_.line()));
  }

  std::string_view bytes_;
  char delimiter_;
  CsvScanner scanner_;
  Table table_;
};

// ---- JSON -------------------------------------------------------------------------------------------------------

class JsonReader {
 public:
  explicit JsonReader(std::string_view bytes) : bytes_(bytes), table_(bytes) {
    true_ = table_.Keep("true");
    false_ = table_.Keep("false");
    // Sparse rows could make a table much larger than its source.
    max_cells_ = bytes.size() + 65536;
  }

  Processed<Table> ReadLines() {
    table_.format = "ndjson";
    std::uint64_t line = 0;
    for (std::size_t at = 0; at < bytes_.size();) {
      const std::size_t end = std::min(bytes_.find('\n', at), bytes_.size());
      const auto text = Trimmed(bytes_.substr(at, end - at));
      at = end + 1;
      ++line;
      if (text.empty()) continue;
      simdjson::dom::element element;
      const bool parsed = parser_.parse(text.data(), text.size()).get(element) == simdjson::SUCCESS;
      if (auto added = AddRow(parsed ? std::optional(element) : std::nullopt, line); !added) {
        return std::unexpected(std::move(added).error());
      }
    }
    return Finish();
  }

  Processed<Table> ReadDocument() {
    table_.format = "json";
    simdjson::dom::array rows;
    if (parser_.parse(bytes_.data(), bytes_.size()).get(rows) != simdjson::SUCCESS) {
      return Refuse("invalid-ndjson", "a JSON document must be an array of objects");
    }
    std::uint64_t index = 0;
    for (const auto row : rows) {
      if (auto added = AddRow(row, ++index); !added) return std::unexpected(std::move(added).error());
    }
    return Finish();
  }

 private:
  Processed<Table> Finish() {
    if (table_.rows_read == 0) return Refuse("empty", "there is no row");
    for (auto& column : table_.columns) column.cells.resize(table_.rows(), kNullCell);
    return std::move(table_);
  }

  Processed<void> AddRow(std::optional<simdjson::dom::element> element, std::uint64_t line) {
    ++table_.rows_read;
    simdjson::dom::object object;
    if (!element || element->get(object) != simdjson::SUCCESS) {
      table_.NoteBad(line, element ? "not an object" : "not JSON");
      return {};
    }
    row_.clear();
    problem_ = nullptr;
    too_wide_ = false;
    std::string name;
    Flatten(object, name, 1);
    if (too_wide_) return Refuse("too-many-columns", fmt::format("the rows have more than {} members", kMaxColumns));
    if (problem_ != nullptr) {
      table_.NoteBad(line, problem_);
      return {};
    }
    const std::size_t row = table_.rows();
    if ((row + 1) * std::max<std::size_t>(table_.columns.size(), 1) > max_cells_) {
      return Refuse("too-many-columns", "the rows have too many different members");
    }
    for (const auto& [column, cell] : row_) {
      auto& cells = table_.columns[column].cells;
      cells.resize(row, kNullCell);
      cells.push_back(cell);
    }
    table_.lines.push_back(Saturated(line));
    return {};
  }

  void Flatten(const simdjson::dom::object& object, std::string& name, std::size_t depth) {
    const std::size_t prefix = name.size();
    for (const auto& [key, value] : object) {
      if (problem_ != nullptr || too_wide_) return;
      name.resize(prefix);
      if (prefix != 0) name += '.';
      name += key;
      simdjson::dom::object child;
      if (depth < kMaxFlattenDepth && value.get(child) == simdjson::SUCCESS) {
        Flatten(child, name, depth + 1);
      } else {
        AddCell(name, value);
      }
    }
    name.resize(prefix);
  }

  void AddCell(const std::string& full_name, const simdjson::dom::element& value) {
    auto found = columns_.find(full_name.size() > kMaxColumnNameBytes ? CutName(full_name) : full_name);
    if (found == columns_.end()) {
      if (table_.columns.size() == kMaxColumns) {
        too_wide_ = true;
        return;
      }
      const std::string name = CutName(full_name);
      found = columns_.emplace(name, table_.columns.size()).first;
      table_.columns.push_back({.name = name});
      set_in_row_.push_back(0);
    }
    // Rows are counted from 1 here, so that 0 means never.
    if (set_in_row_[found->second] == table_.rows_read) {
      problem_ = "a member is named twice";
      return;
    }
    set_in_row_[found->second] = table_.rows_read;
    row_.emplace_back(found->second, CellOf(value));
  }

  Cell CellOf(const simdjson::dom::element& value) {
    using Type = simdjson::dom::element_type;
    switch (value.type()) {
      case Type::NULL_VALUE:
        return kNullCell;
      case Type::BOOL:
        return value.get_bool().value_unsafe() ? true_ : false_;
      case Type::INT64:
        return table_.Keep(fmt::format("{}", value.get_int64().value_unsafe()));
      case Type::UINT64:
        return table_.Keep(fmt::format("{}", value.get_uint64().value_unsafe()));
      case Type::DOUBLE:
        return table_.Keep(fmt::format("{}", value.get_double().value_unsafe()));
      case Type::STRING: {
        const std::string_view text = value.get_string().value_unsafe();
        return text.empty() ? kNullCell : table_.Keep(text);
      }
      case Type::ARRAY:
      case Type::OBJECT:
        return table_.Keep(simdjson::minify(value));
    }
    return kNullCell;
  }

  std::string_view bytes_;
  Table table_;
  simdjson::dom::parser parser_;
  std::unordered_map<std::string, std::size_t> columns_;
  std::vector<std::uint64_t> set_in_row_;  // per column: the last row that set it
  std::vector<std::pair<std::size_t, Cell>> row_;
  const char* problem_ = nullptr;
  bool too_wide_ = false;
  std::size_t max_cells_ = 0;
  Cell true_ = kNullCell;
  Cell false_ = kNullCell;
};

}  // namespace

Processed<Table> ReadTable(std::string_view bytes) {
  if (bytes.size() > kMaxTableBytes) {
    return Refuse("too-large", fmt::format("tables are read up to {} bytes", kMaxTableBytes));
  }
  if (!simdjson::validate_utf8(bytes.data(), bytes.size())) return Refuse("invalid-encoding", "the data is not UTF-8");
  if (bytes.starts_with("\xef\xbb\xbf")) bytes.remove_prefix(3);
  const auto first = bytes.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return Refuse("empty", "there is no row");
  const bool json = bytes[first] == '{' || bytes[first] == '[';
  const char* code = json ? "invalid-ndjson" : "invalid-csv";
  if (bytes.find('\0') != std::string_view::npos) return Refuse(code, "the data holds NUL bytes");
  auto table = bytes[first] == '{'   ? JsonReader(bytes).ReadLines()
               : bytes[first] == '[' ? JsonReader(bytes).ReadDocument()
                                     : CsvReader(bytes).Read();
  if (!table) return table;
  if (table->bad_rows * 2 > table->rows_read) {
    return Refuse(code, fmt::format("{} of {} rows are bad, the first at line {}: {}", table->bad_rows,
                                    table->rows_read, table->first_bad[0].line, table->first_bad[0].why));
  }
  if (table->rows() == 0 || table->columns.empty()) return Refuse("empty", "there is no row of data");
  return table;
}

}  // namespace processors
