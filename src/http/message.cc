#include "http/message.h"

#include <cstddef>

#include "http/text.h"

namespace http {

namespace {

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

enum class Plus : std::uint8_t { kIsPlus, kIsSpace };

std::optional<std::string> Decode(std::string_view text, Plus plus) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += plus == Plus::kIsSpace && text[i] == '+' ? ' ' : text[i];
      continue;
    }
    if (text.size() - i < 3) return std::nullopt;
    const int high = HexDigit(text[i + 1]);
    const int low = HexDigit(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

}  // namespace

char LowerAscii(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool EqualNoCase(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (LowerAscii(a[i]) != LowerAscii(b[i])) return false;
  }
  return true;
}

std::string_view FindHeader(const Headers& headers, std::string_view name) {
  for (const auto& [key, value] : headers) {
    if (EqualNoCase(key, name)) return value;
  }
  return {};
}

std::string_view RequestHead::header(std::string_view name) const {
  return FindHeader(headers, name);
}

std::optional<std::string_view> Response::text() const {
  if (const auto* own = std::get_if<std::string>(&body)) return *own;
  if (const auto* shared = std::get_if<StaticBody>(&body)) return shared->text;
  return std::nullopt;
}

int MalformedStatus(const base::Error& error) {
  if (error.reason == kReasonHeaderTimeout || error.reason == kReasonBodyTimeout) return 408;
  if (error.reason == kReasonTargetTooLong) return 414;
  if (error.reason == kReasonExpectation) return 417;
  if (error.reason == kReasonHeaderTooLarge) return 431;
  return base::PolicyOf(error.code).http_status;
}

base::Result<std::map<std::string, std::string>> ParseQuery(std::string_view query) {
  std::map<std::string, std::string> out;
  while (!query.empty()) {
    const std::size_t end = query.find('&');
    const std::string_view pair = query.substr(0, end);
    query = end == std::string_view::npos ? std::string_view{} : query.substr(end + 1);
    if (pair.empty()) continue;
    const std::size_t equals = pair.find('=');
    auto name = Decode(pair.substr(0, equals), Plus::kIsSpace);
    auto value =
        Decode(equals == std::string_view::npos ? std::string_view{} : pair.substr(equals + 1), Plus::kIsSpace);
    if (!name || !value) return base::Fail(base::Code::kInvalid, "The query holds a broken percent escape", "query");
    if (!out.try_emplace(std::move(*name), std::move(*value)).second) {
      return base::Fail(base::Code::kInvalid, "The query names a parameter twice", "query");
    }
  }
  return out;
}

std::string PercentEncode(std::string_view text) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
                       c == '.' || c == '_' || c == '~';
    if (plain) {
      out += c;
    } else {
      out += '%';
      out += kHex[byte >> 4U];
      out += kHex[byte & 15U];
    }
  }
  return out;
}

std::optional<std::string> PercentDecode(std::string_view text) {
  return Decode(text, Plus::kIsPlus);
}

}  // namespace http
