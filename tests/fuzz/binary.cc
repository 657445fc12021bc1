// Binaries: the whole processor, libmagic included; see operations.h for the input.
#include "fuzz/operations.h"
#include "processors/test_input.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto asked = fuzz::ReadAsked(fuzz::Text(data, size), "binary");
  if (!asked) return 0;
  const auto output = processors::Invoke("binary", std::string(asked->bytes), asked->operations);
  fuzz::Require(output.has_value(), "no bytes are refused");
  fuzz::RequireOutput(*output);
  const double entropy = processors::NumberAt(output, "/entropy");
  fuzz::Require(entropy >= 0 && entropy <= 8, "entropy is bits a byte");
  fuzz::Require(processors::NumberAt(output, "/bytes") == static_cast<double>(asked->bytes.size()),
                "bytes are counted");
  return 0;
}
