// The worker's verb: one chunk in, one answer out. Reads toons from the manifest, runs their processors, stores
// artifacts, folds partials. Knows no queue and no transport; the same in both homes.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/random.h"
#include "ports/blob_store.h"
#include "ports/executor.h"
#include "ports/processor.h"
#include "ports/reducer.h"
#include "ports/work.h"

namespace flow {

class ChunkProcessor {
 public:
  // `images` decodes for reducers; nullptr: this worker finishes none that need it.
  ChunkProcessor(ports::BlobStore& blobs, ports::ProcessorRegistry& processors, const ports::ReducerRegistry& reducers,
                 ports::Executor* images, const base::Clock& clock, base::Random& random);
  ~ChunkProcessor();
  // Every toon of the chunk is in the answer, as an outcome or as a retry note; artifacts are durable by then. A toon's
  // own failure is an outcome; an Error means that the platform failed (blob store away, manifest damaged) and nothing
  // was decided: the chunk may be run again. One thread at a time.
  [[nodiscard]] base::Result<ports::ChunkAnswer> Run(const ports::Chunk& chunk);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace flow
