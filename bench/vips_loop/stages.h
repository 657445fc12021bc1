// Where the time of one image goes.
#pragma once

#include <string>
#include <vector>

namespace bench {

struct Stages {  // milliseconds of CPU an image, means
  double read = 0;
  double hash = 0;    // of source and output
  double decode = 0;  // JPEG to pixels at the scale that the thumbnail asks of the decoder
  double resize = 0;  // the rest of the thumbnail
  double encode = 0;  // pixels to WebP
};

// Each stage by itself in this process, one image after another; in the loop decoding and resizing interleave. No other
// thread may be busy. libvips is initialised. Throws std::runtime_error or vips::VError.
Stages MeasureStages(const std::vector<std::string>& files);

}  // namespace bench
