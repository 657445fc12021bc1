// The Range, If-None-Match and traceparent headers of a request for a file: api::ServeFile over a file of 10 bytes.
// Input: "<range>\n<if-none-match>\n<traceparent>\n<content type>\n<name>".
#include <fmt/format.h>
#include <unistd.h>

#include "api/calls.h"
#include "api/exchange.h"
#include "fuzz/fuzz.h"

namespace {

constexpr std::uint64_t kFileBytes = 10;

const std::string& TheFile() {
  static const std::string path = [] {
    std::string name = "/tmp/fuzz-range-XXXXXX";
    const int fd = ::mkstemp(name.data());
    fuzz::Require(fd >= 0 && ::write(fd, "0123456789", kFileBytes) == kFileBytes, "a temporary file");
    (void)::close(fd);
    std::atexit([] { (void)::unlink(TheFile().c_str()); });
    return name;
  }();
  return path;
}

std::string_view HeaderOf(const http::Response& response, std::string_view name) {
  for (const auto& [key, value] : response.headers) {
    if (key == name) return value;
  }
  return {};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static base::SeededRandom random(1);
  const auto [range, rest] = fuzz::Cut(fuzz::Text(data, size), "\n");
  const auto [match, rest2] = fuzz::Cut(rest, "\n");
  const auto [trace, rest3] = fuzz::Cut(rest2, "\n");
  const auto [type, name] = fuzz::Cut(rest3, "\n");
  http::RequestHead head{.method = "GET", .target = "/artifacts/x", .path = "/artifacts/x"};
  head.headers = {
      {"Range", std::string(range)}, {"If-None-Match", std::string(match)}, {"traceparent", std::string(trace)}};
  const api::Exchange exchange(head, random);
  fuzz::Require(wire::ParseTraceparent(wire::FormatTraceparent(exchange.trace)) == exchange.trace, "a trace is one");

  const auto response = api::ServeFile(
      exchange, {.path = TheFile(), .content_type = std::string(type), .name = std::string(name), .sha256 = {}});
  for (const auto& [key, value] : response.headers) {
    for (const char c : value) fuzz::Require(c >= 0x20 && c != 0x7f, "a header's value is one line");
  }
  if (response.status == 416 || response.status == 304) return 0;
  fuzz::Require(response.status == 200 || response.status == 206, "a file is served or refused");
  const auto& body = std::get<http::FileBody>(response.body);
  fuzz::Require(body.length >= 1 && body.length <= kFileBytes && body.offset <= kFileBytes - body.length,
                "what is served is in the file");
  if (response.status == 206) {
    fuzz::Require(HeaderOf(response, "Content-Range") ==
                      fmt::format("bytes {}-{}/{}", body.offset, body.offset + body.length - 1, kFileBytes),
                  "Content-Range says what is served");
  }
  return 0;
}
