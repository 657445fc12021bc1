#include "wire/render.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "base/clock.h"
#include "base/log.h"

namespace wire {

namespace {

void AppendMember(std::string& out, std::string_view key, std::string_view text) {
  out += '"';
  out += key;
  out += "\":";
  base::AppendJsonString(out, text);
}

void AppendNumber(std::string& out, std::string_view key, std::uint64_t value) {
  out += '"';
  out += key;
  out += "\":";
  const fmt::format_int digits(value);
  out.append(digits.data(), digits.size());
}

// A toon count is null until an uploaded manifest is counted.
void AppendToonCount(std::string& out, const job::Job& job) {
  if (job.state.toon_count) {
    AppendNumber(out, "toonCount", *job.state.toon_count);
  } else {
    out += "\"toonCount\":null";
  }
}

// Milliseconds with up to three decimals: 1234 µs -> 1.234, 1500 µs -> 1.5.
void AppendMillis(std::string& out, std::chrono::microseconds duration) {
  const std::int64_t micros = std::max<std::int64_t>(duration.count(), 0);
  fmt::format_to(std::back_inserter(out), "{}", micros / 1000);
  const std::int64_t fraction = micros % 1000;
  if (fraction == 0) return;
  fmt::format_to(std::back_inserter(out), ".{:03}", fraction);
  while (out.back() == '0') out.pop_back();
}

void AppendArtifact(std::string& out, const job::Artifact& artifact) {
  const std::string sha256 = base::ToHex(artifact.sha256);
  out += '{';
  AppendMember(out, "name", artifact.name);
  out += ',';
  AppendMember(out, "contentType", artifact.content_type);
  out += ',';
  AppendNumber(out, "bytes", artifact.bytes);
  out += R"(,"sha256":")";
  out += sha256;
  out += R"(","uri":"artifact://)";
  out += sha256;
  out += "\"}";
}

void AppendArtifacts(std::string& out, const std::vector<job::Artifact>& artifacts) {
  bool first = true;
  for (const job::Artifact& artifact : artifacts) {
    if (!first) out += ',';
    first = false;
    AppendArtifact(out, artifact);
  }
}

void AppendErrors(std::string& out, const std::vector<base::FieldError>& errors) {
  out += ",\"errors\":[";
  bool first = true;
  for (const base::FieldError& error : errors) {
    out += first ? "{" : ",{";
    first = false;
    AppendMember(out, "pointer", error.pointer);
    out += ',';
    AppendMember(out, "detail", error.detail);
    out += '}';
  }
  out += ']';
}

void AppendTimes(std::string& out, const job::Job& job) {
  out += ',';
  AppendMember(out, "submittedAt", base::FormatTime(job.spec.submitted_at));
  if (job.state.started_at) {
    out += ',';
    AppendMember(out, "startedAt", base::FormatTime(*job.state.started_at));
  }
  if (job.state.completed_at) {
    out += ',';
    AppendMember(out, "completedAt", base::FormatTime(*job.state.completed_at));
  }
  out += ',';
  AppendMember(out, "timestamp", base::FormatTime(job.state.updated_at));
}

void AppendAggregates(std::string& out, const std::vector<NamedJson>& aggregates) {
  if (aggregates.empty()) return;
  out += ",\"aggregates\":{";
  bool first = true;
  for (const NamedJson& aggregate : aggregates) {
    if (!first) out += ',';
    first = false;
    base::AppendJsonString(out, aggregate.name);
    out += ':';
    out += aggregate.json;
  }
  out += '}';
}

void AppendJobArtifacts(std::string& out, const std::vector<job::ReduceResult>& reduced) {
  std::string list;
  for (const job::ReduceResult& result : reduced) {
    if (!list.empty() && !result.artifacts.empty()) list += ',';
    AppendArtifacts(list, result.artifacts);
  }
  if (!list.empty()) fmt::format_to(std::back_inserter(out), ",\"artifacts\":[{}]", list);
}

std::string_view StatusName(const job::Job& job) {
  return job::kJobStatusNames[static_cast<std::size_t>(job::StatusOf(job))];
}

// What follows the three members that a pending toon has too.
void AppendEnd(const job::Outcome& outcome, std::string& out) {
  out += ",\"result\":";
  out += outcome.result_json;
  if (outcome.sha256) {
    out += R"(,"fingerprint":{"sha256":")";
    out += base::ToHex(*outcome.sha256);
    out += '"';
    if (!outcome.perceptual.empty()) {
      out += ',';
      AppendMember(out, "perceptual", outcome.perceptual);
    }
    out += '}';
  }
  out += ",\"durationMs\":";
  AppendMillis(out, outcome.duration);
  out += ',';
  AppendNumber(out, "attempts", outcome.attempts);
  out += ',';
  AppendMember(out, "processedAt", base::FormatTime(outcome.processed_at));
  if (outcome.reused) out += ",\"reused\":true";
  out += ",\"artifacts\":[";
  AppendArtifacts(out, outcome.artifacts);
  out += ']';
  if (outcome.error) {
    out += ",\"error\":{";
    AppendMember(out, "code", outcome.error->code);
    out += ',';
    AppendMember(out, "message", outcome.error->message);
    out += '}';
  }
}

}  // namespace

