// Images: the executor's own entry, in this process, with a small limit of pixels. libvips and its decoders are
// Debian's and not instrumented; our code around them is. See operations.h for the input.
#include "processors/image/image.h"

#include "fuzz/operations.h"
#include "processors/sniff/sniff.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::uint64_t kMaxPixels = 64 * 1024;
  static const auto executor = processors::NewImageExecutor({.max_pixels = kMaxPixels});
  const auto asked = fuzz::ReadAsked(fuzz::Text(data, size), "image");
  if (!asked) return 0;
  const auto output =
      executor->Run({.tenant = {}, .verb = "image", .operations = &asked->operations, .inputs = {asked->bytes}});
  if (!output) {
    fuzz::RequireFailure(output.error());
    return 0;
  }
  fuzz::RequireOutput(*output);
  fuzz::Require(output->perceptual.size() == 16, "an image has a perceptual hash");
  for (const ports::ArtifactBytes& artifact : output->artifacts) {
    fuzz::Require(!processors::RefuseMismatch("image", artifact.bytes), "what is stored is an image");
  }
  return 0;
}
