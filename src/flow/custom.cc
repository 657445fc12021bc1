#include "flow/custom.h"

#include <fmt/format.h>

#include <set>
#include <utility>

#include "flow/attempts.h"
#include "flow/manifest.h"
#include "flow/reuse.h"
#include "job/limits.h"
#include "wire/chunk_codec.h"
#include "wire/outcome_codec.h"

namespace flow {

namespace {

// One toon with all that it takes to speak of it. Not movable: `source` may point into `scratch`.
struct OneToon {
  SegmentLines lines;
  wire::StrictParser parser;
  wire::ToonView toon;
  std::string scratch;
  ToonSource source;
  std::vector<ports::Operation> operations;

  base::Status Load(ports::BlobStore& blobs, const ports::ReducerRegistry& reducers, const ports::Chunk& chunk) {
    UT_TRY(lines.Load(blobs, chunk.manifest_blob, chunk.segment));
    const std::uint32_t index = chunk.only.empty() ? 0 : chunk.only.front();
    if (index >= lines.size()) return base::Fail(base::Code::kCorrupt, "a chunk names a toon it does not hold");
    UT_TRY_ASSIGN(const wire::Element element,
                  parser.Parse(lines.line(index), "", wire::StrictParser::Padding::kPresent));
    wire::FieldErrors errors;
    if (!wire::DecodeToon(element, lines.line(index), "", {}, toon, errors)) {
      return base::Fail(base::Code::kCorrupt, fmt::format("toon {} does not decode", chunk.segment.first + index));
    }
    ToonOperations all(reducers);
    UT_TRY(all.Load(chunk.operations_json, chunk.reducers));
    UT_TRY_ASSIGN(const auto* found, all.Of(toon));
    operations = *found;
    UT_TRY_ASSIGN(source, LoadSource(blobs, chunk.key.tenant, toon, scratch));
    return {};
  }
};

job::Position PositionOf(const ports::Chunk& chunk) {
  return chunk.segment.first + (chunk.only.empty() ? 0 : chunk.only.front());
}

// Artifacts given inline are stored; those put by URL must be there with the size that was said.
base::Result<std::vector<job::Artifact>> StoreArtifacts(ports::BlobStore& blobs, const job::TenantId& tenant,
                                                        std::vector<wire::CustomArtifact>& given) {
  std::vector<job::Artifact> artifacts;
  std::vector<std::string> keys;
  std::set<std::string> names;
  for (const wire::CustomArtifact& artifact : given) {
    job::Artifact kept = artifact.stored.value_or(job::Artifact{.name = artifact.inline_bytes.name,
                                                                .content_type = artifact.inline_bytes.content_type,
                                                                .bytes = artifact.inline_bytes.bytes.size()});
    if (!artifact.stored) kept.sha256 = base::Sha256Of(artifact.inline_bytes.bytes);
    if (kept.name.empty() || kept.name.size() > job::kMaxArtifactNameBytes || !names.insert(kept.name).second) {
      return base::Fail(base::Code::kInvalid, "artifact names must be unique and of 1 to 128 bytes", "bad-artifact");
    }
    keys.push_back(ports::ContentKey(tenant, kept.sha256));
    if (artifact.stored) {
      UT_TRY_ASSIGN(const auto size, blobs.Size(keys.back()));
      if (size != kept.bytes) {
        return base::Fail(base::Code::kInvalid, fmt::format("artifact '{}' was not put as described", kept.name),
                          "bad-artifact");
      }
    }
    artifacts.push_back(std::move(kept));
  }
  std::vector<ports::BlobToPut> puts;
  for (std::size_t i = 0; i < given.size(); ++i) {
    if (!given[i].stored) puts.push_back({.key = keys[i], .bytes = given[i].inline_bytes.bytes});
  }
  if (!puts.empty()) UT_TRY(blobs.Put(puts));
  return artifacts;
}

}  // namespace

base::Result<std::string> CustomWork::Encode(const ports::Chunk& chunk) {
  OneToon one;
  UT_TRY(one.Load(blobs_, reducers_, chunk));
  wire::CustomRecord record{.job_id = chunk.key.job.str(),
                            .toon_id = std::string(one.toon.toon_id),
                            .type = std::string(one.toon.type),
                            .attempt = chunk.attempt,
                            .traceparent = chunk.traceparent,
                            .operations = one.operations,
                            .form = one.source.form};
  if (one.toon.metadata) record.metadata_json = simdjson::minify(*one.toon.metadata);
  if (one.source.bytes.size() <= kMaxInlineBytes) {
    record.bytes = one.source.bytes;
  } else {
    const base::Sha256 digest = one.toon.uri ? one.toon.uri->sha256 : base::Sha256Of(one.source.bytes);
    const std::string key = ports::ContentKey(chunk.key.tenant, digest);
    // An inline toon of that size gets a blob of its own for the URL; the collector takes it once it is old.
    if (!one.toon.uri) UT_TRY(blobs_.Put({{.key = key, .bytes = one.source.bytes}}));
    record.get_url = urls_.get(chunk.key.tenant, digest);
  }
  record.put_url = urls_.put(chunk.key.tenant);
  return wire::EncodeCustomRecord(record);
}

base::Result<ports::ChunkAnswer> CustomWork::Decode(const ports::Chunk& chunk, std::chrono::microseconds taken,
                                                    std::string_view body) {
  UT_TRY_ASSIGN(wire::CustomAnswer answer, wire::DecodeCustomAnswer(body));
  if (!answer.failed_message_ids.empty()) {
    return base::Fail(base::Code::kUnavailable, "the processor asks for its record again");
  }
  if (answer.outcomes.size() != 1) {
    return base::Fail(base::Code::kInvalid, fmt::format("{} outcomes for one record", answer.outcomes.size()));
  }
  wire::CustomOutcome& outcome = answer.outcomes.front();
  OneToon one;
  UT_TRY(one.Load(blobs_, reducers_, chunk));
  const base::Sha256 digest = base::Sha256Of(one.source.bytes);
  const FailedTry facts{.position = PositionOf(chunk),
                        .toon_id = job::ToonId(one.toon.toon_id),
                        .type = std::string(one.toon.type),
                        .attempt = chunk.attempt,
                        .after_death = chunk.after_death,
                        .duration = taken,
                        .source_bytes = one.source.bytes.size(),
                        .sha256 = digest};
  if (!outcome.failure && outcome.result_json.size() > job::kMaxResultBytes) {
    outcome.failure =
        ports::ProcessorFailure{.error = {.code = "result-too-large",
                                          .message = fmt::format("a result has {} bytes", outcome.result_json.size())}};
  }
  ports::ChunkAnswer ours;
  if (outcome.failure) {
    // Whoever answers is alive: what only a death may say, and what quarantines bytes, is not its word.
    std::string& code = outcome.failure->error.code;
    if (job::IsLethal(code)) code.insert(0, "processor-");
    auto next = AfterFailure(facts, std::move(*outcome.failure), clock_.Now(), random_);
    if (auto* note = std::get_if<job::RetryNote>(&next)) {
      ours.retries.push_back(std::move(*note));
    } else {
      ours.outcomes.push_back(wire::ToRow(std::get<job::Outcome>(next)));
    }
    return ours;
  }
  job::Outcome done{.position = facts.position,
                    .state = job::ToonState::kSucceeded,
                    .toon_id = facts.toon_id,
                    .type = facts.type,
                    .result_json = std::move(outcome.result_json),
                    .sha256 = digest,
                    .source_bytes = facts.source_bytes,
                    .duration = taken,
                    .attempts = chunk.attempt,
                    .processed_at = clock_.Now()};
  UT_TRY_ASSIGN(done.artifacts, StoreArtifacts(blobs_, chunk.key.tenant, outcome.artifacts));
  if (const auto version = versions_.find(one.toon.type); chunk.reuse_keys && version != versions_.end()) {
    done.reuse_key = ReuseKey(one.toon.type, digest, one.operations, version->second);
  }
  ours.outcomes.push_back(wire::ToRow(done));
  for (const std::string& name : chunk.reducers) {
    const ports::Reducer* reducer = reducers_.Find(name);
    std::string bytes = reducer == nullptr ? "" : reducer->Fold({&done, 1});
    if (!bytes.empty()) ours.partials.push_back({.reducer = name, .bytes = std::move(bytes)});
  }
  return ours;
}

}  // namespace flow
