// An HTTP request as bytes: HeadScanner, RequestParser, a chunked body; whole and in pieces.
#include "fuzz/fuzz.h"
#include "http/request_parser.h"

namespace {

constexpr std::size_t kMost = 64 * 1024;

struct Body {
  bool good = true;
  bool done = false;
  std::string data;
  std::size_t used = 0;
};

// As the session does: what is not used yet stays in front of what comes.
Body ReadChunked(http::RequestParser& parser, std::string_view bytes, std::size_t step) {
  Body body;
  std::size_t given = 0;
  while (body.good && !parser.done()) {
    const auto used = parser.ParseChunked(bytes.substr(body.used, given - body.used), body.data);
    body.good = used.has_value();
    if (!used) break;
    fuzz::Require(*used <= given - body.used, "no more is used than was given");
    body.used += *used;
    if (*used > 0) continue;
    if (given == bytes.size()) break;
    given = std::min(bytes.size(), given + step);
  }
  body.done = parser.done();
  return body;
}

std::optional<std::size_t> ScanInPieces(std::string_view bytes, bool& good) {
  http::HeadScanner scanner;
  std::string so_far;
  std::optional<std::size_t> end;
  (void)fuzz::InPieces(bytes, [&](std::string_view piece) {
    so_far += piece;
    const auto found = scanner.Scan(so_far);
    good = found.has_value();
    if (found) end = *found;
    return good && !end;
  });
  return end;
}

void RequireGood(const http::ParsedHead& parsed) {
  const http::RequestHead& request = parsed.request;
  fuzz::Require(!request.path.empty() && (request.path[0] == '/' || request.path == "*"), "there is a path");
  fuzz::Require(!(parsed.chunked && request.content_length), "one framing only");
  fuzz::Require(!(parsed.chunked && parsed.http10), "no chunks in HTTP/1.0");
  fuzz::Require(request.method != "HEAD" || parsed.head_only, "HEAD reads as GET");
  for (const auto& [name, value] : request.headers) {
    fuzz::Require(!name.empty(), "a header has a name");
    for (const char c : value) {
      fuzz::Require(static_cast<unsigned char>(c) >= 0x20 || c == '\t', "a header's value is one line");
    }
  }
  (void)http::ParseQuery(request.query);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > kMost) return 0;
  const std::string_view bytes = fuzz::Text(data, size);
  http::HeadScanner scanner;
  const auto end = scanner.Scan(bytes);
  bool good = true;
  const auto cut_end = ScanInPieces(bytes, good);
  const std::size_t head_bytes = end ? end->value_or(0) : 0;
  fuzz::Require(end.has_value() == good && head_bytes == cut_end.value_or(0),
                "pieces end the head where the whole does");
  if (head_bytes == 0) return 0;
  fuzz::Require(head_bytes <= size, "the head ends in the bytes");
  const std::string_view head = bytes.substr(0, head_bytes);

  http::RequestParser parser;
  http::RequestParser other;
  const auto parsed = parser.ParseHead(head);
  if (!parsed) {
    fuzz::Require(http::MalformedStatus(parsed.error()) >= 400, "a refusal is one");
    return 0;
  }
  RequireGood(*parsed);
  if (!parsed->chunked) return 0;
  fuzz::Require(other.ParseHead(head).has_value(), "a head parses twice");
  const std::string_view rest = bytes.substr(head_bytes);
  const Body whole = ReadChunked(parser, rest, rest.size());
  const Body cut = ReadChunked(other, rest, 1);
  fuzz::Require(whole.good == cut.good && whole.done == cut.done, "pieces of a body decide as the whole does");
  if (whole.good) fuzz::Require(whole.data == cut.data, "and give the same data");
  if (whole.done) fuzz::Require(whole.used == cut.used, "and end at the same byte");
  return 0;
}
