// RFC 8785 over what the strict parser accepts, against Boost.JSON.
#include "wire/canonical_json.h"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <cmath>
#include <limits>

#include "fuzz/fuzz.h"
#include "wire/json_text.h"

namespace {

namespace json = boost::json;

std::optional<json::value> BoostParse(std::string_view text) {
  boost::system::error_code ec;
  json::parse_options options;
  options.max_depth = 128;
  auto value = json::parse(json::string_view(text.data(), text.size()), ec, {}, options);
  if (ec) return std::nullopt;
  return value;
}

// Equal as doubles, which is what RFC 8785 prints. Boost.JSON 1.81 may round the last bits otherwise, and reads 0e999
// as NaN.
bool SameNumber(const json::value& a, const json::value& b) {
  const double x = a.to_number<double>();
  const double y = b.to_number<double>();
  return x == y || !std::isfinite(x) || std::abs(x - y) <= 4 * std::numeric_limits<double>::epsilon() * std::abs(x);
}

bool Same(const json::value& a, const json::value& b) {
  if (a.is_number() && b.is_number()) return SameNumber(a, b);
  if (a.kind() != b.kind()) return false;
  if (a.is_array()) {
    return std::ranges::equal(a.get_array(), b.get_array(), [](const auto& x, const auto& y) { return Same(x, y); });
  }
  if (!a.is_object()) return a == b;
  if (a.get_object().size() != b.get_object().size()) return false;
  return std::ranges::all_of(a.get_object(), [&](const auto& member) {
    const auto* other = b.get_object().if_contains(member.key());
    return other != nullptr && Same(member.value(), *other);
  });
}

// Numbers that RFC 8785 writes as integers of more than 64 bits: the strict parser refuses those. See canonical_json.h.
bool HasHugeInteger(const wire::Element& element) {
  wire::Array array;
  wire::Object object;
  double number = 0;
  if (element.get(array) == simdjson::SUCCESS) return std::any_of(array.begin(), array.end(), HasHugeInteger);
  if (element.get(object) == simdjson::SUCCESS) {
    return std::any_of(object.begin(), object.end(), [](const auto& field) { return HasHugeInteger(field.value); });
  }
  return element.get(number) == simdjson::SUCCESS && std::abs(number) >= 0x1p63 && std::abs(number) < 1e21;
}

// The members' texts, found without a parser, are those of the parsed members.
void RequireMembers(const wire::Element& element, std::string_view text) {
  wire::Object object;
  if (element.get(object) != simdjson::SUCCESS) return;
  std::size_t index = 0;
  const std::size_t count = object.size();
  if (count > 8) return;
  for (const auto field : object) {
    wire::StrictParser parser;
    const auto member = parser.Parse(wire::MemberText(text, index++, count));
    std::string found;
    std::string expected;
    fuzz::Require(member.has_value(), "a member's text is JSON");
    wire::AppendCanonical(*member, found);
    wire::AppendCanonical(field.value, expected);
    fuzz::Require(found == expected, "a member's text is its value");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::Text(data, size);
  wire::StrictParser parser;
  const auto element = parser.Parse(text);
  const auto boost_value = BoostParse(text);
  if (!element) return 0;
  std::string once;
  wire::AppendCanonical(*element, once);
  RequireMembers(*element, text);
  const auto canonical = BoostParse(once);
  fuzz::Require(canonical.has_value(), "Boost.JSON accepts a canonical form");
  // It refuses 0e9999999999, which is 0.
  fuzz::Require(!boost_value || Same(*boost_value, *canonical), "the canonical form has Boost.JSON's value");
  if (HasHugeInteger(*element)) return 0;

  wire::StrictParser again;
  const auto parsed = again.Parse(once);
  fuzz::Require(parsed.has_value(), "a canonical form is strict JSON");
  std::string twice;
  wire::AppendCanonical(*parsed, twice);
  fuzz::Require(once == twice, "canonicalising twice changes nothing");

  wire::StrictParser minified;
  const auto small = minified.Parse(wire::Minify(*element));
  fuzz::Require(small.has_value(), "the minified form is strict JSON");
  std::string of_small;
  wire::AppendCanonical(*small, of_small);
  fuzz::Require(of_small == once, "minifying keeps the value");
  return 0;
}
