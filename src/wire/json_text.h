// Where the members of an object lie in its text: the parsed tree does not keep that. For text that was parsed already.
#pragma once

#include <cstddef>
#include <string_view>

namespace wire {

// Past the JSON string that starts at text[at] (a quote); text.size() if it does not end.
[[nodiscard]] std::size_t SkipString(std::string_view text, std::size_t at);
// The text of the value of the index-th of `count` members of the object `text`, without surrounding whitespace; "" if
// there is no such member. `text` is one valid JSON object, with or without whitespace around it; other text gives some
// view into it. The last member is found without reading through its value.
[[nodiscard]] std::string_view MemberText(std::string_view text, std::size_t index, std::size_t count);

}  // namespace wire
