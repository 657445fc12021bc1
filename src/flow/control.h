// Changing a course: cancel and retry a job, release what is in quarantine.
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

  // Takes these bytes, as every type, out of the tenant's quarantine: the next toon that has them is processed.
  // kNotFound if they are not in it.
  [[nodiscard]] base::Status Release(const job::TenantId& tenant, const base::Sha256& sha256);

 private:
  Context& context_;
  Starter& starter_;
};

}  // namespace flow
