// A worker's answer: decode(encode(decode(x))) == decode(x).
#include "fuzz/fuzz.h"
#include "wire/chunk_codec.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto answers = wire::DecodeAnswers(fuzz::Text(data, size));
  if (!answers) return 0;
  const auto again = wire::DecodeAnswers(wire::EncodeAnswers(*answers));
  fuzz::Require(again == answers, "an answer written again is the same");
  return 0;
}
