#include "wire/json_text.h"

#include <cstring>

namespace wire {

namespace {

bool IsSpace(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

std::size_t SkipSpace(std::string_view text, std::size_t at) {
  while (at < text.size() && IsSpace(text[at])) ++at;
  return at;
}

// Past the value that starts at text[at].
std::size_t SkipValue(std::string_view text, std::size_t at) {
  std::size_t depth = 0;
  while (at < text.size()) {
    switch (text[at]) {
      case '"':
        at = SkipString(text, at);
        break;
      case '{':
      case '[':
        ++depth;
        ++at;
        continue;
      case '}':
      case ']':
        if (depth == 0) return at;  // the end of a number or word
        --depth;
        ++at;
        break;
      case ',':
        if (depth == 0) return at;
        [[fallthrough]];
      default:
        ++at;
        continue;
    }
    if (depth == 0) return at;
  }
  return at;
}

std::string_view Trim(std::string_view text) {
  while (!text.empty() && IsSpace(text.back())) text.remove_suffix(1);
  while (!text.empty() && IsSpace(text.front())) text.remove_prefix(1);
  return text;
}

// From text[at] up to the brace that closes the object.
std::string_view LastValue(std::string_view text, std::size_t at) {
  const std::size_t brace = text.rfind('}');
  if (brace == std::string_view::npos || brace < at) return {};
  return Trim(text.substr(at, brace - at));
}

}  // namespace

std::size_t SkipString(std::string_view text, std::size_t at) {
  const char* const begin = text.data() + at + 1;
  const char* const end = text.data() + text.size();
  const char* from = begin;
  while (from < end) {
    const auto* quote = static_cast<const char*>(std::memchr(from, '"', static_cast<std::size_t>(end - from)));
    if (quote == nullptr) break;
    // An odd run of backslashes before it makes it part of the string.
    const char* back = quote;
    while (back > begin && back[-1] == '\\') --back;
    if ((quote - back) % 2 == 0) return static_cast<std::size_t>(quote - text.data()) + 1;
    from = quote + 1;
  }
  return text.size();
}

std::string_view MemberText(std::string_view text, std::size_t index, std::size_t count) {
  std::size_t at = SkipSpace(text, 0) + 1;  // past {
  for (std::size_t i = 0; at < text.size(); ++i) {
    at = SkipSpace(text, at);
    if (at >= text.size() || text[at] != '"') return {};
    at = SkipSpace(text, SkipString(text, at));
    if (at >= text.size()) return {};
    at = SkipSpace(text, at + 1);  // past :
    if (i == index && index + 1 == count) return LastValue(text, at);
    const std::size_t end = SkipValue(text, at);
    if (i == index) return Trim(text.substr(at, end - at));
    at = SkipSpace(text, end) + 1;  // past , or }
  }
  return {};
}

}  // namespace wire
