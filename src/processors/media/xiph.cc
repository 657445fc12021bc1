#include "processors/media/xiph.h"

#include <array>
#include <string_view>

namespace processors::media {

namespace {

using Headers = std::array<std::string_view, 3>;

// Each behind its length in two bytes, as libav's Ogg demuxer leaves Theora's.
std::optional<Headers> SplitPrefixed(std::string_view bytes) {
  Headers headers;
  for (std::string_view& header : headers) {
    if (bytes.size() < 2) return std::nullopt;
    const std::size_t length =
        static_cast<std::size_t>(static_cast<unsigned char>(bytes[0])) << 8U | static_cast<unsigned char>(bytes[1]);
    if (bytes.size() - 2 < length) return std::nullopt;
    header = bytes.substr(2, length);
    bytes.remove_prefix(2 + length);
  }
  return headers;
}

// "Xiph lacing": the number of headers less one, then the lengths of all but the last as runs of 255 and a rest.
std::optional<Headers> SplitLaced(std::string_view bytes) {
  if (bytes.empty() || bytes[0] != 2) return std::nullopt;
  bytes.remove_prefix(1);
  std::array<std::size_t, 2> lengths{};
  for (std::size_t& length : lengths) {
    unsigned char step = 255;
    while (step == 255) {
      if (bytes.empty()) return std::nullopt;
      step = static_cast<unsigned char>(bytes[0]);
      length += step;
      bytes.remove_prefix(1);
    }
  }
  if (bytes.size() < lengths[0] + lengths[1]) return std::nullopt;
  return Headers{bytes.substr(0, lengths[0]), bytes.substr(lengths[0], lengths[1]),
                 bytes.substr(lengths[0] + lengths[1])};
}

std::string Laced(const Headers& headers) {
  std::string bytes(1, '\x02');
  for (std::size_t i = 0; i < 2; ++i) {
    bytes.append(headers[i].size() / 255, '\xff');
    bytes += static_cast<char>(headers[i].size() % 255);
  }
  for (const std::string_view header : headers) bytes += header;
  return bytes;
}

}  // namespace

std::optional<std::string> WithoutComments(AVCodecID codec, std::span<const std::uint8_t> extradata) {
  const bool vorbis = codec == AV_CODEC_ID_VORBIS;
  const std::string_view first = vorbis ? "\x01vorbis" : "\x80theora";
  const std::string_view second = vorbis ? "\x03vorbis" : "\x81theora";
  const std::string_view third = vorbis ? "\x05vorbis" : "\x82theora";
  const std::string_view bytes(reinterpret_cast<const char*>(extradata.data()), extradata.size());
  auto headers = bytes.starts_with('\x02') ? SplitLaced(bytes) : SplitPrefixed(bytes);
  if (!headers || !(*headers)[0].starts_with(first) || !(*headers)[1].starts_with(second) ||
      !(*headers)[2].starts_with(third)) {
    return std::nullopt;
  }
  std::string comments(second);
  comments.append(8, '\0');        // no vendor, no comments
  if (vorbis) comments += '\x01';  // the framing bit
  (*headers)[1] = comments;
  return Laced(*headers);
}

}  // namespace processors::media
