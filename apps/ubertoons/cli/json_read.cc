#include "cli/json_read.h"

#include <fmt/format.h>

#include <boost/json/parse.hpp>
#include <boost/json/stream_parser.hpp>
#include <cmath>

#include "base/log.h"
#include "job/limits.h"

namespace cli {
namespace {

json::parse_options Options() {
  json::parse_options options;
  options.max_depth = job::kMaxJsonDepth;
  return options;
}

bool IsSpace(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

// Walks the outline of a JSON text: strings and brackets, no more. Bounded by the text; never recurses.
class Outline {
 public:
  explicit Outline(std::string_view text) : text_(text) {}

  void SkipSpace() {
    while (at_ < text_.size() && IsSpace(text_[at_])) ++at_;
  }
  bool Take(char c) {
    SkipSpace();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  [[nodiscard]] bool AtEnd() {
    SkipSpace();
    return at_ == text_.size();
  }
  // A string with its quotes; empty if there is none.
  std::string_view String() {
    SkipSpace();
    const std::size_t begin = at_;
    if (at_ >= text_.size() || text_[at_] != '"') return {};
    if (!SkipString()) return {};
    return text_.substr(begin, at_ - begin);
  }
  // Any value; empty if there is none or it does not end.
  std::string_view Value() {
    SkipSpace();
    const std::size_t begin = at_;
    std::size_t depth = 0;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (depth == 0 && (c == ',' || c == ']' || c == '}' || IsSpace(c))) break;
      if (c == '"') {
        if (!SkipString()) return {};
      } else {
        if (c == '[' || c == '{') ++depth;
        if (c == ']' || c == '}') --depth;
        ++at_;
      }
      if (depth == 0 && (c == '"' || c == ']' || c == '}')) break;
    }
    return depth == 0 ? text_.substr(begin, at_ - begin) : std::string_view{};
  }

 private:
  bool SkipString() {
    for (++at_; at_ < text_.size(); ++at_) {
      if (text_[at_] == '\\') {
        ++at_;
      } else if (text_[at_] == '"') {
        ++at_;
        return true;
      }
    }
    return false;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

std::optional<json::value> ParseJson(std::string_view text) {
  boost::system::error_code ec;
  json::value value = json::parse(text, ec, {}, Options());
  if (ec) return std::nullopt;
  return value;
}

std::optional<std::string> JsonFault(std::string_view text) {
  json::stream_parser parser({}, Options());
  boost::system::error_code ec;
  const std::size_t good = parser.write(text.data(), text.size(), ec);
  std::size_t at = good;
  if (!ec) {
    parser.finish(ec);
    at = text.size();
  }
  if (!ec) return std::nullopt;
  std::size_t line = 1;
  std::size_t column = 1;
  for (const char c : text.substr(0, at)) {
    column = c == '\n' ? 1 : column + 1;
    line += c == '\n' ? 1 : 0;
  }
  return fmt::format("line {}, column {}: {}", line, column, ec.message());
}

const json::value* At(const json::value& value, std::string_view key) {
  const json::object* object = value.if_object();
  return object == nullptr ? nullptr : object->if_contains(key);
}

const json::array* ArrayAt(const json::value& value, std::string_view key) {
  const json::value* member = At(value, key);
  return member == nullptr ? nullptr : member->if_array();
}

std::string TextAt(const json::value& value, std::string_view key) {
  const json::value* member = At(value, key);
  const json::string* text = member == nullptr ? nullptr : member->if_string();
  return text == nullptr ? std::string{} : std::string(*text);
}

std::optional<std::uint64_t> CountOf(const json::value& value) {
  if (const std::int64_t* number = value.if_int64()) {
    if (*number < 0) return std::nullopt;
    return static_cast<std::uint64_t>(*number);
  }
  if (const std::uint64_t* number = value.if_uint64()) return *number;
  const double* number = value.if_double();
  if (number == nullptr || *number < 0 || *number > 9e15 || std::floor(*number) != *number) return std::nullopt;
  return static_cast<std::uint64_t>(*number);
}

std::optional<std::uint64_t> CountAt(const json::value& value, std::string_view key) {
  const json::value* member = At(value, key);
  return member == nullptr ? std::nullopt : CountOf(*member);
}

std::optional<double> NumberAt(const json::value& value, std::string_view key) {
  const json::value* member = At(value, key);
  if (member == nullptr) return std::nullopt;
  if (const std::int64_t* number = member->if_int64()) return static_cast<double>(*number);
  if (const std::uint64_t* number = member->if_uint64()) return static_cast<double>(*number);
  if (const double* number = member->if_double()) return *number;
  return std::nullopt;
}

std::optional<std::vector<RawMember>> RawMembers(std::string_view object) {
  Outline outline(object);
  std::vector<RawMember> members;
  if (!outline.Take('{')) return std::nullopt;
  if (outline.Take('}')) return outline.AtEnd() ? std::optional(std::move(members)) : std::nullopt;
  do {
    RawMember member;
    member.name = outline.String();
    const std::optional<json::value> key = ParseJson(member.name);
    if (!key || !key->is_string() || !outline.Take(':')) return std::nullopt;
    member.key = std::string(key->get_string());
    member.value = outline.Value();
    if (member.value.empty()) return std::nullopt;
    members.push_back(std::move(member));
  } while (outline.Take(','));
  if (!outline.Take('}') || !outline.AtEnd()) return std::nullopt;
  return members;
}

std::optional<std::vector<std::string_view>> RawElements(std::string_view array) {
  Outline outline(array);
  std::vector<std::string_view> elements;
  if (!outline.Take('[')) return std::nullopt;
  if (outline.Take(']')) return outline.AtEnd() ? std::optional(std::move(elements)) : std::nullopt;
  do {
    elements.push_back(outline.Value());
    if (elements.back().empty()) return std::nullopt;
  } while (outline.Take(','));
  if (!outline.Take(']') || !outline.AtEnd()) return std::nullopt;
  return elements;
}

std::optional<std::vector<std::string_view>> RawListAt(std::string_view object, std::string_view key) {
  const auto members = RawMembers(object);
  if (!members) return std::nullopt;
  for (const RawMember& member : *members) {
    if (member.key == key) return RawElements(member.value);
  }
  return std::nullopt;
}

std::string OneLine(std::string_view json) {
  std::string line(json);
  for (char& c : line) {
    if (c == '\n' || c == '\r') c = ' ';
  }
  return line;
}

std::string Quoted(std::string_view text) {
  std::string out;
  base::AppendJsonString(out, text);
  return out;
}

}  // namespace cli
