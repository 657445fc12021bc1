// How much memory a task will add to an idle executor, by what its bytes say in their header and what is asked of them.
// A few microseconds; links no decoder. The learned factor of its kind (ports/memory.h) is not in it.
//
//   image   what the decoder holds (coefficients of a progressive JPEG, an interlaced PNG, a lossless WebP, canvases of
//   an
//           animation), and the decoded pixels as often as the operations keep them: not at all when all is made while
//           lines pass by, once or more for conversions, crops and the like
//   sound   its bytes and a fixed working set: everything streams
//   video   frames of its picture's size that decoder and scaler hold
//   sheet   its tiles and its canvas
// Bytes that say nothing get what a usual file of their type needs; the decoder will refuse them, or the factor learns.
#pragma once

#include "ports/executor.h"
#include "ports/memory.h"

namespace processors {

[[nodiscard]] ports::MemoryEstimate EstimateMemory(const ports::IsolatedTask& task);

}  // namespace processors
