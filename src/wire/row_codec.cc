#include "wire/row_codec.h"

#include <fmt/format.h>

#include <utility>

#include "wire/row_reader.h"

namespace wire {

namespace {

constexpr std::uint8_t kSucceededFlag = 1;
constexpr std::uint8_t kReferencesFlag = 2;

void PutError(std::string& out, const job::ToonError& error) {
  PutBytes(out, error.code);
  PutBytes(out, error.message);
}
job::ToonError GetError(RowReader& in) {
  job::ToonError error;
  error.code = in.Text();
  error.message = in.Text();
  return error;
}

void PutArtifact(std::string& out, const job::Artifact& artifact) {
  PutBytes(out, artifact.name);
  PutBytes(out, artifact.content_type);
  PutVarint(out, artifact.bytes);
}
job::Artifact GetArtifact(RowReader& in) {
  job::Artifact artifact;
  artifact.name = in.Text();
  artifact.content_type = in.Text();
  artifact.bytes = in.Varint();
  return artifact;
}

void PutReduced(std::string& out, const job::ReduceResult& result) {
  PutBytes(out, result.reducer);
  PutVarint(out, result.artifacts.size());
  for (const job::Artifact& artifact : result.artifacts) {
    PutArtifact(out, artifact);
    out += base::View(artifact.sha256);
  }
  PutOptional(out, result.error, PutError);
}
job::ReduceResult GetReduced(RowReader& in) {
  job::ReduceResult result;
  result.reducer = in.Text();
  constexpr std::size_t kLeastArtifactBytes = 3 + 32;
  result.artifacts.resize(in.Count(kLeastArtifactBytes));
  for (job::Artifact& artifact : result.artifacts) {
    artifact = GetArtifact(in);
    artifact.sha256 = in.Sha();
  }
  result.error = in.Optional<job::ToonError>([&] { return GetError(in); });
  return result;
}

}  // namespace

std::string EncodeSpec(const SpecRow& row) {
  const job::JobSpec& spec = row.spec;
  std::string out = NewRow();
  PutBytes(out, spec.key.tenant.str());
  PutBytes(out, spec.key.job.str());
  out += base::View(spec.payload_sha256);
  PutBytes(out, spec.manifest.blob);
  PutVarint(out, spec.manifest.bytes);
  PutFlag(out, spec.manifest_uploaded);
  PutBytes(out, spec.metadata_json);
  PutBytes(out, spec.operations_json);
  PutVarint(out, spec.reducers.size());
  for (const job::ReducerSpec& reducer : spec.reducers) {
    PutBytes(out, reducer.name);
    PutBytes(out, reducer.params_json);
  }
  PutOptional(out, spec.tolerance.failed_percent, PutReal);
  PutOptional(out, spec.tolerance.failed_count, PutVarint);
  PutSigned(out, spec.priority);
  out.push_back(static_cast<char>(spec.chunking));
  out.push_back(static_cast<char>(spec.reuse));
  PutTime(out, spec.submitted_at);
  PutOptional(out, spec.retention, [](std::string& to, std::chrono::seconds value) { PutSigned(to, value.count()); });
  PutBytes(out, spec.traceparent);
  PutOptional(out, row.idempotency_key, PutBytes);
  return out;
}

base::Result<SpecRow> DecodeSpec(std::string_view bytes) {
  RowReader in(bytes);
  SpecRow row;
  job::JobSpec& spec = row.spec;
  spec.key.tenant = job::TenantId(in.Text());
  spec.key.job = job::JobId(in.Text());
  spec.payload_sha256 = in.Sha();
  spec.manifest.blob = in.Text();
  spec.manifest.bytes = in.Varint();
  spec.manifest_uploaded = in.Flag();
  spec.metadata_json = in.Text();
  spec.operations_json = in.Text();
  spec.reducers.resize(in.Count(2));
  for (job::ReducerSpec& reducer : spec.reducers) {
    reducer.name = in.Text();
    reducer.params_json = in.Text();
  }
  spec.tolerance.failed_percent = in.Optional<double>([&] { return in.Real(); });
  spec.tolerance.failed_count = in.Optional<std::uint64_t>([&] { return in.Varint(); });
  spec.priority = in.Signed32();
  spec.chunking = in.OneOf<job::Chunking>(static_cast<std::uint8_t>(job::Chunking::kPerToon));
  spec.reuse = in.OneOf<job::ReusePolicy>(static_cast<std::uint8_t>(job::ReusePolicy::kNever));
  spec.submitted_at = in.Time();
  spec.retention = in.Optional<std::chrono::seconds>([&] { return std::chrono::seconds(in.Signed()); });
  spec.traceparent = in.Text();
  row.idempotency_key = in.Optional<std::string>([&] { return in.Text(); });
  UT_TRY(in.End("job"));
  return row;
}

std::string EncodeState(const StateRow& row) {
  const job::JobState& state = row.state;
  std::string out = NewRow();
  out.push_back(static_cast<char>(state.phase));
  PutOptional(out, state.toon_count, PutVarint);
  PutVarint(out, state.generation);
  PutVarint(out, state.scope);
  PutVarint(out, state.carried_succeeded);
  PutFlag(out, state.cancelled);
  PutOptional(out, state.started_at, PutTime);
  PutOptional(out, state.completed_at, PutTime);
  PutTime(out, state.updated_at);
  PutBytes(out, state.reason);
  PutVarint(out, state.problems.size());
  for (const base::FieldError& problem : state.problems) {
    PutBytes(out, problem.pointer);
    PutBytes(out, problem.detail);
  }
  PutVarint(out, state.reduced.size());
  for (const job::ReduceResult& result : state.reduced) PutReduced(out, result);
  PutVarint(out, state.version);
  PutVarint(out, row.counters.succeeded);
  PutVarint(out, row.counters.failed);
  return out;
}

base::Result<StateRow> DecodeState(std::string_view bytes) {
  RowReader in(bytes);
  StateRow row;
  job::JobState& state = row.state;
  state.phase = in.OneOf<job::Phase>(static_cast<std::uint8_t>(job::Phase::kEnded));
  state.toon_count = in.Optional<std::uint64_t>([&] { return in.Varint(); });
  state.generation = in.Varint32();
  state.scope = in.Varint();
  state.carried_succeeded = in.Varint();
  state.cancelled = in.Flag();
  state.started_at = in.Optional<base::TimePoint>([&] { return in.Time(); });
  state.completed_at = in.Optional<base::TimePoint>([&] { return in.Time(); });
  state.updated_at = in.Time();
  state.reason = in.Text();
  state.problems.resize(in.Count(2));
  for (base::FieldError& problem : state.problems) {
    problem.pointer = in.Text();
    problem.detail = in.Text();
  }
  constexpr std::size_t kLeastReducedBytes = 3;
  state.reduced.resize(in.Count(kLeastReducedBytes));
  for (job::ReduceResult& result : state.reduced) result = GetReduced(in);
  state.version = in.Varint();
  row.counters.succeeded = in.Varint();
  row.counters.failed = in.Varint();
  UT_TRY(in.End("job state"));
  return row;
}

std::string EncodeSegments(const std::vector<job::Segment>& segments) {
  std::string out = NewRow();
  PutVarint(out, segments.size());
  for (const job::Segment& segment : segments) {
    PutVarint(out, segment.first);
    PutVarint(out, segment.count);
    PutVarint(out, segment.offset);
    PutVarint(out, segment.length);
    PutBytes(out, segment.work_class);
  }
  return out;
}

base::Result<std::vector<job::Segment>> DecodeSegments(std::string_view bytes) {
  RowReader in(bytes);
  constexpr std::size_t kLeastSegmentBytes = 5;
  std::vector<job::Segment> segments(in.Count(kLeastSegmentBytes));
  for (job::Segment& segment : segments) {
    segment.first = in.Varint();
    segment.count = in.Varint32();
    segment.offset = in.Varint();
    segment.length = in.Varint();
    segment.work_class = in.Text();
  }
  UT_TRY(in.End("plan page"));
  return segments;
}

std::string EncodeNote(const job::RetryNote& note) {
  std::string out = NewRow();
  PutVarint(out, note.attempts);
  PutTime(out, note.not_before);
  PutError(out, note.last_error);
  return out;
}

base::Result<job::RetryNote> DecodeNote(job::Position position, std::string_view bytes) {
  RowReader in(bytes);
  job::RetryNote note;
  note.position = position;
  note.attempts = in.Varint32();
  note.not_before = in.Time();
  note.last_error = GetError(in);
  UT_TRY(in.End("retry note"));
  return note;
}

std::string EncodeUpload(const ports::UploadRecord& upload) {
  std::string out = NewRow();
  PutVarint(out, upload.bytes);
  PutBytes(out, upload.content_type);
  PutTime(out, upload.expires_at);
  PutFlag(out, upload.complete);
  return out;
}

base::Result<ports::UploadRecord> DecodeUpload(const job::TenantId& tenant, const base::Sha256& sha256,
                                               std::string_view bytes) {
  RowReader in(bytes);
  ports::UploadRecord upload{.tenant = tenant, .sha256 = sha256};
  upload.bytes = in.Varint();
  upload.content_type = in.Text();
  upload.expires_at = in.Time();
  upload.complete = in.Flag();
  UT_TRY(in.End("upload"));
  return upload;
}

std::string EncodeArtifact(const job::Artifact& artifact) {
  std::string out = NewRow();
  PutArtifact(out, artifact);
  return out;
}

base::Result<job::Artifact> DecodeArtifact(const base::Sha256& sha256, std::string_view bytes) {
  RowReader in(bytes);
  job::Artifact artifact = GetArtifact(in);
  artifact.sha256 = sha256;
  UT_TRY(in.End("artifact reference"));
  return artifact;
}

std::string EncodeEvent(const ports::OutboxEvent& event) {
  std::string out = NewRow();
  PutBytes(out, event.type);
  PutBytes(out, event.key.tenant.str());
  PutBytes(out, event.key.job.str());
  PutBytes(out, event.body_json);
  return out;
}

base::Result<ports::OutboxEvent> DecodeEvent(std::string_view id, std::string_view bytes) {
  RowReader in(bytes);
  ports::OutboxEvent event{.id = std::string(id)};
  event.type = in.Text();
  event.key.tenant = job::TenantId(in.Text());
  event.key.job = job::JobId(in.Text());
  event.body_json = in.Text();
  UT_TRY(in.End("outbox event"));
  return event;
}

std::string EncodeQuarantined(const job::Quarantined& entry) {
  std::string out = NewRow();
  PutError(out, entry.error);
  PutBytes(out, entry.job.str());
  PutBytes(out, entry.toon.str());
  PutTime(out, entry.at);
  return out;
}

base::Result<job::Quarantined> DecodeQuarantined(job::QuarantineKey bytes, std::string_view row) {
  RowReader in(row);
  job::Quarantined entry{.bytes = std::move(bytes)};
  entry.error = GetError(in);
  entry.job = job::JobId(in.Text());
  entry.toon = job::ToonId(in.Text());
  entry.at = in.Time();
  UT_TRY(in.End("quarantine entry"));
  return entry;
}

char OutcomeFlags(const ports::OutcomeRow& row) {
  return static_cast<char>((row.state == job::ToonState::kSucceeded ? kSucceededFlag : 0) |
                           (row.has_references ? kReferencesFlag : 0));
}

base::Result<ports::OutcomeRow> DecodeOutcomeRow(job::Position position, std::string_view value) {
  const auto flags = static_cast<std::uint8_t>(value.empty() ? '\xFF' : value.front());
  if ((flags & ~(kSucceededFlag | kReferencesFlag)) != 0) {
    return base::Fail(base::Code::kCorrupt, fmt::format("the stored outcome of position {} does not decode", position));
  }
  return ports::OutcomeRow{
      .position = position,
      .state = (flags & kSucceededFlag) != 0 ? job::ToonState::kSucceeded : job::ToonState::kFailed,
      .has_references = (flags & kReferencesFlag) != 0,
      .row = std::string(value.substr(1)),
  };
}

}  // namespace wire
