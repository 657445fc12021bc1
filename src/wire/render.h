// JSON documents of the REST API (docs: api/openapi.json). Output only; strings are escaped, members in fixed order.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "job/lifecycle.h"
#include "job/types.h"

namespace wire {

struct NamedJson {
  std::string name;
  std::string json;  // a valid JSON value
};
// GET /jobs/{id}: {jobId,status,toonCount,processed,succeeded,failed,metadata,submittedAt,startedAt?,completedAt?,
// timestamp,reason?,errors?,generation,aggregates?,artifacts?}. `aggregates`: one member per reducer.
[[nodiscard]] std::string RenderJob(const job::Job& job, const std::vector<NamedJson>& aggregates);
// 202 of a submission: {jobId,status,toonCount,submittedAt,links:{status,results,events}}; `prefix` is the stage ("" or
// "/prod").
[[nodiscard]] std::string RenderAccepted(const job::Job& job, std::string_view prefix);
// One element of GET /results. For kPending only toonId, type, state.
void AppendResult(const job::Outcome& outcome, std::string& out);
// One element of GET /quarantine: {type,sha256,code,message,jobId,toonId,quarantinedAt}.
void AppendQuarantined(const job::Quarantined& entry, std::string& out);
// RFC 9457. instance may be empty. {type,title,status,detail,instance?,traceId,reason?,errors?}
[[nodiscard]] std::string RenderProblem(const base::Error& error, std::string_view instance, std::string_view trace_id);

}  // namespace wire
