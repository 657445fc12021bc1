#include "wire/canonical_json.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>
#include <utility>
#include <vector>

#include "base/log.h"

namespace wire {

namespace {

using simdjson::dom::element_type;

constexpr std::int64_t kExactInteger = 1LL << 53U;  // every smaller integer is a double

// Where an eight-byte word may hold a character to escape; never false when it does. Each term marks the bytes below a
// bound or equal to a character (Warren, Hacker's Delight, 6-1).
bool MayNeedEscape(std::uint64_t word) {
  constexpr std::uint64_t kOnes = 0x0101010101010101;
  const auto below = [](std::uint64_t bytes, std::uint64_t bound) { return (bytes - kOnes * bound) & ~bytes; };
  const std::uint64_t marks = below(word, 0x20) | below(word ^ (kOnes * '"'), 1) | below(word ^ (kOnes * '\\'), 1);
  return (marks & (kOnes << 7U)) != 0;
}

// How many bytes from `at` on, in whole words, need no escape.
std::size_t PlainWords(std::string_view text, std::size_t at) {
  std::size_t i = at;
  for (std::uint64_t word = 0; i + sizeof word <= text.size(); i += sizeof word) {
    std::memcpy(&word, text.data() + i, sizeof word);
    if (MayNeedEscape(word)) break;
  }
  return i - at;
}

// RFC 8785 section 3.2.2.2 wants \b and \f, which base::AppendJsonString writes as \u0008 and \u000c.
void AppendString(std::string& out, std::string_view text) {
  static constexpr std::string_view kHex = "0123456789abcdef";
  out += '"';
  std::size_t from = 0;
  for (std::size_t i = PlainWords(text, 0); i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c != '"' && c != '\\') continue;
    out.append(text, from, i - from);
    from = i + 1;
    out += '\\';
    switch (c) {
      case '\b':
        out += 'b';
        break;
      case '\t':
        out += 't';
        break;
      case '\n':
        out += 'n';
        break;
      case '\f':
        out += 'f';
        break;
      case '\r':
        out += 'r';
        break;
      case '"':
      case '\\':
        out += static_cast<char>(c);
        break;
      default:
        out += "u00";
        out += kHex[c >> 4U];
        out += kHex[c & 15U];
    }
    i += PlainWords(text, from);
  }
  out.append(text, from);
  out += '"';
}

// The order of UTF-16 code units, of UTF-8 text. It differs from the order of bytes in one case only: characters beyond
// U+FFFF (lead bytes F0…F4) are surrogates D800…DFFF there, below U+E000…U+FFFF (lead bytes EE and EF).
bool Utf16Less(std::string_view a, std::string_view b) {
  const std::size_t common = std::min(a.size(), b.size());
  const auto [x, y] = std::mismatch(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(common), b.begin());
  if (x == a.begin() + static_cast<std::ptrdiff_t>(common)) return a.size() < b.size();
  const auto p = static_cast<unsigned char>(*x);
  const auto q = static_cast<unsigned char>(*y);
  const bool swapped = p >= 0xEE && q >= 0xEE && (p >= 0xF0) != (q >= 0xF0);
  return swapped ? p > q : p < q;
}

void AppendObject(const Object& object, std::string& out) {
  std::vector<std::pair<std::string_view, Element>> members;
  for (const auto field : object) members.emplace_back(field.key, field.value);
  std::sort(members.begin(), members.end(), [](const auto& a, const auto& b) { return Utf16Less(a.first, b.first); });
  out += '{';
  for (const auto& [key, value] : members) {
    if (out.back() != '{') out += ',';
    AppendString(out, key);
    out += ':';
    AppendCanonical(value, out);
  }
  out += '}';
}

void AppendArray(const Array& array, std::string& out) {
  out += '[';
  bool first = true;
  for (const Element child : array) {
    if (!first) out += ',';
    first = false;
    AppendCanonical(child, out);
  }
  out += ']';
}

// Digits and exponent of the shortest decimal that reads back as value: value = 0.d1d2d3… × 10^point. value > 0.
struct Decimal {
  std::array<char, 20> digits{};
  int count = 0;
  int point = 0;
};
Decimal ShortestOf(double value) {
  std::array<char, 40> text{};
  const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::scientific);
  (void)error;  // 40 bytes hold any double
  Decimal out;
  const char* at = text.data();
  for (; *at != 'e'; ++at) {
    if (*at != '.') out.digits[static_cast<std::size_t>(out.count++)] = *at;
  }
  ++at;
  if (*at == '+') ++at;
  int exponent = 0;
  std::from_chars(at, end, exponent);
  out.point = exponent + 1;
  return out;
}

void AppendExponent(const Decimal& d, std::string& out) {
  const std::string_view digits(d.digits.data(), static_cast<std::size_t>(d.count));
  out += digits.front();
  if (digits.size() > 1) {
    out += '.';
    out += digits.substr(1);
  }
  const int exponent = d.point - 1;
  out += exponent < 0 ? "e-" : "e+";
  out += std::to_string(std::abs(exponent));
}

}  // namespace

// https://tc39.es/ecma262/#sec-numeric-types-number-tostring
void AppendNumber(double value, std::string& out) {
  if (value == 0) {
    out += '0';  // minus zero too
    return;
  }
  if (value < 0) out += '-';
  const Decimal d = ShortestOf(std::abs(value));
  const std::string_view digits(d.digits.data(), static_cast<std::size_t>(d.count));
  if (d.point > 21 || d.point < -5) return AppendExponent(d, out);
  if (d.point <= 0) {
    out += "0.";
    out.append(static_cast<std::size_t>(-d.point), '0');
    out += digits;
  } else if (d.point >= d.count) {
    out += digits;
    out.append(static_cast<std::size_t>(d.point - d.count), '0');
  } else {
    out += digits.substr(0, static_cast<std::size_t>(d.point));
    out += '.';
    out += digits.substr(static_cast<std::size_t>(d.point));
  }
}

void AppendCanonical(const Element& element, std::string& out) {
  switch (element.type()) {
    case element_type::OBJECT:
      return AppendObject(Object(element), out);
    case element_type::ARRAY:
      return AppendArray(Array(element), out);
    case element_type::STRING:
      return AppendString(out, std::string_view(element));
    case element_type::BOOL:
      out += bool(element) ? "true" : "false";
      return;
    case element_type::NULL_VALUE:
      out += "null";
      return;
    case element_type::DOUBLE:
      return AppendNumber(double(element), out);
    case element_type::UINT64:
      return AppendNumber(static_cast<double>(std::uint64_t(element)), out);
    case element_type::INT64: {
      const auto value = std::int64_t(element);
      if (value > kExactInteger || value < -kExactInteger) return AppendNumber(static_cast<double>(value), out);
      out += std::to_string(value);
      return;
    }
  }
}

}  // namespace wire
