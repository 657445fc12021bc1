// Rows for people and for spreadsheets.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "cli/terminal.h"

namespace cli {

struct Column {
  std::string title;
  Align align = Align::kLeft;
  std::size_t most = 40;  // columns; the last column takes what is left of the line
};
struct Cell {
  std::string text;  // foreign text is escaped by the table
  Colour colour = Colour::kNone;
};
using Row = std::vector<Cell>;

// Streams rows in pages: widths are those of the first page, later cells are cut to them on a terminal and stick out
// elsewhere, where nothing is ever cut.
class Table {
 public:
  Table(Stream& out, std::vector<Column> columns) : out_(out), columns_(std::move(columns)) {}
  void WritePage(std::vector<Row> rows);  // every row has as many cells as there are columns

 private:
  void Measure(const std::vector<Row>& rows);
  void WriteRow(const Row& row);

  Stream& out_;
  std::vector<Column> columns_;
  std::vector<std::size_t> widths_;  // empty before the first page
};

// RFC 4180: quoted when it holds a comma, a quote, a line break, or starts or ends with a space. Without line end.
[[nodiscard]] std::string CsvLine(const std::vector<std::string>& fields);

}  // namespace cli
