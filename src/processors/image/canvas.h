// An opaque picture in memory to draw on. Whatever lies outside is clipped.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace processors {

struct Colour {
  std::uint8_t red = 0;
  std::uint8_t green = 0;
  std::uint8_t blue = 0;
  bool operator==(const Colour&) const = default;
};
// "#rrggbb"; nullopt for anything else.
[[nodiscard]] std::optional<Colour> ParseColour(std::string_view text);

struct Rect {
  int left = 0;
  int top = 0;
  int width = 0;
  int height = 0;
};

// Rows of pixels of 3 (RGB) or 4 (RGBA, straight) bytes without gaps.
struct Pixels {
  const std::uint8_t* data = nullptr;
  int width = 0;
  int height = 0;
  int bands = 3;
};

class Canvas {
 public:
  Canvas(int width, int height, Colour background);

  void Fill(const Rect& rect, Colour colour);
  // With corners cut round and smooth.
  void FillRounded(const Rect& rect, int radius, Colour colour);
  void Draw(const Pixels& pixels, int left, int top);
  // coverage: 0 to 255, of `colour` over what is there.
  void Blend(int x, int y, Colour colour, std::uint32_t coverage);

  [[nodiscard]] int width() const { return width_; }
  [[nodiscard]] int height() const { return height_; }
  [[nodiscard]] const std::vector<std::uint8_t>& bytes() const { return bytes_; }  // RGB

 private:
  int width_;
  int height_;
  std::vector<std::uint8_t> bytes_;
};

}  // namespace processors
