// Looking into JSON that the server or a person wrote: absent and mistyped members are the same to a reader that only
// shows them. Nothing throws. `...At` answers for an object's member; a value that is no object has none.
#pragma once

#include <boost/json/value.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cli {

namespace json = boost::json;

// Depth at most 64. nullopt if the text is not exactly one JSON value.
[[nodiscard]] std::optional<json::value> ParseJson(std::string_view text);
// Where it stops being JSON: "line 3, column 7: <reason>"; nullopt if it is fine.
[[nodiscard]] std::optional<std::string> JsonFault(std::string_view text);

[[nodiscard]] const json::value* At(const json::value& value, std::string_view key);
[[nodiscard]] const json::array* ArrayAt(const json::value& value, std::string_view key);
[[nodiscard]] std::string TextAt(const json::value& value, std::string_view key);  // "" if not a string
[[nodiscard]] std::optional<std::uint64_t> CountOf(const json::value& value);      // a whole number >= 0
[[nodiscard]] std::optional<std::uint64_t> CountAt(const json::value& value, std::string_view key);
[[nodiscard]] std::optional<double> NumberAt(const json::value& value, std::string_view key);

// The text of values as it stands, so that what is passed on is passed on unchanged (number spelling, duplicate keys).
struct RawMember {
  std::string key;         // decoded
  std::string_view name;   // with its quotes
  std::string_view value;  // without surrounding space
};
// nullopt if the text is not an object (array) in its outline. Values inside are not checked.
[[nodiscard]] std::optional<std::vector<RawMember>> RawMembers(std::string_view object);
[[nodiscard]] std::optional<std::vector<std::string_view>> RawElements(std::string_view array);
// The elements of an object's list; nullopt if there is no such list.
[[nodiscard]] std::optional<std::vector<std::string_view>> RawListAt(std::string_view object, std::string_view key);
// One line: line breaks, which valid JSON has only between tokens, become spaces.
[[nodiscard]] std::string OneLine(std::string_view json);
// A JSON string with its quotes. `text` is UTF-8.
[[nodiscard]] std::string Quoted(std::string_view text);

}  // namespace cli
