#include "cli/terminal.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdint>

#include "cli/utf8.h"

namespace cli {
namespace {

constexpr std::size_t kBufferBytes = 64 * 1024;
constexpr std::size_t kDefaultColumns = 80;

std::string_view Variable(const std::map<std::string, std::string>& variables, const std::string& name) {
  const auto found = variables.find(name);
  return found == variables.end() ? std::string_view{} : std::string_view{found->second};
}

// Marks that reorder, hide or break text on a terminal although they are not control characters.
bool Deceptive(char32_t c) {
  return (c >= 0x80 && c < 0xA0) || c == 0xAD || c == 0x061C || (c >= 0x200B && c <= 0x200F) ||
         (c >= 0x2028 && c <= 0x202E) || (c >= 0x2060 && c <= 0x206F) || c == 0xFEFF || (c >= 0xFFF9 && c <= 0xFFFB) ||
         (c >= 0xE0000 && c <= 0xE007F);
}

std::string EscapeControl(char32_t c) {
  switch (c) {
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
    default:
      break;
  }
  if (c < 0x80) return fmt::format("\\x{:02x}", static_cast<std::uint32_t>(c));
  if (c < 0x10000) return fmt::format("\\u{:04x}", static_cast<std::uint32_t>(c));
  return fmt::format("\\U{:08x}", static_cast<std::uint32_t>(c));
}

std::string JsonEscape(char32_t c) {
  if (c < 0x10000) return fmt::format("\\u{:04x}", static_cast<std::uint32_t>(c));
  const std::uint32_t rest = static_cast<std::uint32_t>(c) - 0x10000U;
  return fmt::format("\\u{:04x}\\u{:04x}", 0xD800U + (rest >> 10U), 0xDC00U + (rest & 0x3FFU));
}

std::size_t ColumnsOf(char32_t c) {
  if ((c >= 0x300 && c <= 0x36F) || (c >= 0xFE00 && c <= 0xFE0F)) return 0;
  const bool wide = (c >= 0x1100 && c <= 0x115F) || (c >= 0x2E80 && c <= 0xA4CF) || (c >= 0xAC00 && c <= 0xD7A3) ||
                    (c >= 0xF900 && c <= 0xFAFF) || (c >= 0xFE30 && c <= 0xFE6F) || (c >= 0xFF00 && c <= 0xFF60) ||
                    (c >= 0x1F300 && c <= 0x1FAFF) || (c >= 0x20000 && c <= 0x3FFFD);
  return wide ? 2 : 1;
}

}  // namespace

Stream::Stream(int fd, const std::map<std::string, std::string>& variables) : fd_(fd), tty_(isatty(fd) == 1) {
  // https://no-color.org: present and not empty.
  colours_ = tty_ && Variable(variables, "NO_COLOR").empty() && Variable(variables, "TERM") != "dumb";
  const std::string_view columns = Variable(variables, "COLUMNS");
  if (std::from_chars(columns.data(), columns.data() + columns.size(), columns_).ec != std::errc()) columns_ = 0;
}

Stream::~Stream() {
  Flush();
}

void Stream::Write(std::string_view text) {
  if (closed()) return;
  buffer_ += text;
  if (buffer_.size() >= kBufferBytes) Flush();
}

void Stream::Flush() {
  std::string_view rest = buffer_;
  while (!rest.empty() && !closed()) {
    const ssize_t written = write(fd_, rest.data(), rest.size());
    if (written >= 0) {
      rest.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EPIPE) {
      broken_ = true;
    } else if (errno != EINTR) {
      error_ = errno;
    }
  }
  buffer_.clear();
}

std::size_t Stream::width() const {
  if (columns_ != 0) return columns_;
  winsize size{};
  if (tty_ && ioctl(fd_, TIOCGWINSZ, &size) == 0 && size.ws_col != 0) return size.ws_col;
  return kDefaultColumns;
}

std::string Stream::Paint(std::string_view text, Colour colour) const {
  if (!colours_ || colour == Colour::kNone) return std::string(text);
  constexpr std::array<std::string_view, 7> kCodes = {"0", "1", "2", "31", "32", "33", "36"};
  return fmt::format("\x1b[{}m{}\x1b[0m", kCodes.at(static_cast<std::size_t>(colour)), text);
}

std::string Printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const Utf8Character c = DecodeUtf8(text);
    if (!c.valid) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[0]));
    } else if (c.code < 0x20 || c.code == 0x7F || Deceptive(c.code)) {
      out += EscapeControl(c.code);
    } else {
      out += text.substr(0, c.bytes);
    }
    text.remove_prefix(c.bytes);
  }
  return out;
}

std::string PrintableJson(std::string_view json) {
  std::string out;
  out.reserve(json.size());
  while (!json.empty()) {
    const Utf8Character c = DecodeUtf8(json);
    const bool control = (c.code < 0x20 && c.code != '\n' && c.code != '\t') || c.code == 0x7F;
    if (!c.valid) {
      out += "\\ufffd";
    } else if (control || Deceptive(c.code)) {
      out += JsonEscape(c.code);
    } else {
      out += json.substr(0, c.bytes);
    }
    json.remove_prefix(c.bytes);
  }
  return out;
}

std::size_t DisplayWidth(std::string_view text) {
  std::size_t columns = 0;
  while (!text.empty()) {
    const Utf8Character c = DecodeUtf8(text);
    columns += c.valid ? ColumnsOf(c.code) : 1;
    text.remove_prefix(c.bytes);
  }
  return columns;
}

std::string Cut(std::string_view text, std::size_t columns) {
  if (DisplayWidth(text) <= columns) return std::string(text);
  if (columns == 0) return {};
  std::string out;
  std::size_t used = 0;
  while (!text.empty()) {
    const Utf8Character c = DecodeUtf8(text);
    const std::size_t wide = c.valid ? ColumnsOf(c.code) : 1;
    if (used + wide > columns - 1) break;
    used += wide;
    out += text.substr(0, c.bytes);
    text.remove_prefix(c.bytes);
  }
  return out + "…";
}

std::string Fit(std::string_view text, std::size_t columns, Align align) {
  std::string cut = Cut(text, columns);
  const std::string spaces(columns - std::min(columns, DisplayWidth(cut)), ' ');
  return align == Align::kLeft ? cut + spaces : spaces + cut;
}

std::string Grouped(unsigned long long number) {
  std::string digits = std::to_string(number);
  for (std::size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, 1, ',');
  return digits;
}

std::string HumanBytes(unsigned long long bytes) {
  if (bytes < 1024) return fmt::format("{} B", bytes);
  constexpr std::array<std::string_view, 6> kUnits = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  double value = static_cast<double>(bytes) / 1024.0;
  std::size_t unit = 0;
  while (value >= 1023.95 && unit + 1 < kUnits.size()) {
    value /= 1024.0;
    ++unit;
  }
  return fmt::format("{:.1f} {}", value, kUnits.at(unit));
}

std::string HumanMillis(double millis) {
  if (!std::isfinite(millis) || millis < 0) return "?";
  if (millis < 10) return fmt::format("{:.1f} ms", millis);
  if (millis < 1000) return fmt::format("{:.0f} ms", millis);
  if (millis < 60'000) return fmt::format("{:.2f} s", millis / 1000.0);
  const double seconds = std::min(millis / 1000.0, 1e12);
  const auto whole = static_cast<unsigned long long>(seconds);
  if (whole < 3600) return fmt::format("{}m {}s", whole / 60, whole % 60);
  return fmt::format("{}h {}m", whole / 3600, whole % 3600 / 60);
}

}  // namespace cli
