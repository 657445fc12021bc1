#include "processors/estimate/video_header.h"

#include <algorithm>
#include <bit>

#include "processors/estimate/bytes.h"
#include "processors/sniff/sniff.h"

namespace processors {

namespace {

constexpr std::size_t kMaxParts = 10'000;  // boxes or elements looked at: a header of real files has hundreds
constexpr int kMaxDepth = 8;

struct Walk {
  PictureSize largest;
  std::size_t parts = 0;
  void Note(std::uint64_t width, std::uint64_t height) {
    constexpr std::uint64_t kMostSide = 1U << 20U;  // far more than is decoded: products stay numbers
    width = std::min(width, kMostSide);
    height = std::min(height, kMostSide);
    if (width * height > largest.width * largest.height) largest = {width, height};
  }
};

// ---- MP4 ------------------------------------------------------------------------------------------------------------

constexpr std::size_t kEntriesAt = 8;  // of stsd: version, flags, count
constexpr std::size_t kWidthAt = 32;   // of a visual sample entry

void WalkBoxes(std::string_view bytes, int depth, Walk& walk) {
  constexpr std::string_view kOuter[] = {"moov", "trak", "mdia", "minf", "stbl"};
  while (bytes.size() >= 8 && ++walk.parts < kMaxParts && depth < kMaxDepth) {
    std::uint64_t size = NumberAt(bytes, 0, 4, Order::kBig).value_or(0);
    std::size_t head = 8;
    if (size == 1) {
      size = NumberAt(bytes, 8, 8, Order::kBig).value_or(0);
      head = 16;
    }
    if (size == 0) size = bytes.size();
    if (size < head) return;
    const std::string_view kind = bytes.substr(4, 4);
    const std::string_view inside = bytes.substr(0, size).substr(std::min(head, bytes.size()));
    if (std::ranges::find(kOuter, kind) != std::end(kOuter)) WalkBoxes(inside, depth + 1, walk);
    if (kind == "stsd") {
      // Of a sound track the second of these is zero: the fraction of its sampling rate.
      walk.Note(NumberAt(inside, kEntriesAt + kWidthAt, 2, Order::kBig).value_or(0),
                NumberAt(inside, kEntriesAt + kWidthAt + 2, 2, Order::kBig).value_or(0));
    }
    bytes.remove_prefix(std::min<std::uint64_t>(size, bytes.size()));
  }
}

// ---- Matroska -------------------------------------------------------------------------------------------------------

struct Element {
  std::uint64_t id = 0;
  std::string_view inside;
};

// A number whose first byte says its length; with the marker bit or without it.
enum class Marker : std::uint8_t { kKept, kRemoved };
std::optional<std::uint64_t> TakeNumber(std::string_view& bytes, Marker marker) {
  if (bytes.empty()) return std::nullopt;
  const auto length = static_cast<std::size_t>(std::countl_zero(static_cast<unsigned char>(bytes[0]))) + 1;
  if (length > 8) return std::nullopt;
  auto value = NumberAt(bytes, 0, length, Order::kBig);
  if (!value) return std::nullopt;
  if (marker == Marker::kRemoved) *value &= (std::uint64_t{1} << (7 * length)) - 1;
  bytes.remove_prefix(length);
  return value;
}

std::optional<Element> TakeElement(std::string_view& bytes) {
  const auto id = TakeNumber(bytes, Marker::kKept);
  const auto size = id ? TakeNumber(bytes, Marker::kRemoved) : std::nullopt;
  if (!size) return std::nullopt;
  const std::size_t length = std::min<std::uint64_t>(*size, bytes.size());  // "unknown" reaches to the end
  Element element{.id = *id, .inside = bytes.substr(0, length)};
  bytes.remove_prefix(length);
  return element;
}

void WalkElements(std::string_view bytes, int depth, Walk& walk) {
  constexpr std::uint64_t kOuter[] = {0x18538067, 0x1654AE6B, 0xAE, 0xE0};  // Segment, Tracks, TrackEntry, Video
  constexpr std::uint64_t kPixelWidth = 0xB0;
  constexpr std::uint64_t kPixelHeight = 0xBA;
  PictureSize size;
  while (!bytes.empty() && ++walk.parts < kMaxParts && depth < kMaxDepth) {
    const auto element = TakeElement(bytes);
    if (!element) break;
    const std::size_t length = std::min<std::size_t>(element->inside.size(), 8);
    const auto value = NumberAt(element->inside, 0, length, Order::kBig).value_or(0);
    if (element->id == kPixelWidth) size.width = value;
    if (element->id == kPixelHeight) size.height = value;
    if (std::ranges::find(kOuter, element->id) != std::end(kOuter)) WalkElements(element->inside, depth + 1, walk);
  }
  walk.Note(size.width, size.height);
}

}  // namespace

std::optional<PictureSize> ReadPictureSize(std::string_view bytes) {
  const auto sniffed = Sniff(bytes);
  if (!sniffed) return std::nullopt;
  Walk walk;
  if (sniffed->format == "mp4") WalkBoxes(bytes, 0, walk);
  if (sniffed->format == "matroska") WalkElements(bytes, 0, walk);
  if (walk.largest.width == 0) return std::nullopt;
  return walk.largest;
}

}  // namespace processors
