// A file's packets to its end, past what the demuxer stumbles over.
#pragma once

#include <cstdint>

#include "processors/media/input.h"

namespace processors::media {

class PacketReader {
 public:
  explicit PacketReader(Input& input) : input_(input) {}  // which outlives it

  // Into `packet`, whose old contents are let go. False at the end, and where the demuxer has lost the file: it only
  // stumbles. "invalid-media" for a file that hands out the same bytes again and again, "memory-limit".
  [[nodiscard]] Processed<bool> Next(AVPacket& packet);
  [[nodiscard]] std::uint64_t errors() const { return errors_; }  // that were read past

 private:
  Input& input_;
  std::uint64_t errors_ = 0;
  std::uint64_t stumbles_ = 0;  // errors since the last packet
};

}  // namespace processors::media
