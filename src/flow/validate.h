// An uploaded manifest is read once after its 202: checked line by line, counted, and divided into segments.
#pragma once

#include "base/error.h"
#include "flow/context.h"
#include "job/lifecycle.h"

namespace flow {

class Validate {
 public:
  explicit Validate(Context& context) : context_(context) {}
  // For a kAccepted job. Answers it as kRunning with its toonCount, or as kEnded with reason "invalid-manifest" and the
  // bad places ("/<line>/…"). Repeating it after a crash writes the same plan again. kUnavailable: try again later.
  [[nodiscard]] base::Result<job::Job> Run(const job::Job& job);

 private:
  [[nodiscard]] base::Result<job::Job> Refuse(const job::Job& job, std::vector<base::FieldError> problems);
  Context& context_;
};

}  // namespace flow
