#include "processors/media/packet_reader.h"

namespace processors::media {

namespace {
constexpr std::uint64_t kMaxReadErrors = 100;  // in a row: a demuxer that only stumbles has lost the file
}  // namespace

Processed<bool> PacketReader::Next(AVPacket& packet) {
  av_packet_unref(&packet);
  for (;;) {
    const int error = input_.Read(packet);
    if (error == AVERROR_EOF) return false;
    if (error == AVERROR(EFBIG))
      return Refuse("invalid-media", "the file's index names the same bytes again and again");
    if (error == AVERROR(ENOMEM)) return RefuseMemory();
    if (error >= 0) {
      stumbles_ = 0;
      return true;
    }
    ++errors_;
    if (++stumbles_ > kMaxReadErrors) return false;
  }
}

}  // namespace processors::media
