#include "processors/image/font.h"

#include <ft2build.h>
#include FT_FREETYPE_H

#include <cstddef>
#include <stdexcept>

// The font's file, as it is, in read-only data.
asm(".pushsection .rodata\n"
    ".balign 16\n"
    "ubertoons_caption_font:\n"
    ".incbin \"" CAPTION_FONT
    "\"\n"
    "ubertoons_caption_font_end:\n"
    ".byte 0\n"
    ".popsection\n");
extern "C" {
extern const unsigned char kCaptionFont[] asm("ubertoons_caption_font");
extern const unsigned char kCaptionFontEnd[] asm("ubertoons_caption_font_end");
}

namespace processors {

namespace {

constexpr char32_t kReplacement = 0xfffd;
constexpr char32_t kEllipsis = 0x2026;
constexpr std::size_t kMaxCharacters = 512;  // of one line: no sheet shows more

// Takes one character off the front of `text`, which is not empty.
char32_t TakeCharacter(std::string_view& text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  const std::size_t length = lead < 0x80   ? 1
                             : lead < 0xc2 ? 0
                             : lead < 0xe0 ? 2
                             : lead < 0xf0 ? 3
                             : lead < 0xf5 ? 4
                                           : 0;
  char32_t character = length == 1 ? lead : lead & (0x7fU >> length);
  bool good = length > 0 && length <= text.size();
  for (std::size_t i = 1; good && i < length; ++i) {
    good = (byte(i) & 0xc0U) == 0x80U;
    character = character << 6U | (byte(i) & 0x3fU);
  }
  constexpr char32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  good = good && character >= kLeast[length] && character <= 0x10ffff && (character < 0xd800 || character > 0xdfff);
  text.remove_prefix(good ? length : 1);
  return good ? character : kReplacement;
}

}  // namespace

struct Font::Face {
  FT_Library library = nullptr;
  FT_Face face = nullptr;

  // Calls use(glyph slot, pen position in 1/64 pixels) for each character; answers where the pen ends.
  template <typename Use>
  FT_Pos Walk(std::u32string_view text, int size, FT_Int32 flags, Use use) const {
    FT_Set_Pixel_Sizes(face, 0, static_cast<FT_UInt>(size));
    FT_Pos pen = 0;
    FT_UInt before = 0;
    for (const char32_t character : text) {
      const FT_UInt glyph = FT_Get_Char_Index(face, character);
      FT_Vector kerning{};
      if (before != 0) FT_Get_Kerning(face, before, glyph, FT_KERNING_DEFAULT, &kerning);
      pen += kerning.x;
      if (FT_Load_Glyph(face, glyph, flags | FT_LOAD_TARGET_LIGHT) != 0) continue;
      use(*face->glyph, pen);
      pen += face->glyph->advance.x;
      before = glyph;
    }
    return pen;
  }
};

Font::Font() : face_(std::make_unique<Face>()) {
  if (FT_Init_FreeType(&face_->library) != 0 ||
      FT_New_Memory_Face(face_->library, kCaptionFont, kCaptionFontEnd - kCaptionFont, 0, &face_->face) != 0) {
    throw std::runtime_error("the built-in font does not load");
  }
}

Font::~Font() {
  FT_Done_Face(face_->face);
  FT_Done_FreeType(face_->library);
}

std::u32string Font::Characters(std::string_view text) {
  std::u32string characters;
  while (!text.empty() && characters.size() < kMaxCharacters) {
    const char32_t character = TakeCharacter(text);
    characters += character < 0x20 || (character >= 0x7f && character < 0xa0) ? U' ' : character;
  }
  return characters;
}

int Font::Width(std::u32string_view text, int size) const {
  return static_cast<int>((face_->Walk(text, size, FT_LOAD_DEFAULT, [](const auto&, FT_Pos) {}) + 63) / 64);
}

std::u32string Font::Shortened(std::u32string text, int size, int width) const {
  if (Width(text, size) <= width) return text;
  std::size_t fits = 0;
  for (std::size_t over = text.size(); fits < over;) {
    const std::size_t tried = (fits + over + 1) / 2;
    if (Width(text.substr(0, tried) + kEllipsis, size) <= width) {
      fits = tried;
    } else {
      over = tried - 1;
    }
  }
  while (fits > 0 && text[fits - 1] == U' ') --fits;
  return text.substr(0, fits) + kEllipsis;
}

void Font::Draw(Canvas& canvas, std::u32string_view text, int size, int left, int baseline, Colour colour) const {
  face_->Walk(text, size, FT_LOAD_RENDER, [&](const FT_GlyphSlotRec_& glyph, FT_Pos pen) {
    const FT_Bitmap& bitmap = glyph.bitmap;
    if (bitmap.pixel_mode != FT_PIXEL_MODE_GRAY) return;
    for (unsigned y = 0; y < bitmap.rows; ++y) {
      const unsigned char* row = bitmap.buffer + static_cast<std::ptrdiff_t>(y) * bitmap.pitch;
      for (unsigned x = 0; x < bitmap.width; ++x) {
        canvas.Blend(left + static_cast<int>((pen + 32) / 64) + glyph.bitmap_left + static_cast<int>(x),
                     baseline - glyph.bitmap_top + static_cast<int>(y), colour, row[x]);
      }
    }
  });
}

}  // namespace processors
