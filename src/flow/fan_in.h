// Folding a job back together: once every toon ended, its reducers run (in workers), and with the last of them it ends.
#pragma once

#include <vector>

#include "base/error.h"
#include "flow/context.h"
#include "ports/work.h"

namespace flow {

class FanIn {
 public:
  explicit FanIn(Context& context) : context_(context) {}
  // Moves the job to its reducers if every toon ended, and answers it as it stands then: kReducing if this call or an
  // earlier one moved it, for the answer of that one may have been lost.
  [[nodiscard]] base::Result<job::Job> TryBegin(const job::JobKey& key);
  // The reducers of a kReducing job that have not ended yet, as chunks.
  [[nodiscard]] base::Result<std::vector<ports::Chunk>> Chunks(const job::Job& job);
  // Commits one reducer's end; with the last one, the job's, and its event. Doing it twice changes nothing.
  [[nodiscard]] base::Result<job::Job> Finish(const job::JobKey& key, const job::ReduceResult& result);

 private:
  Context& context_;
};

}  // namespace flow
