// The head of a response from whatever values: no value may start a new line or end the head.
// Input: a byte of shape, then "name\tvalue" pairs with a NUL after each.
#include "http/response_head.h"

#include "fuzz/fuzz.h"
#include "http/text.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const unsigned shape = data[0];
  http::Response response{.status = 100 + static_cast<int>(shape % 64) * 8};
  std::string_view rest = fuzz::Text(data + 1, size - 1);
  while (!rest.empty()) {
    const auto [pair, after] = fuzz::Cut(rest, std::string_view("\0", 1));
    const auto [name, value] = fuzz::Cut(pair, "\t");
    response.headers.emplace_back(std::string(name), std::string(value));
    rest = after;
  }
  std::string head;
  http::AppendResponseHead(head, response,
                           {.framing = static_cast<http::Framing>(shape % 3),
                            .length = size,
                            .persistence = static_cast<http::Persistence>(shape / 3 % 3)});
  fuzz::Require(head.ends_with("\r\n\r\n") && head.find("\r\n\r\n") == head.size() - 4, "the head ends once");
  std::size_t lines = 0;
  std::size_t lengths = 0;
  for (std::string_view left = head; left.size() > 2; ++lines) {
    const auto [line, after] = fuzz::Cut(left, "\r\n");
    for (const char c : line) fuzz::Require(c != '\r' && c != '\n' && c != '\0', "a line is one");
    if (lines > 0) {
      const auto [name, value] = fuzz::Cut(line, ":");
      fuzz::Require(!name.empty() && name.find(' ') == std::string_view::npos, "a header has a name");
      if (http::EqualNoCase(name, "content-length") || http::EqualNoCase(name, "transfer-encoding")) ++lengths;
    }
    left = after;
  }
  fuzz::Require(lengths <= 1, "the framing is said at most once");
  fuzz::Require(lines <= response.headers.size() + 8, "every header is at most one line");
  return 0;
}
