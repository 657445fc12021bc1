// ubertoons-exec-image: decodes images for ubertoons-worker, which starts it. See sandbox/serve.h for what it is given
// and what it gives up before it sees a byte.
//   --version      prints the processor's version and ends
#include "processors/image/image.h"
#include "sandbox/serve.h"

int main(int argc, char** argv) {
  return sandbox::ServeMain(argc, argv, [](const sandbox::TaskLimits& limits) {
    return processors::NewImageExecutor({.max_pixels = limits.max_image_pixels});
  });
}