std::string RenderJob(const job::Job& job, const std::vector<NamedJson>& aggregates) {
  std::string out = "{";
  AppendMember(out, "jobId", job.spec.key.job.str());
  out += ',';
  AppendMember(out, "status", StatusName(job));
  out += ',';
  AppendToonCount(out, job);
  out += ',';
  AppendNumber(out, "processed", job::Processed(job));
  out += ',';
  AppendNumber(out, "succeeded", job::Succeeded(job));
  out += ',';
  AppendNumber(out, "failed", job::Failed(job));
  out += ",\"metadata\":";
  out += job.spec.metadata_json;
  AppendTimes(out, job);
  if (!job.state.reason.empty()) {
    out += ',';
    AppendMember(out, "reason", job.state.reason);
  }
  if (!job.state.problems.empty()) AppendErrors(out, job.state.problems);
  out += ',';
  AppendNumber(out, "generation", job.state.generation);
  AppendAggregates(out, aggregates);
  AppendJobArtifacts(out, job.state.reduced);
  out += '}';
  return out;
}

std::string RenderAccepted(const job::Job& job, std::string_view prefix) {
  const std::string& id = job.spec.key.job.str();
  std::string out = "{";
  AppendMember(out, "jobId", id);
  out += ',';
  AppendMember(out, "status", StatusName(job));
  out += ',';
  AppendToonCount(out, job);
  out += ',';
  AppendMember(out, "submittedAt", base::FormatTime(job.spec.submitted_at));
  // The alphabet of job ids needs no escaping in paths and queries.
  out += ",\"links\":{";
  AppendMember(out, "status", fmt::format("{}/jobs/{}", prefix, id));
  out += ',';
  AppendMember(out, "results", fmt::format("{}/results?jobId={}", prefix, id));
  out += ',';
  AppendMember(out, "events", fmt::format("{}/jobs/{}/events", prefix, id));
  out += "}}";
  return out;
}

void AppendResult(const job::Outcome& outcome, std::string& out) {
  out += '{';
  AppendMember(out, "toonId", outcome.toon_id.str());
  out += ',';
  AppendMember(out, "type", outcome.type);
  out += ',';
  AppendMember(out, "state", job::kToonStateNames[static_cast<std::size_t>(outcome.state)]);
  if (outcome.state != job::ToonState::kPending) AppendEnd(outcome, out);
  out += '}';
}

void AppendQuarantined(const job::Quarantined& entry, std::string& out) {
  out += '{';
  AppendMember(out, "type", entry.bytes.type);
  out += ',';
  AppendMember(out, "sha256", base::ToHex(entry.bytes.sha256));
  out += ',';
  AppendMember(out, "code", entry.error.code);
  out += ',';
  AppendMember(out, "message", entry.error.message);
  out += ',';
  AppendMember(out, "jobId", entry.job.str());
  out += ',';
  AppendMember(out, "toonId", entry.toon.str());
  out += ',';
  AppendMember(out, "quarantinedAt", base::FormatTime(entry.at));
  out += '}';
}

std::string RenderProblem(const base::Error& error, std::string_view instance, std::string_view trace_id) {
  const base::ErrorPolicy& policy = base::PolicyOf(error.code);
  std::string out = "{";
  AppendMember(out, "type", fmt::format("https://ubertoons.dev/problems/{}", policy.name));
  out += ',';
  AppendMember(out, "title", policy.title);
  fmt::format_to(std::back_inserter(out), ",\"status\":{},", policy.http_status);
  AppendMember(out, "detail", error.message);
  if (!instance.empty()) {
    out += ',';
    AppendMember(out, "instance", instance);
  }
  out += ',';
  AppendMember(out, "traceId", trace_id);
  if (!error.reason.empty()) {
    out += ',';
    AppendMember(out, "reason", error.reason);
  }
  if (!error.fields.empty()) AppendErrors(out, error.fields);
  out += '}';
  return out;
}

}  // namespace wire
