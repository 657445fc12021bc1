#include "http/request_parser.h"

// Beast's optional body limit, as GCC 12 sees it with the sanitizers on.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

#include <charconv>
#include <utility>

#include "http/text.h"

namespace http {

namespace {

namespace bhttp = boost::beast::http;
using boost::beast::error_code;

std::unexpected<base::Error> Malformed(std::string message) {
  return base::Fail(base::Code::kInvalid, std::move(message), "malformed-request");
}

constexpr const char* kNotHttp = "This is not an HTTP/1.1 request";
// "0\r\n\r\n", the shortest end of a chunked body.
constexpr std::size_t kShortestEndBytes = 5;

bool IsKnownMethod(std::string_view method) {
  for (const std::string_view known : {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}) {
    if (method == known) return true;
  }
  return false;
}

// All fields of that name, so that a repeated one is seen.
std::vector<std::string_view> AllOf(const Headers& headers, std::string_view name) {
  std::vector<std::string_view> out;
  for (const auto& [key, value] : headers) {
    if (EqualNoCase(key, name)) out.emplace_back(value);
  }
  return out;
}

std::string_view Trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool HasToken(const Headers& headers, std::string_view name, std::string_view token) {
  for (std::string_view list : AllOf(headers, name)) {
    while (!list.empty()) {
      const std::size_t comma = list.find(',');
      if (EqualNoCase(Trim(list.substr(0, comma)), token)) return true;
      list = comma == std::string_view::npos ? std::string_view{} : list.substr(comma + 1);
    }
  }
  return false;
}

// The request target in origin form. Absolute form must be understood (RFC 9112 section 3.2.2): its authority goes to
// `authority`.
base::Status SplitTarget(RequestHead& head, std::string& authority) {
  std::string_view target = head.target;
  for (const char c : target) {
    if (c <= ' ' || c >= 0x7f || c == '#' || c == '\\') return Malformed("The request target is not a URI");
  }
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!target.starts_with(scheme)) continue;
    const std::size_t slash = target.find_first_of("/?", scheme.size());
    if (slash == std::string_view::npos || target[slash] != '/') return Malformed("The request target has no path");
    authority = target.substr(scheme.size(), slash - scheme.size());
    target = target.substr(slash);
    break;
  }
  if (target == "*" && head.method == "OPTIONS") {
    head.path = "*";
    return {};
  }
  if (!target.starts_with('/')) return Malformed("The request target is not a path");
  const std::size_t question = target.find('?');
  auto path = PercentDecode(target.substr(0, question));
  if (!path || path->find('\0') != std::string::npos) return Malformed("The path holds a broken percent escape");
  head.path = std::move(*path);
  if (question != std::string_view::npos) head.query = target.substr(question + 1);
  head.target = std::string(target);
  return {};
}

base::Status ReadFraming(ParsedHead& parsed) {
  const Headers& headers = parsed.request.headers;
  const auto lengths = AllOf(headers, "content-length");
  const auto codings = AllOf(headers, "transfer-encoding");
  if (!lengths.empty() && !codings.empty()) return Malformed("Both Content-Length and Transfer-Encoding are given");
  if (codings.size() > 1 || (codings.size() == 1 && !EqualNoCase(codings[0], "chunked"))) {
    return Malformed("The only transfer coding understood is chunked");
  }
  parsed.chunked = codings.size() == 1;
  if (parsed.chunked && parsed.http10) return Malformed("HTTP/1.0 has no transfer codings");
  for (const std::string_view text : lengths) {
    std::uint64_t length = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
    if (error != std::errc() || end != text.data() + text.size()) return Malformed("Content-Length is not a number");
    if (text != lengths.front()) return Malformed("Content-Length is given twice with different values");
    parsed.request.content_length = length;
  }
  return {};
}

// A name or an address, maybe with a port: URLs that we hand out are made of it.
bool IsHost(std::string_view host) {
  for (const char c : host) {
    const bool alphanumeric = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (!alphanumeric && std::string_view("-._~%:[]").find(c) == std::string_view::npos) return false;
  }
  return !host.empty();
}

base::Status CheckHost(const ParsedHead& parsed, std::string_view authority) {
  const auto hosts = AllOf(parsed.request.headers, "host");
  if (hosts.size() > 1) return Malformed("Host is given twice");
  if (hosts.empty() && !parsed.http10) return Malformed("Host is missing");
  if (!hosts.empty() && !IsHost(hosts[0])) return Malformed("Host is not the name of a host");
  // A proxy that goes by the one and a server that goes by the other would not mean the same.
  if (!authority.empty() && !hosts.empty() && !EqualNoCase(authority, hosts[0])) {
    return Malformed("Host and the request target name different hosts");
  }
  return {};
}

base::Status ReadConnection(ParsedHead& parsed) {
  const Headers& headers = parsed.request.headers;
  const bool close = HasToken(headers, "connection", "close");
  parsed.keep_alive = !close && (!parsed.http10 || HasToken(headers, "connection", "keep-alive"));
  if (parsed.http10) return {};
  for (const std::string_view expectation : AllOf(headers, "expect")) {
    if (!EqualNoCase(expectation, "100-continue")) {
      return base::Fail(base::Code::kUnsupported, "The only expectation understood is 100-continue",
                        std::string(kReasonExpectation));
    }
    parsed.expects_continue = true;
  }
  return {};
}

}  // namespace

