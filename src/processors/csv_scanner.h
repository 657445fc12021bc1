// Splits CSV into records as RFC 4180 has it, with any one-byte delimiter and CR, LF or CRLF ends. One pass, no copies.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace processors {

struct CsvField {
  std::size_t offset = 0;  // without the quotes
  std::size_t length = 0;
  bool quoted = false;
  bool doubled = false;  // holds "" that stand for "
};

class CsvScanner {
 public:
  enum class Next : std::uint8_t { kRow, kBad, kEnd };

  CsvScanner(std::string_view text, char delimiter, std::size_t max_fields)
      : text_(text), delimiter_(delimiter), max_fields_(max_fields) {}

  // The next record into `fields` (of kRow only). Blank lines are passed over. After kBad, problem() says why and
  // reading goes on at a later line: a quote that is never closed spoils its own line only.
  [[nodiscard]] Next Read(std::vector<CsvField>& fields);
  [[nodiscard]] std::uint64_t line() const { return row_line_; }  // where the record started, 1-based
  [[nodiscard]] const std::string& problem() const { return problem_; }

 private:
  bool ReadField(CsvField& field);
  bool ReadQuoted(CsvField& field);
  bool AtRowEnd() const;
  void PassRowEnd();
  void PassLine();
  Next Bad(std::string problem);

  std::string_view text_;
  char delimiter_;
  std::size_t max_fields_;
  std::size_t at_ = 0;
  std::uint64_t line_ = 1;
  std::uint64_t row_line_ = 1;
  bool multiline_quotes_ = true;  // until one is found that never closes: else each line could cost the whole rest
  std::string problem_;
};

// The delimiter of , ; tab | that splits the first lines most evenly; ',' if none does.
[[nodiscard]] char DetectDelimiter(std::string_view text);

}  // namespace processors
