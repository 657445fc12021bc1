// The worker's handler: an SQS-shaped event of chunks, each processed by flow::ChunkProcessor, the answers given to the
// recorder of this home.
#pragma once

#include "flow/process.h"
#include "ports/work.h"
#include "runtime/runtime.h"

namespace runtime {

// A record that does not decode is an invocation error (kInvalid). A blob store that cannot write any more
// (kSyncFailed) ends the process after the answer. Everything given by reference outlives the handler.
[[nodiscard]] Handler NewChunkHandler(flow::ChunkProcessor& processor, ports::Recorder& recorder,
                                      std::string_view answer_content_type);

}  // namespace runtime
