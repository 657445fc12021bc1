// The head of a response as bytes. Pure but for the clock in Date.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "http/message.h"

namespace http {

// How the receiver finds the body's end.
enum class Framing : std::uint8_t {
  kLength,      // Content-Length
  kChunked,     // Transfer-Encoding: chunked
  kUntilClose,  // HTTP/1.0 and a length that is not known
};
enum class Persistence : std::uint8_t { kKeepAlive, kKeepAliveNamed, kClose };  // named: HTTP/1.0 has to be told

struct HeadShape {
  Framing framing = Framing::kLength;
  std::uint64_t length = 0;
  Persistence persistence = Persistence::kKeepAlive;
};

// Ends with the empty line. Headers that are the server's business are ignored, names that are not tokens dropped, and
// control characters in values become spaces, so that no value can start a new line.
void AppendResponseHead(std::string& out, const Response& response, const HeadShape& shape);
// 1xx, 204 and 304 have none (RFC 9110 section 6.4.1).
[[nodiscard]] bool StatusHasBody(int status);
// "5\r\nhello\r\n"; the last chunk is "0\r\n\r\n".
void AppendChunk(std::string& out, std::string_view data);
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";

}  // namespace http
