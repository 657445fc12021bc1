#include "processors/csv_scanner.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace processors {

namespace {

constexpr std::size_t kProbeBytes = 64 * 1024;
constexpr std::size_t kProbeRows = 30;

}  // namespace

bool CsvScanner::AtRowEnd() const {
  return at_ >= text_.size() || text_[at_] == '\n' || text_[at_] == '\r';
}

void CsvScanner::PassRowEnd() {
  if (at_ >= text_.size()) return;
  if (text_[at_] == '\r' && at_ + 1 < text_.size() && text_[at_ + 1] == '\n') ++at_;
  ++at_;
  ++line_;
}

void CsvScanner::PassLine() {
  at_ = std::min(text_.find_first_of("\r\n", at_), text_.size());
  PassRowEnd();
}

CsvScanner::Next CsvScanner::Bad(std::string problem) {
  problem_ = std::move(problem);
  PassLine();
  return Next::kBad;
}

bool CsvScanner::ReadQuoted(CsvField& field) {
  const std::size_t start = at_ + 1;
  const std::uint64_t start_line = line_;
  field = {.offset = start, .quoted = true};
  for (std::size_t i = start; i < text_.size(); ++i) {
    const char c = text_[i];
    if (c == '"') {
      if (i + 1 < text_.size() && text_[i + 1] == '"') {
        field.doubled = true;
        ++i;
        continue;
      }
      field.length = i - start;
      at_ = i + 1;
      while (at_ < text_.size() && text_[at_] == ' ' && delimiter_ != ' ') ++at_;
      if (AtRowEnd() || text_[at_] == delimiter_) return true;
      problem_ = "text after a closing quote";
      return false;
    }
    if (c == '\n' || c == '\r') {
      if (!multiline_quotes_) break;
      if (c == '\n' || i + 1 >= text_.size() || text_[i + 1] != '\n') ++line_;
    }
  }
  multiline_quotes_ = false;
  line_ = start_line;
  problem_ = "a quote that is not closed";
  return false;
}

bool CsvScanner::ReadField(CsvField& field) {
  if (at_ < text_.size() && text_[at_] == '"') return ReadQuoted(field);
  const std::size_t start = at_;
  while (at_ < text_.size() && text_[at_] != delimiter_ && text_[at_] != '\n' && text_[at_] != '\r') ++at_;
  field = {.offset = start, .length = at_ - start};
  return true;
}

CsvScanner::Next CsvScanner::Read(std::vector<CsvField>& fields) {
  fields.clear();
  while (at_ < text_.size() && AtRowEnd()) PassRowEnd();
  if (at_ >= text_.size()) return Next::kEnd;
  row_line_ = line_;
  while (true) {
    CsvField field;
    if (!ReadField(field)) return Bad(std::move(problem_));
    if (fields.size() == max_fields_) return Bad(fmt::format("more than {} fields", max_fields_));
    fields.push_back(field);
    if (AtRowEnd()) break;
    ++at_;  // the delimiter
  }
  PassRowEnd();
  return Next::kRow;
}

char DetectDelimiter(std::string_view text) {
  text = text.substr(0, kProbeBytes);
  char best = ',';
  std::size_t best_score = 0;
  for (const char candidate : {',', ';', '\t', '|'}) {
    CsvScanner scanner(text, candidate, text.size() + 1);
    std::map<std::size_t, std::size_t> rows_by_width;
    std::vector<CsvField> fields;
    for (std::size_t row = 0; row < kProbeRows; ++row) {
      const auto next = scanner.Read(fields);
      if (next == CsvScanner::Next::kEnd) break;
      if (next == CsvScanner::Next::kRow) ++rows_by_width[fields.size()];
    }
    for (const auto& [width, rows] : rows_by_width) {
      // How many rows agree counts most; between equals, the finer split.
      const std::size_t score = width < 2 ? 0 : rows * 4096 + std::min<std::size_t>(width, 4095);
      if (score > best_score) {
        best_score = score;
        best = candidate;
      }
    }
  }
  return best;
}

}  // namespace processors