base::Result<std::optional<std::size_t>> HeadScanner::Scan(std::string_view bytes) {
  for (; at_ < bytes.size(); ++at_) {
    const auto c = static_cast<unsigned char>(bytes[at_]);
    if (c >= 0x20 && c != 0x7f) {
      if (at_ == line_ && line_ != 0 && c == ' ') return Malformed("A header line is folded");
      continue;
    }
    if (c == '\t') {
      if (at_ == line_) return Malformed("A header line is folded");
      continue;
    }
    if (c != '\r') return Malformed("The head holds a control character");
    if (at_ + 1 == bytes.size()) return std::nullopt;
    if (bytes[at_ + 1] != '\n') return Malformed("A carriage return stands alone");
    const bool empty_line = at_ == line_;
    if (line_ == 0) {
      first_line_ = at_;
      const std::string_view line = bytes.substr(0, at_);
      if (!line.ends_with(" HTTP/1.1") && !line.ends_with(" HTTP/1.0")) return Malformed(kNotHttp);
    }
    ++at_;
    line_ = at_ + 1;
    if (empty_line) return line_;
  }
  return std::nullopt;
}

// The callbacks are Beast's; what they collect is ours.
struct RequestParser::Impl final : public bhttp::basic_parser<true> {
  using StringView = boost::beast::string_view;
  ParsedHead parsed;
  std::string* out = nullptr;

  void on_request_impl(bhttp::verb /*verb*/, StringView method, StringView target, int version,
                       error_code& /*ec*/) override {
    parsed.request.method.assign(method.data(), method.size());
    parsed.request.target.assign(target.data(), target.size());
    parsed.http10 = version < 11;
  }
  void on_response_impl(int /*code*/, StringView /*reason*/, int /*version*/, error_code& /*ec*/) override {}
  void on_field_impl(bhttp::field /*field*/, StringView name, StringView value, error_code& /*ec*/) override {
    if (head_done) return;  // trailers are read and dropped: nothing that was decided may change
    parsed.request.headers.emplace_back(std::string(name.data(), name.size()), std::string(value.data(), value.size()));
  }
  void on_header_impl(error_code& /*ec*/) override { head_done = true; }
  void on_body_init_impl(const boost::optional<std::uint64_t>& /*length*/, error_code& /*ec*/) override {}
  std::size_t on_body_impl(StringView body, error_code& /*ec*/) override { return body.size(); }
  void on_chunk_header_impl(std::uint64_t size, StringView /*extensions*/, error_code& /*ec*/) override {
    in_chunk = size > 0;
  }
  std::size_t on_chunk_body_impl(std::uint64_t remain, StringView body, error_code& /*ec*/) override {
    out->append(body.data(), body.size());
    in_chunk = body.size() < remain;
    return body.size();
  }
  void on_finish_impl(error_code& /*ec*/) override {}

  bool head_done = false;
  bool in_chunk = false;  // some of a chunk's data is still to come
};

RequestParser::RequestParser() : impl_(std::make_unique<Impl>()) {
  impl_->body_limit(boost::none);  // ours is per request and checked by the session
  impl_->header_limit(0xffffffffU);
}
RequestParser::~RequestParser() = default;

base::Result<ParsedHead> RequestParser::ParseHead(std::string_view head) {
  error_code ec;
  impl_->put(boost::asio::const_buffer(head.data(), head.size()), ec);
  impl_->eager(true);  // from here on as much of a chunked body as there is
  if (ec || !impl_->is_header_done()) return Malformed(kNotHttp);
  ParsedHead& parsed = impl_->parsed;
  std::string authority;
  UT_TRY(SplitTarget(parsed.request, authority));
  if (!IsKnownMethod(parsed.request.method)) {
    return base::Fail(base::Code::kUnsupported, "The method is not known here", "unknown-method");
  }
  UT_TRY(ReadFraming(parsed));
  UT_TRY(CheckHost(parsed, authority));
  UT_TRY(ReadConnection(parsed));
  if (parsed.request.method == "HEAD") {
    parsed.head_only = true;
    parsed.request.method = "GET";
  }
  return std::move(parsed);
}

base::Result<std::size_t> RequestParser::ParseChunked(std::string_view bytes, std::string& out) {
  // Beast, once it has seen "0\r\n", ends the process if fewer than two bytes follow before it is asked again.
  if (!impl_->in_chunk && bytes.starts_with('0') && bytes.size() < kShortestEndBytes) return 0;
  error_code ec;
  impl_->out = &out;
  const std::size_t used = impl_->put(boost::asio::const_buffer(bytes.data(), bytes.size()), ec);
  impl_->out = nullptr;
  if (ec == bhttp::error::need_more) ec = {};
  if (ec) return Malformed("The chunked body is malformed");
  return used;
}

bool RequestParser::done() const {
  return impl_->is_done();
}

}  // namespace http
