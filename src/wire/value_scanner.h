// Finds where a JSON value ends in a stream of pieces, and keeps its text without insignificant whitespace. It tells
// strings from the rest and counts brackets; whether the text is JSON is the parser's business. The kept text is in no
// case valid where the original was not.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace wire {

// Bytes that grow, with room for a newline and a parser's padding behind them.
class LineBuffer {
 public:
  [[nodiscard]] std::string_view view() const { return {data_.get(), size_}; }
  [[nodiscard]] std::size_t size() const { return size_; }
  void Clear() { size_ = 0; }
  void Append(const char* bytes, std::size_t size);
  // The line with its newline; the view before it stays valid.
  [[nodiscard]] std::string_view WithNewline();

 private:
  std::unique_ptr<char[]> data_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

class ValueScanner {
 public:
  enum class End : std::uint8_t {
    kMore,     // the piece ended within the value
    kDone,     // the value is whole; for a number or word, the byte after it is not consumed
    kTooLong,  // over max_bytes
    kTooDeep,  // over max_depth
    kBad,      // not the start of a value
  };
  // Starts a new value. max_depth: containers within each other, the value itself being the first.
  void Begin(std::uint64_t max_bytes, std::size_t max_depth);
  // Consumes from the front of piece.
  [[nodiscard]] End Feed(std::string_view& piece);
  [[nodiscard]] LineBuffer& text() { return text_; }

 private:
  [[nodiscard]] bool Keep(const char* from, const char* to);
  [[nodiscard]] bool QuoteIsEscaped(const char* run, const char* quote) const;
  [[nodiscard]] End FeedString(const char*& run, const char*& at, const char* end);
  [[nodiscard]] End FeedPlain(const char*& run, const char*& at, const char* end);

  LineBuffer text_;
  std::uint64_t max_bytes_ = 0;
  std::size_t max_depth_ = 0;
  std::size_t depth_ = 0;
  bool started_ = false;
  bool in_string_ = false;
  bool after_scalar_ = false;  // the last kept byte belongs to a number or word
  bool gap_ = false;           // whitespace was dropped since
};

}  // namespace wire
