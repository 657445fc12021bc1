// The message to a worker: decode(encode(decode(x))) == decode(x).
#include "fuzz/fuzz.h"
#include "wire/chunk_codec.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto chunk = wire::DecodeChunk(fuzz::Text(data, size));
  if (!chunk) return 0;
  const auto again = wire::DecodeChunk(wire::EncodeChunk(*chunk));
  fuzz::Require(again == chunk, "a chunk written again is the same");
  for (std::size_t i = 0; i < chunk->only.size(); ++i) {
    fuzz::Require(chunk->only[i] < chunk->segment.count, "a listed toon is in the segment");
    fuzz::Require(i == 0 || chunk->only[i - 1] < chunk->only[i], "listed toons ascend");
  }
  return 0;
}
