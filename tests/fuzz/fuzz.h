// What the fuzz targets share: the input as text, properties that end the process, and pieces cut at any place.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <source_location>
#include <string>
#include <string_view>
#include <utility>

namespace fuzz {

// A property that must hold for every input; libFuzzer keeps the input that breaks it.
inline void Require(bool holds, std::string_view property,
                    const std::source_location where = std::source_location::current()) {
  if (holds) return;
  std::fprintf(stderr, "%s:%u: broken: %.*s\n", where.file_name(), static_cast<unsigned>(where.line()),
               static_cast<int>(property.size()), property.data());
  std::abort();
}

inline std::string_view Text(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// What stands before the first `separator`, and what follows it (nothing if there is none).
inline std::pair<std::string_view, std::string_view> Cut(std::string_view text, std::string_view separator) {
  const std::size_t at = text.find(separator);
  if (at == std::string_view::npos) return {text, {}};
  return {text.substr(0, at), text.substr(at + separator.size())};
}

// Hands `text` to `take` in pieces of 1 to 16 bytes, the same ones for the same text. False as soon as `take` is.
template <typename Take>
bool InPieces(std::string_view text, Take take) {
  std::uint32_t state = static_cast<std::uint32_t>(text.size()) * 2654435761U + 1;
  while (!text.empty()) {
    state = state * 1664525U + 1013904223U;
    const std::size_t size = std::min<std::size_t>(text.size(), 1 + (state >> 28U));
    // On the heap and no longer than it is, so that a read past it is seen.
    const std::string piece(text.substr(0, size));
    if (!take(std::string_view(piece))) return false;
    text.remove_prefix(size);
  }
  return true;
}

}  // namespace fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
