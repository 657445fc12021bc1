// Changing a job's course: cancel, retry.
#pragma once

#include "base/error.h"
#include "flow/context.h"
#include "job/lifecycle.h"

namespace flow {

class Control {
 public:
  Control(Context& context, Starter& starter) : context_(context), starter_(starter) {}
  // What has no outcome reads Failed/cancelled from now on; running work is stopped. kNotFound; kConflict if it has
  // ended (cancelling a cancelled job answers it again).
  [[nodiscard]] base::Result<job::Job> Cancel(const job::JobKey& key);
  // Opens the next generation over the toons that read Failed. kNotFound; kConflict if not ended or nothing failed.
  [[nodiscard]] base::Result<job::Job> Retry(const job::JobKey& key);

 private:
  Context& context_;
  Starter& starter_;
};

}  // namespace flow
