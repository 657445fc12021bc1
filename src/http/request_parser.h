// Bytes to RequestHead, strictly: what proxies and servers are known to read differently (RFC 9112 section 11.2,
// request smuggling) is refused rather than interpreted. Boost.Beast's basic_parser underneath. One parser per request.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "http/message.h"

namespace http {

// Looks for the end of a head in bytes that arrive in pieces, refusing bare CR or LF, control characters and folded
// lines as soon as they are seen, so that nothing malformed waits for a time-out.
class HeadScanner {
 public:
  // `bytes` starts with the head and only grows between calls. The head's size with its empty line, or nullopt when
  // more is needed. kInvalid as said above, and at the end of a request line that is not one of HTTP/1.
  [[nodiscard]] base::Result<std::optional<std::size_t>> Scan(std::string_view bytes);
  // Of the request line, as far as it was seen.
  [[nodiscard]] std::size_t first_line_bytes() const { return line_ == 0 ? at_ : first_line_; }

 private:
  std::size_t at_ = 0;
  std::size_t line_ = 0;        // where the current line starts
  std::size_t first_line_ = 0;  // its size, once it is complete
};

struct ParsedHead {
  RequestHead request;     // method is GET for HEAD
  bool head_only = false;  // it was HEAD
  bool chunked = false;
  bool keep_alive = false;  // the client allows another request on the connection
  bool http10 = false;
  bool expects_continue = false;
};

class RequestParser {
 public:
  RequestParser();
  ~RequestParser();
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;

  // `head` is complete (HeadScanner). kInvalid: not a request; kUnsupported: a method or an expectation we do not know.
  [[nodiscard]] base::Result<ParsedHead> ParseHead(std::string_view head);
  // Reads a chunked body after its head: appends data to `out` and returns how many bytes were used; 0 asks for more,
  // in front of which the same bytes have to come again.
  [[nodiscard]] base::Result<std::size_t> ParseChunked(std::string_view bytes, std::string& out);
  [[nodiscard]] bool done() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace http
