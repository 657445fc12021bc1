#include "auth/json.h"

#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/parse.hpp>
#include <set>
#include <string>
#include <vector>

namespace auth {

namespace json = boost::json;

namespace {

constexpr std::size_t kMaxDepth = 16;  // tokens and key sets nest two or three deep

// Events of a parse that only looks for keys named twice in one object.
struct DuplicateFinder {
  static constexpr std::size_t max_array_size = SIZE_MAX;
  static constexpr std::size_t max_object_size = SIZE_MAX;
  static constexpr std::size_t max_string_size = SIZE_MAX;
  static constexpr std::size_t max_key_size = SIZE_MAX;
  using Ec = json::error_code;
  using Text = json::string_view;

  bool on_document_begin(Ec&) { return true; }
  bool on_document_end(Ec&) { return true; }
  bool on_object_begin(Ec&) {
    objects.emplace_back();
    return true;
  }
  bool on_object_end(std::size_t, Ec&) {
    objects.pop_back();
    return true;
  }
  bool on_array_begin(Ec&) { return true; }
  bool on_array_end(std::size_t, Ec&) { return true; }
  bool on_key_part(Text part, std::size_t, Ec&) {
    key.append(part.data(), part.size());
    return true;
  }
  bool on_key(Text part, std::size_t, Ec& ec) {
    key.append(part.data(), part.size());
    if (!objects.back().insert(std::move(key)).second) ec = json::error::not_object;
    key.clear();
    return !ec;
  }
  bool on_string_part(Text, std::size_t, Ec&) { return true; }
  bool on_string(Text, std::size_t, Ec&) { return true; }
  bool on_number_part(Text, Ec&) { return true; }
  bool on_int64(std::int64_t, Text, Ec&) { return true; }
  bool on_uint64(std::uint64_t, Text, Ec&) { return true; }
  bool on_double(double, Text, Ec&) { return true; }
  bool on_bool(bool, Ec&) { return true; }
  bool on_null(Ec&) { return true; }
  bool on_comment_part(Text, Ec&) { return true; }
  bool on_comment(Text, Ec&) { return true; }

  std::vector<std::set<std::string>> objects;
  std::string key;
};

}  // namespace

std::optional<json::object> ParseObject(std::string_view text) {
  json::parse_options options;
  options.max_depth = kMaxDepth;
  json::error_code ec;
  json::basic_parser<DuplicateFinder> finder(options);
  const std::size_t used = finder.write_some(false, text.data(), text.size(), ec);
  if (ec || used != text.size() || !finder.done()) return std::nullopt;
  json::value value = json::parse(json::string_view(text.data(), text.size()), ec, {}, options);
  if (ec || !value.is_object()) return std::nullopt;
  return std::move(value.get_object());
}

const json::string* StringAt(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(json::string_view(key.data(), key.size()));
  return value == nullptr ? nullptr : value->if_string();
}

}  // namespace auth
