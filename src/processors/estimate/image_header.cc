#include "processors/estimate/image_header.h"

#include <algorithm>

#include "job/limits.h"
#include "processors/estimate/bytes.h"
#include "processors/sniff/sniff.h"

namespace processors {

namespace {

std::uint64_t Byte(std::string_view bytes, std::size_t at) {
  return NumberAt(bytes, at, 1, Order::kBig).value_or(0);
}

// ---- JPEG -----------------------------------------------------------------------------------------------------------

constexpr std::uint64_t kStartOfScan = 0xda;
constexpr std::uint64_t kCoefficientBytes = 2;

bool IsStartOfFrame(std::uint64_t marker) {
  return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
}

struct JpegFrame {
  std::uint64_t marker = 0;
  std::uint64_t samples_per_16 = 0;  // of a pixel, all components together: 4:2:0 has 24
  std::uint64_t components = 0;
};

JpegFrame ReadFrame(std::string_view segment, std::uint64_t marker, ImageHeader& header) {
  header.height = NumberAt(segment, 3, 2, Order::kBig).value_or(0);
  header.width = NumberAt(segment, 5, 2, Order::kBig).value_or(0);
  JpegFrame frame{.marker = marker, .components = std::min<std::uint64_t>(Byte(segment, 7), 4)};
  std::uint64_t most_across = 1;
  std::uint64_t most_down = 1;
  std::uint64_t areas = 0;
  for (std::size_t i = 0; i < frame.components; ++i) {
    const std::uint64_t factors = Byte(segment, 8 + 3 * i + 1);
    const std::uint64_t across = std::clamp<std::uint64_t>(factors >> 4U, 1, 4);
    const std::uint64_t down = std::clamp<std::uint64_t>(factors & 15U, 1, 4);
    most_across = std::max(most_across, across);
    most_down = std::max(most_down, down);
    areas += across * down;
  }
  frame.samples_per_16 = areas * 16 / (most_across * most_down);
  header.pixel_bytes = std::max<std::uint64_t>(frame.components, 1);
  return frame;
}

// A progressive JPEG's coefficients are all held until its last scan, whatever it is shrunk to; so are those of one
// whose components come in scans of their own.
bool HoldsCoefficients(const JpegFrame& frame, std::uint64_t components_of_first_scan) {
  constexpr std::uint64_t kKind = 3;
  constexpr std::uint64_t kProgressive = 2;
  return (frame.marker & kKind) == kProgressive || components_of_first_scan < frame.components;
}

std::optional<ImageHeader> ReadJpeg(std::string_view bytes) {
  ImageHeader header;
  JpegFrame frame;
  for (std::size_t at = 2; at < bytes.size();) {
    if (Byte(bytes, at) != 0xff) return std::nullopt;
    const std::uint64_t marker = Byte(bytes, at + 1);
    if (marker == 0xff) {
      ++at;
      continue;
    }
    const std::uint64_t length = NumberAt(bytes, at + 2, 2, Order::kBig).value_or(0);
    if (length < 2) return std::nullopt;
    const std::string_view segment = bytes.substr(at + 2);
    if (IsStartOfFrame(marker)) frame = ReadFrame(segment, marker, header);
    if (marker == kStartOfScan) {
      if (frame.marker == 0) return std::nullopt;
      if (HoldsCoefficients(frame, Byte(segment, 2))) {
        header.decoder_bytes = header.width * header.height * frame.samples_per_16 * kCoefficientBytes / 16;
      }
      return header;
    }
    at += 2 + length;
  }
  return std::nullopt;
}

// ---- PNG ------------------------------------------------------------------------------------------------------------

std::optional<ImageHeader> ReadPng(std::string_view bytes) {
  constexpr std::uint64_t kBands[] = {1, 0, 3, 4, 2, 0, 4};  // by colour type; a palette may have alpha
  const auto width = NumberAt(bytes, 16, 4, Order::kBig);
  const auto height = NumberAt(bytes, 20, 4, Order::kBig);
  const auto interlace = NumberAt(bytes, 28, 1, Order::kBig);
  if (!width || !height || !interlace) return std::nullopt;
  const std::uint64_t colour = std::min<std::uint64_t>(Byte(bytes, 25), std::size(kBands) - 1);
  constexpr std::uint64_t kMostSide = 1U << 20U;  // far more than is decoded: products stay numbers
  ImageHeader header{.width = std::min(*width, kMostSide), .height = std::min(*height, kMostSide)};
  header.pixel_bytes = std::max<std::uint64_t>(kBands[colour], 1) * (Byte(bytes, 24) == 16 ? 2 : 1);
  if (*interlace != 0) header.decoder_bytes = header.width * header.height * header.pixel_bytes;
  return header;
}

// ---- WebP -----------------------------------------------------------------------------------------------------------

// Animation frames, by their chunks.
std::uint64_t CountWebpFrames(std::string_view bytes) {
  std::uint64_t frames = 0;
  for (std::size_t at = 12; at + 8 <= bytes.size() && frames < job::kMaxImageFrames;) {
    if (bytes.substr(at, 4) == "ANMF") ++frames;
    const std::uint64_t length = NumberAt(bytes, at + 4, 4, Order::kLittle).value_or(0);
    at += 8 + length + (length & 1U);
  }
  return std::max<std::uint64_t>(frames, 1);
}

std::optional<ImageHeader> ReadWebp(std::string_view bytes) {
  constexpr std::uint64_t kSide = 0x3fff;
  const std::string_view form = bytes.substr(std::min<std::size_t>(12, bytes.size()), 4);
  ImageHeader header{.pixel_bytes = 4};
  if (form == "VP8X") {
    header.width = NumberAt(bytes, 24, 3, Order::kLittle).value_or(0) + 1;
    header.height = NumberAt(bytes, 27, 3, Order::kLittle).value_or(0) + 1;
    header.frames = CountWebpFrames(bytes);
  } else if (form == "VP8 ") {
    header.width = NumberAt(bytes, 26, 2, Order::kLittle).value_or(0) & kSide;
    header.height = NumberAt(bytes, 28, 2, Order::kLittle).value_or(0) & kSide;
  } else if (form == "VP8L") {
    const std::uint64_t sides = NumberAt(bytes, 21, 4, Order::kLittle).value_or(0);
    header.width = (sides & kSide) + 1;
    header.height = (sides >> 14U & kSide) + 1;
  } else {
    return std::nullopt;
  }
  // A lossless frame is whole in the decoder; of an animation there is the canvas and the one before.
  const bool lossy = form == "VP8 ";
  const std::uint64_t canvases = header.frames > 1 ? 2 : 1;
  if (!lossy) header.decoder_bytes = canvases * 4 * header.width * header.height;
  return header;
}

// ---- GIF ------------------------------------------------------------------------------------------------------------

std::size_t TableBytes(std::uint64_t flags) {
  return (flags & 0x80U) != 0 ? std::size_t{3} << ((flags & 7U) + 1) : 0;
}

// Past the sub-blocks that begin at `at`.
std::size_t SkipBlocks(std::string_view bytes, std::size_t at) {
  while (at < bytes.size() && bytes[at] != 0) at += 1 + Byte(bytes, at);
  return at + 1;
}

std::uint64_t CountGifFrames(std::string_view bytes) {
  constexpr std::uint64_t kExtension = 0x21;
  constexpr std::uint64_t kImage = 0x2c;
  std::uint64_t frames = 0;
  for (std::size_t at = 13 + TableBytes(Byte(bytes, 10)); at < bytes.size() && frames < job::kMaxImageFrames;) {
    const std::uint64_t kind = Byte(bytes, at);
    if (kind == kExtension) {
      at = SkipBlocks(bytes, at + 2);
    } else if (kind == kImage) {
      ++frames;
      at = SkipBlocks(bytes, at + 10 + TableBytes(Byte(bytes, at + 9)) + 1);
    } else {
      break;
    }
  }
  return std::max<std::uint64_t>(frames, 1);
}

std::optional<ImageHeader> ReadGif(std::string_view bytes) {
  const auto height = NumberAt(bytes, 8, 2, Order::kLittle);
  if (!height) return std::nullopt;
  ImageHeader header{.width = NumberAt(bytes, 6, 2, Order::kLittle).value_or(0), .height = *height, .pixel_bytes = 4};
  header.frames = CountGifFrames(bytes);
  header.decoder_bytes = 2 * 4 * header.width * header.height;  // the canvas and the one before
  return header;
}

}  // namespace

std::optional<ImageHeader> ReadImageHeader(std::string_view bytes) {
  const auto sniffed = Sniff(bytes);
  if (!sniffed) return std::nullopt;
  if (sniffed->format == "jpeg") return ReadJpeg(bytes);
  if (sniffed->format == "png") return ReadPng(bytes);
  if (sniffed->format == "webp") return ReadWebp(bytes);
  if (sniffed->format == "gif") return ReadGif(bytes);
  return std::nullopt;
}

}  // namespace processors
