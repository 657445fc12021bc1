// Jobs and outcomes for the suites.
#pragma once

#include <string>
#include <vector>

#include "job/lifecycle.h"
#include "ports/job_store.h"
#include "wire/outcome_codec.h"

namespace contract {

inline base::TimePoint At(std::int64_t seconds) {
  return base::FromUnixMicros(1'767'225'600'000'000 + seconds * 1'000'000);
}
inline base::Sha256 Hash(std::string_view text) {
  return base::Sha256Of(text);
}
inline job::JobKey KeyOf(std::string tenant, std::string job) {
  return {.tenant = job::TenantId(std::move(tenant)), .job = job::JobId(std::move(job))};
}

// A running job of `toons` toons.
inline ports::NewJob RunningJob(const job::JobKey& key, std::uint64_t toons, std::int64_t submitted_second = 0) {
  ports::NewJob job;
  job.spec.key = key;
  job.spec.payload_sha256 = Hash(key.job.str());
  job.spec.manifest = {.blob = "m/" + key.tenant.str() + "/" + key.job.str(), .bytes = toons * 10};
  job.spec.metadata_json = R"({"by":"a test"})";
  job.spec.operations_json = R"({"message":[{"op":"emit"}]})";
  job.spec.reducers = {{.name = "timeline", .params_json = R"({"step":5})"}};
  job.spec.tolerance = {.failed_percent = 12.5, .failed_count = 3};
  job.spec.priority = -7;
  job.spec.submitted_at = At(submitted_second);
  job.spec.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  job.state.phase = job::Phase::kRunning;
  job.state.toon_count = toons;
  job.state.scope = toons;
  job.state.updated_at = At(submitted_second);
  job.state.version = 1;
  return job;
}

// Deletes the job as it stands.
inline base::Status DeleteNow(ports::JobStore& jobs, const job::JobKey& key) {
  UT_TRY_ASSIGN(const auto job, jobs.Get(key));
  return jobs.Delete(key, job ? job->state.version : 0);
}

inline job::Outcome SuccessAt(job::Position position) {
  job::Outcome outcome;
  outcome.position = position;
  outcome.state = job::ToonState::kSucceeded;
  outcome.toon_id = job::ToonId("toon-" + std::to_string(position));
  outcome.type = "message";
  outcome.result_json = R"({"valid":true})";
  outcome.sha256 = Hash(outcome.toon_id.str());
  outcome.source_bytes = 42;
  outcome.duration = std::chrono::microseconds(17);
  outcome.processed_at = At(1);
  return outcome;
}
inline job::Outcome FailureAt(job::Position position) {
  job::Outcome outcome = SuccessAt(position);
  outcome.state = job::ToonState::kFailed;
  outcome.result_json = "{}";
  outcome.error = job::ToonError{.code = "invalid-csv", .message = "no header"};
  return outcome;
}
inline job::RetryNote NoteAt(job::Position position, std::uint32_t attempts = 1) {
  return {.position = position,
          .attempts = attempts,
          .not_before = At(5),
          .last_error = {.code = "timeout", .message = "it took too long"}};
}
inline job::Artifact ArtifactOf(std::string_view content) {
  return {.name = "clean.csv", .content_type = "text/csv", .bytes = content.size(), .sha256 = Hash(content)};
}

// Successes at these positions, with the counting reducer's partial over them.
inline ports::RecordCommit Successes(const job::JobKey& key, const std::vector<job::Position>& positions,
                                     job::Generation generation = 1) {
  ports::RecordCommit commit{.key = key, .generation = generation};
  for (const job::Position position : positions) commit.outcomes.push_back(wire::ToRow(SuccessAt(position)));
  commit.partials.push_back({.reducer = "summary", .bytes = std::to_string(positions.size())});
  return commit;
}

}  // namespace contract
