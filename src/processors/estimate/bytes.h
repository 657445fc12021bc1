// Numbers in hostile bytes. What reaches past the end reads as absent.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace processors {

enum class Order : std::uint8_t { kBig, kLittle };

// `count` bytes at `at`, at most 8.
[[nodiscard]] inline std::optional<std::uint64_t> NumberAt(std::string_view bytes, std::size_t at, std::size_t count,
                                                           Order order) {
  if (at > bytes.size() || bytes.size() - at < count) return std::nullopt;
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t place = order == Order::kBig ? i : count - 1 - i;
    value = value << 8U | static_cast<unsigned char>(bytes[at + place]);
  }
  return value;
}

}  // namespace processors
