#include "http/response_head.h"

#include <fmt/format.h>

#include <boost/beast/http/status.hpp>
#include <ctime>
#include <iterator>

#include "http/text.h"

namespace http {

namespace {

bool IsTokenChar(char c) {
  const bool alphanumeric = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  return alphanumeric || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool IsToken(std::string_view name) {
  if (name.empty()) return false;
  for (const char c : name) {
    if (!IsTokenChar(c)) return false;
  }
  return true;
}

bool IsServersBusiness(std::string_view name) {
  for (const std::string_view own :
       {"content-length", "transfer-encoding", "connection", "date", "server", "keep-alive", "trailer", "upgrade"}) {
    if (EqualNoCase(name, own)) return true;
  }
  return false;
}

// IMF-fixdate (RFC 9110 section 5.6.7), rendered once a second and thread.
std::string_view DateValue() {
  thread_local std::time_t rendered_for = 0;
  thread_local std::string text;
  const std::time_t now = std::time(nullptr);
  if (now != rendered_for) {
    static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                              "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    std::tm utc{};
    gmtime_r(&now, &utc);
    text = fmt::format("{}, {:02} {} {} {:02}:{:02}:{:02} GMT", kDays[utc.tm_wday], utc.tm_mday, kMonths[utc.tm_mon],
                       utc.tm_year + 1900, utc.tm_hour, utc.tm_min, utc.tm_sec);
    rendered_for = now;
  }
  return text;
}

std::string_view ReasonPhrase(int status) {
  const auto phrase = boost::beast::http::obsolete_reason(static_cast<boost::beast::http::status>(status));
  return {phrase.data(), phrase.size()};
}

void AppendHeaders(std::string& out, const Headers& headers) {
  for (const auto& [name, value] : headers) {
    if (!IsToken(name) || IsServersBusiness(name)) continue;
    out += name;
    out += ": ";
    for (const char c : value) {
      const bool control = (c >= 0 && c < ' ' && c != '\t') || c == 0x7f;
      out += control ? ' ' : c;
    }
    out += "\r\n";
  }
}

}  // namespace

void AppendResponseHead(std::string& out, const Response& response, const HeadShape& shape) {
  const int status = response.status >= 200 && response.status <= 599 ? response.status : 500;
  fmt::format_to(std::back_inserter(out), "HTTP/1.1 {} {}\r\nServer: ubertoons\r\nDate: {}\r\n", status,
                 ReasonPhrase(status), DateValue());
  AppendHeaders(out, response.headers);
  if (shape.framing == Framing::kChunked) out += "Transfer-Encoding: chunked\r\n";
  if (shape.framing == Framing::kLength && status != 204 && status != 304) {
    fmt::format_to(std::back_inserter(out), "Content-Length: {}\r\n", shape.length);
  }
  if (shape.persistence == Persistence::kClose) out += "Connection: close\r\n";
  if (shape.persistence == Persistence::kKeepAliveNamed) out += "Connection: keep-alive\r\n";
  out += "\r\n";
}

bool StatusHasBody(int status) {
  return status >= 200 && status != 204 && status != 304;
}

void AppendChunk(std::string& out, std::string_view data) {
  fmt::format_to(std::back_inserter(out), "{:x}\r\n", data.size());
  out += data;
  out += "\r\n";
}

}  // namespace http
