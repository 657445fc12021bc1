// Strict reading of the small JSON documents of tokens and key sets. Boost.JSON underneath, which keeps the last of two
// equal keys without a word: a token that two readers understand differently is refused here.
#pragma once

#include <boost/json/value.hpp>
#include <optional>
#include <string_view>

namespace auth {

// nullopt: not JSON, not an object, a duplicate key at any level, deeper than 16, or bytes after the end.
[[nodiscard]] std::optional<boost::json::object> ParseObject(std::string_view text);
// nullptr when absent or not a string.
[[nodiscard]] const boost::json::string* StringAt(const boost::json::object& object, std::string_view key);

}  // namespace auth
