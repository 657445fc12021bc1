#include "processors/image/canvas.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace processors {

std::optional<Colour> ParseColour(std::string_view text) {
  if (text.size() != 7 || text.front() != '#') return std::nullopt;
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data() + 1, text.data() + text.size(), value, 16);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return Colour{static_cast<std::uint8_t>(value >> 16U), static_cast<std::uint8_t>(value >> 8U),
                static_cast<std::uint8_t>(value)};
}

Canvas::Canvas(int width, int height, Colour background)
    : width_(width), height_(height), bytes_(static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * 3) {
  Fill({0, 0, width, height}, background);
}

void Canvas::Blend(int x, int y, Colour colour, std::uint32_t coverage) {
  if (x < 0 || y < 0 || x >= width_ || y >= height_) return;
  std::uint8_t* pixel =
      bytes_.data() +
      (static_cast<std::size_t>(y) * static_cast<std::size_t>(width_) + static_cast<std::size_t>(x)) * 3;
  if (coverage == 255) {
    pixel[0] = colour.red;
    pixel[1] = colour.green;
    pixel[2] = colour.blue;
    return;
  }
  const auto mix = [coverage](std::uint32_t under, std::uint32_t over) {
    return static_cast<std::uint8_t>((under * (255 - coverage) + over * coverage + 127) / 255);
  };
  pixel[0] = mix(pixel[0], colour.red);
  pixel[1] = mix(pixel[1], colour.green);
  pixel[2] = mix(pixel[2], colour.blue);
}

void Canvas::Fill(const Rect& rect, Colour colour) {
  for (int y = rect.top; y < rect.top + rect.height; ++y) {
    for (int x = rect.left; x < rect.left + rect.width; ++x) Blend(x, y, colour, 255);
  }
}

void Canvas::FillRounded(const Rect& rect, int radius, Colour colour) {
  for (int y = 0; y < rect.height; ++y) {
    for (int x = 0; x < rect.width; ++x) {
      // How far the pixel's centre lies outside the rectangle that the centres of the corners span.
      const double across = std::max({radius - (x + 0.5), x + 0.5 - (rect.width - radius), 0.0});
      const double down = std::max({radius - (y + 0.5), y + 0.5 - (rect.height - radius), 0.0});
      const double inside = across > 0 && down > 0 ? radius + 0.5 - std::hypot(across, down) : 1;
      Blend(rect.left + x, rect.top + y, colour, static_cast<std::uint32_t>(std::clamp(inside, 0.0, 1.0) * 255));
    }
  }
}

void Canvas::Draw(const Pixels& pixels, int left, int top) {
  const std::uint8_t* pixel = pixels.data;
  for (int y = 0; y < pixels.height; ++y) {
    for (int x = 0; x < pixels.width; ++x, pixel += pixels.bands) {
      Blend(left + x, top + y, {pixel[0], pixel[1], pixel[2]}, pixels.bands == 4 ? pixel[3] : 255);
    }
  }
}

}  // namespace processors
