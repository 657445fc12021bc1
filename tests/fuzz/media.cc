// Audio and video: the executor's own entry, in this process. FFmpeg's libraries are Debian's and not instrumented; our
// code around them is. See operations.h for the input.
#include "processors/media/media.h"

#include "fuzz/operations.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto executor = processors::NewMediaExecutor();
  for (const std::string_view verb : {"audio", "video"}) {
    const auto asked = fuzz::ReadAsked(fuzz::Text(data, size), verb);
    if (!asked) continue;
    const auto output =
        executor->Run({.tenant = {}, .verb = verb, .operations = &asked->operations, .inputs = {asked->bytes}});
    if (output) {
      fuzz::RequireOutput(*output);
    } else {
      fuzz::RequireFailure(output.error());
    }
  }
  return 0;
}
