// Text for people: streams that know whether they are terminals, and the escaping that keeps foreign text from steering
// one.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>

namespace cli {

enum class Colour : unsigned char { kNone, kBold, kDim, kRed, kGreen, kYellow, kCyan };

// A buffered descriptor. A closed pipe is remembered and never reported; other errors are kept in error(). Not
// thread-safe.
class Stream {
 public:
  Stream(int fd, const std::map<std::string, std::string>& variables);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  void Write(std::string_view text);
  void Flush();
  [[nodiscard]] bool tty() const { return tty_; }
  [[nodiscard]] std::size_t width() const;  // columns; of a terminal that does not say, and of anything else, 80
  [[nodiscard]] std::string Paint(std::string_view text, Colour colour) const;  // text itself unless colours are wanted
  // Nobody reads any more (EPIPE) or writing failed: producing more is pointless.
  [[nodiscard]] bool closed() const { return broken_ || error_ != 0; }
  [[nodiscard]] int error() const { return error_; }  // errno, 0 for none and for EPIPE

 private:
  int fd_;
  bool tty_ = false;
  bool colours_ = false;
  bool broken_ = false;
  int error_ = 0;
  std::size_t columns_ = 0;  // COLUMNS, 0: ask the terminal
  std::string buffer_;
};

// Foreign text on one line: control characters (C0, DEL, C1), line and paragraph separators, and the marks that reorder
// or hide text become \n, \x1b, \u202e …; bytes that are not UTF-8 become \xff.
[[nodiscard]] std::string Printable(std::string_view text);

// JSON text with the same characters as \u escapes, which mean the same inside its strings. Line breaks and tabs
// between tokens stay.
[[nodiscard]] std::string PrintableJson(std::string_view json);

// Columns that Printable text takes; wide East Asian characters and emoji take two, combining marks none.
[[nodiscard]] std::size_t DisplayWidth(std::string_view text);
// Cut to at most `columns`, the last of them "…" when something was cut. Never cuts inside a character.
[[nodiscard]] std::string Cut(std::string_view text, std::size_t columns);
// Cut, then filled with spaces to exactly `columns`.
enum class Align : unsigned char { kLeft, kRight };
[[nodiscard]] std::string Fit(std::string_view text, std::size_t columns, Align align = Align::kLeft);

// 1234567 -> "1,234,567".
[[nodiscard]] std::string Grouped(unsigned long long number);
// 512 -> "512 B", 1536 -> "1.5 KiB".
[[nodiscard]] std::string HumanBytes(unsigned long long bytes);
// 0.4 -> "0.4 ms", 1500 -> "1.50 s", 65000 -> "1m 5s".
[[nodiscard]] std::string HumanMillis(double millis);

}  // namespace cli
