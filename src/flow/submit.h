// POST /submit-job, in pieces: body → manifest → one commit → 202. Nothing is visible before Finish answered OK.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "flow/context.h"
#include "job/lifecycle.h"

namespace flow {

struct SubmitRequest {
  job::TenantId tenant;
  std::optional<std::string> idempotency_key;  // of the header; ignored when the body names a jobId
  std::string traceparent;
};
struct SubmitAnswer {
  job::Job job;
  bool replayed = false;  // the first answer of an earlier, equal submission
};

class Submission {
 public:
  virtual ~Submission() = default;
  // kInvalid, kTooLarge: the payload's fault, fields say where. kThrottled. kUnavailable: not stored.
  [[nodiscard]] virtual base::Status Write(std::string_view piece) = 0;
  // Durable when it returns OK. kConflict ("job-id-taken", "idempotency-key-taken") and all errors of Write.
  [[nodiscard]] virtual base::Result<SubmitAnswer> Finish() = 0;
};

class Submit {
 public:
  Submit(Context& context, Starter& starter) : context_(context), starter_(starter) {}
  // kThrottled ("backlog-full", "tenant-quota") before any byte is read.
  [[nodiscard]] base::Result<std::unique_ptr<Submission>> Begin(SubmitRequest request);

 private:
  Context& context_;
  Starter& starter_;
};

}  // namespace flow
