// Lines of text in DejaVu Sans, whose outlines are part of the program. Left to right; scripts that need shaping are
// drawn letter by letter, and letters that the font does not have as boxes.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "processors/image/canvas.h"

namespace processors {

class Font {
 public:
  Font();  // opens no file
  ~Font();
  Font(const Font&) = delete;
  Font& operator=(const Font&) = delete;

  // `text` as characters: what is not UTF-8 becomes U+FFFD, control characters and line ends become spaces.
  [[nodiscard]] static std::u32string Characters(std::string_view text);
  // In pixels, at `size` pixels an em.
  [[nodiscard]] int Width(std::u32string_view text, int size) const;
  // The longest beginning that fits into `width` pixels, with an ellipsis when that is not all.
  [[nodiscard]] std::u32string Shortened(std::u32string text, int size, int width) const;
  // `left` and `baseline` in pixels of the canvas.
  void Draw(Canvas& canvas, std::u32string_view text, int size, int left, int baseline, Colour colour) const;

 private:
  struct Face;
  std::unique_ptr<Face> face_;
};

}  // namespace processors
