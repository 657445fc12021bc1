#include "processors/image/sheet.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>
#include <vips/vips8>

#include "job/limits.h"
#include "processors/image/encode.h"
#include "processors/image/source.h"
#include "processors/image/transform.h"
#include "processors/json_writer.h"
#include "processors/params.h"

namespace processors {

namespace {

constexpr Colour kBackground{0xee, 0xf0, 0xf3};
constexpr Colour kCard{0xff, 0xff, 0xff};
constexpr Colour kCardEdge{0xda, 0xde, 0xe4};
constexpr Colour kPlainTile{0xc8, 0xce, 0xd6};
constexpr Colour kCaptionInk{0x2b, 0x31, 0x3a};
constexpr Colour kTitleInk{0x14, 0x18, 0x1f};
constexpr int kMaxSide = 16'000;  // pixels of a sheet: below what every format takes

// Measures in pixels, all in proportion to the tiles.
struct Layout {
  int tile = 0;
  int pad = 0;  // around a tile in its card
  int gap = 0;  // between cards, and around them all
  int caption_size = 0;
  int caption_height = 0;
  int title_size = 0;
  int title_height = 0;  // 0: no title
  int columns = 0;
  int rows = 0;

  [[nodiscard]] int card_width() const { return tile + 2 * pad; }
  [[nodiscard]] int card_height() const { return tile + 2 * pad + caption_height; }
  [[nodiscard]] int width() const { return gap + columns * (card_width() + gap); }
  [[nodiscard]] int height() const { return gap + title_height + rows * (card_height() + gap); }
};

int MostThatFit(int card, int gap, int taken) {
  return (kMaxSide - taken - gap) / (card + gap);
}

Layout MakeLayout(int tiles, int columns, int tile, bool titled) {
  Layout layout{.tile = tile};
  layout.pad = std::max(4, tile / 24);
  layout.gap = std::max(6, tile / 16);
  layout.caption_size = std::clamp(tile / 14, 10, 16);
  layout.caption_height = layout.caption_size * 3 / 2;
  layout.title_size = std::clamp(tile / 8, 16, 28);
  layout.title_height = titled ? layout.title_size * 2 : 0;
  const int most_columns = MostThatFit(layout.card_width(), layout.gap, 0);
  const int most_rows = MostThatFit(layout.card_height(), layout.gap, layout.title_height);
  const int least_columns = (tiles + most_rows - 1) / most_rows;
  layout.columns = std::clamp(std::min(columns, tiles), std::max(1, least_columns), most_columns);
  layout.rows = std::max(1, (tiles + layout.columns - 1) / layout.columns);
  return layout;
}

// A tile's picture as RGB or RGBA in memory; nullopt: refused or broken.
std::optional<vips::VImage> Decode(std::string_view bytes, int side, std::uint64_t max_pixels) {
  const auto source = Source::Open(bytes, max_pixels);
  if (!source) return std::nullopt;
  const auto image = source->Shrunk({side, side}, Frames::kFirst);
  if (!image) return std::nullopt;
  return ToRgb(*image).copy_memory();
}

class SheetPainter {
 public:
  SheetPainter(const Layout& layout, const Font& font)
      : layout_(layout), font_(font), canvas_(layout.width(), layout.height(), kBackground) {}

  void Title(std::string_view title) {
    const int size = layout_.title_size;
    const auto text = font_.Shortened(Font::Characters(title), size, layout_.width() - 2 * layout_.gap);
    font_.Draw(canvas_, text, size, layout_.gap, layout_.gap + size * 5 / 4, kTitleInk);
  }

  // The card of tile `index` and its caption; answers where the tile goes.
  Rect Card(int index, std::string_view caption) {
    const Rect card{
        layout_.gap + index % layout_.columns * (layout_.card_width() + layout_.gap),
        layout_.gap + layout_.title_height + index / layout_.columns * (layout_.card_height() + layout_.gap),
        layout_.card_width(), layout_.card_height()};
    canvas_.FillRounded({card.left - 1, card.top - 1, card.width + 2, card.height + 2}, layout_.pad + 1, kCardEdge);
    canvas_.FillRounded(card, layout_.pad, kCard);
    const int size = layout_.caption_size;
    const auto text = font_.Shortened(Font::Characters(caption), size, layout_.tile);
    const int left = card.left + (card.width - font_.Width(text, size)) / 2;
    font_.Draw(canvas_, text, size, left, card.top + card.height - layout_.pad - size / 4, kCaptionInk);
    return {card.left + layout_.pad, card.top + layout_.pad, layout_.tile, layout_.tile};
  }

