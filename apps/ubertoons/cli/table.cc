#include "cli/table.h"

#include <algorithm>

namespace cli {

namespace {
constexpr std::string_view kGap = "  ";
constexpr std::size_t kNarrowestLast = 10;
}  // namespace

void Table::WritePage(std::vector<Row> rows) {
  for (Row& row : rows) {
    for (Cell& cell : row) cell.text = Printable(cell.text);
  }
  if (widths_.empty()) {
    Measure(rows);
    Row head;
    for (const Column& column : columns_) head.push_back({column.title, Colour::kBold});
    WriteRow(head);
  }
  for (const Row& row : rows) WriteRow(row);
  out_.Flush();
}

void Table::Measure(const std::vector<Row>& rows) {
  std::size_t used = 0;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    std::size_t width = DisplayWidth(columns_[i].title);
    for (const Row& row : rows) width = std::max(width, DisplayWidth(row[i].text));
    if (out_.tty()) width = std::min(width, std::max(columns_[i].most, DisplayWidth(columns_[i].title)));
    if (i + 1 == columns_.size() && out_.tty()) {
      const std::size_t room = out_.width() > used ? out_.width() - used : 0;
      width = std::max(kNarrowestLast, room);
    }
    widths_.push_back(width);
    used += width + kGap.size();
  }
}

void Table::WriteRow(const Row& row) {
  std::string line;
  for (std::size_t i = 0; i < row.size(); ++i) {
    const std::size_t wide = DisplayWidth(row[i].text);
    const std::string text =
        out_.tty() || wide <= widths_[i] ? Fit(row[i].text, widths_[i], columns_[i].align) : row[i].text;
    if (i > 0) line += kGap;
    line += out_.Paint(text, row[i].colour);
  }
  line.erase(line.find_last_not_of(' ') + 1);
  out_.Write(line + "\n");
}

std::string CsvLine(const std::vector<std::string>& fields) {
  std::string line;
  for (const std::string& field : fields) {
    if (&field != &fields.front()) line += ',';
    const bool quote =
        field.find_first_of(",\"\r\n") != std::string::npos || field.starts_with(' ') || field.ends_with(' ');
    if (!quote) {
      line += field;
      continue;
    }
    line += '"';
    for (const char c : field) {
      if (c == '"') line += '"';
      line += c;
    }
    line += '"';
  }
  return line;
}

}  // namespace cli
