// UTF-8, one character at a time.
#pragma once

#include <cstddef>
#include <string_view>

namespace cli {

struct Utf8Character {
  char32_t code = 0;
  std::size_t bytes = 1;  // 1 for a byte that starts no valid character
  bool valid = false;     // false for overlong forms, surrogates and cut sequences
};
// The first character of text, which is not empty.
[[nodiscard]] Utf8Character DecodeUtf8(std::string_view text);
[[nodiscard]] bool IsUtf8(std::string_view text);

}  // namespace cli
