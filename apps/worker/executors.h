// The worker's executors: where their programs are, how strictly they are held, what a task may use. From the
// environment:
//   UBERTOONS_EXECUTORS=DIR             where ubertoons-exec-image and -media lie; absent: beside this program
//   UBERTOONS_ISOLATION=LEVEL           "strict" (default) or "contained"
//   UBERTOONS_LIMITS_MAX_MEDIA_BYTES, _MAX_IMAGE_PIXELS, _MAX_EXECUTOR_MEMORY, _MAX_EXECUTOR_OUTPUT,
//   _MAX_IMAGE_CPU_SECONDS, _MAX_IMAGE_WALL_SECONDS, _MAX_MEDIA_CPU_SECONDS, _MAX_MEDIA_WALL_SECONDS=N
//                                       plain numbers; lower than job::Limits, never higher
//   UBERTOONS_MEMORY_LEDGER=N           the descriptor, inherited, of the memory budget shared with other workers
//                                       (local/memory_ledger.h), which is closed; "off": none
//   AWS_LAMBDA_FUNCTION_MEMORY_SIZE=MB  where that is absent: what this process and its executors have to themselves
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "base/error.h"
#include "ports/executor.h"
#include "processors/registry.h"

namespace worker {

class MediaExecutors {
 public:
  // kInvalid: the environment says something that is not understood.
  [[nodiscard]] static base::Result<MediaExecutors> FromEnvironment();
  // An executor whose program is not there refuses its toons with "isolation-unavailable".
  [[nodiscard]] processors::Executors Pointers() const { return {.image = image_.get(), .media = media_.get()}; }
  // When whoever gave us the chunk at hand stops waiting: so long its toons may wait for memory, and no longer.
  void SetDeadline(base::SteadyPoint deadline) const { *deadline_ = deadline; }
  // What `ubertoons doctor` prints: a JSON array with one report per executor (sandbox::Examine).
  [[nodiscard]] static base::Result<std::string> Examine();

 private:
  std::shared_ptr<base::SteadyPoint> deadline_ = std::make_shared<base::SteadyPoint>(base::SteadyPoint::max());
  std::unique_ptr<ports::Executor> image_;
  std::unique_ptr<ports::Executor> media_;
};

}  // namespace worker