  void Plain(const Rect& place, Colour colour) { canvas_.FillRounded(place, layout_.pad, colour); }
  void Picture(const Rect& place, const vips::VImage& image) {
    canvas_.Draw({static_cast<const std::uint8_t*>(image.data()), image.width(), image.height(), image.bands()},
                 place.left + (place.width - image.width()) / 2, place.top + (place.height - image.height()) / 2);
  }

  [[nodiscard]] const Canvas& canvas() const { return canvas_; }

 private:
  const Layout& layout_;
  const Font& font_;
  Canvas canvas_;
};

Processed<std::string> EncodeCanvas(const Canvas& canvas, Format format) {
  const auto& bytes = canvas.bytes();
  vips::VImage image = vips::VImage::new_from_memory(const_cast<std::uint8_t*>(bytes.data()), bytes.size(),
                                                     canvas.width(), canvas.height(), 3, VIPS_FORMAT_UCHAR);
  image = image.copy(vips::VImage::option()->set("interpretation", VIPS_INTERPRETATION_sRGB));
  return Encode(image, {.format = format, .quality = 85});
}

Format FormatIn(const Params& params) {
  const auto name = params.Text("format");
  return name == "jpeg" ? Format::kJpeg : name == "png" ? Format::kPng : Format::kWebp;
}

int Whole(const Params& params, std::string_view name, int otherwise, int least, int most) {
  return static_cast<int>(std::clamp<double>(params.Number(name).value_or(otherwise), least, most));
}

std::string At(const std::vector<std::string>& texts, std::size_t index) {
  return index < texts.size() ? texts[index] : std::string();
}

}  // namespace

Processed<ports::ProcessorOutput> MakeSheet(const ports::IsolatedTask& task, const Font& font,
                                            std::uint64_t max_pixels) {
  const std::size_t tiles = task.inputs.size();
  if (tiles > job::kMaxSheetTiles) {
    return Refuse("too-many-tiles", fmt::format("the sheet has {} tiles, {} are allowed", tiles, job::kMaxSheetTiles));
  }
  const Params params(task.operations->empty() ? "{}" : task.operations->front().params_json);
  const auto captions = params.Texts("captions");
  const auto colours = params.Texts("colours");
  const auto title = params.Text("title").value_or("");
  const Layout layout =
      MakeLayout(static_cast<int>(tiles), Whole(params, "columns", 8, 1, static_cast<int>(job::kMaxSheetTiles)),
                 Whole(params, "tile", 128, 64, 256), !title.empty());
  SheetPainter painter(layout, font);
  painter.Title(title);
  int undecodable = 0;
  for (std::size_t i = 0; i < tiles; ++i) {
    const Rect place = painter.Card(static_cast<int>(i), At(captions, i));
    const auto image = task.inputs[i].empty() ? std::nullopt : Decode(task.inputs[i], layout.tile, max_pixels);
    if (image) {
      painter.Picture(place, *image);
    } else {
      undecodable += task.inputs[i].empty() ? 0 : 1;
      painter.Plain(place, ParseColour(At(colours, i)).value_or(kPlainTile));
    }
  }
  const Format format = FormatIn(params);
  auto bytes = EncodeCanvas(painter.canvas(), format);
  if (!bytes) return std::unexpected(std::move(bytes).error());
  JsonWriter json;
  json.BeginObject().Key("tiles").Integer(tiles).Key("width").Integer(layout.width());
  json.Key("height").Integer(layout.height()).Key("undecodable").Integer(undecodable).EndObject();
  ports::ProcessorOutput output{.result_json = std::move(json).Take()};
  output.artifacts.push_back(
      {fmt::format("contact-sheet.{}", ExtensionOf(format)), ContentTypeOf(format), *std::move(bytes)});
  return output;
}

}  // namespace processors
