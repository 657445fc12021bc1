#include "flow/process.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "flow/attempts.h"
#include "flow/manifest.h"
#include "flow/reuse.h"
#include "job/limits.h"
#include "wire/outcome_codec.h"

namespace flow {

namespace {

// Artifacts wait in memory until so many bytes are there, then go to the blob store together: one sync for many.
constexpr std::size_t kArtifactFlushBytes = 32U << 20U;

ports::ProcessorFailure Refuse(std::string code, std::string message) {
  return {.error = {.code = std::move(code), .message = std::move(message)}};
}

constexpr std::uint64_t kMaxReadArtifactBytes = 16U << 20U;  // for a reducer: previews and posters are far smaller

class TenantArtifacts final : public ports::ArtifactReader {
 public:
  TenantArtifacts(ports::BlobStore& blobs, job::TenantId tenant) : blobs_(blobs), tenant_(std::move(tenant)) {}
  [[nodiscard]] base::Result<std::string> Read(const job::Artifact& artifact) override {
    if (artifact.bytes > kMaxReadArtifactBytes) {
      return base::Fail(base::Code::kTooLarge, fmt::format("artifact {} has {} bytes, a reducer reads {} at most",
                                                           artifact.name, artifact.bytes, kMaxReadArtifactBytes));
    }
    std::string bytes;
    UT_TRY(blobs_.Read(ports::ContentKey(tenant_, artifact.sha256), 0, artifact.bytes, bytes));
    return bytes;
  }

 private:
  ports::BlobStore& blobs_;
  job::TenantId tenant_;
};

std::optional<ports::ProcessorFailure> RefuseOutput(const ports::ProcessorOutput& output) {
  if (output.result_json.size() > job::kMaxResultBytes) {
    return Refuse("result-too-large",
                  fmt::format("the result has {} bytes, {} may be", output.result_json.size(), job::kMaxResultBytes));
  }
  if (output.artifacts.size() > job::kMaxArtifactsPerToon) {
    return Refuse("too-many-artifacts", fmt::format("{} artifacts, {} may be (maxArtifactsPerToon)",
                                                    output.artifacts.size(), job::kMaxArtifactsPerToon));
  }
  return std::nullopt;
}

}  // namespace

struct ChunkProcessor::Impl {
  ports::BlobStore& blobs;
  ports::ProcessorRegistry& processors;
  const ports::ReducerRegistry& reducers;
  ports::Executor* images;
  const base::Clock& clock;
  base::Random& random;

  // Buffers kept from chunk to chunk.
  wire::StrictParser parser;
  SegmentLines lines;
  std::string scratch;
  ToonOperations operations{reducers};
  std::vector<job::Outcome> successes;

  // Of the chunk at hand.
  job::Limits limits;  // the submission was held to the configured ones; a worker only needs the widest
  std::vector<std::pair<std::string, std::string>> artifacts;  // blob key, bytes
  std::size_t artifact_bytes = 0;

  base::Result<ports::ChunkAnswer> Process(const ports::Chunk& chunk);
  base::Result<ports::ChunkAnswer> Reduce(const ports::Chunk& chunk);
  base::Status One(const ports::Chunk& chunk, std::uint32_t index, ports::ChunkAnswer& answer);
  base::Status Work(const ports::Chunk& chunk, std::string_view line, FailedTry& facts, ports::ChunkAnswer& answer);
  job::Outcome Succeed(const ports::Chunk& chunk, const FailedTry& facts, const base::Sha256& fingerprint,
                       ports::ProcessorOutput output);
  void AddFailure(const FailedTry& facts, ports::ProcessorFailure failure, ports::ChunkAnswer& answer);
  job::Artifact Keep(const job::TenantId& tenant, ports::ArtifactBytes artifact);
  base::Status Flush();
};

ChunkProcessor::ChunkProcessor(ports::BlobStore& blobs, ports::ProcessorRegistry& processors,
                               const ports::ReducerRegistry& reducers, ports::Executor* images,
                               const base::Clock& clock, base::Random& random)
    : impl_(new Impl{.blobs = blobs,
                     .processors = processors,
                     .reducers = reducers,
                     .images = images,
                     .clock = clock,
                     .random = random}) {}
ChunkProcessor::~ChunkProcessor() = default;

base::Result<ports::ChunkAnswer> ChunkProcessor::Run(const ports::Chunk& chunk) {
  impl_->artifacts.clear();
  impl_->artifact_bytes = 0;
  return chunk.kind == ports::Chunk::Kind::kReduce ? impl_->Reduce(chunk) : impl_->Process(chunk);
}

base::Result<ports::ChunkAnswer> ChunkProcessor::Impl::Process(const ports::Chunk& chunk) {
  UT_TRY(lines.Load(blobs, chunk.manifest_blob, chunk.segment));
  UT_TRY(operations.Load(chunk.operations_json, chunk.reducers));
  ports::ChunkAnswer answer;
  successes.clear();
  if (chunk.only.empty()) {
    answer.outcomes.reserve(chunk.segment.count);
    for (std::uint32_t index = 0; index < chunk.segment.count; ++index) {
      UT_TRY(One(chunk, index, answer));
    }
  } else {
    answer.outcomes.reserve(chunk.only.size());
    for (const std::uint32_t index : chunk.only) {
      if (index >= chunk.segment.count)
        return base::Fail(base::Code::kCorrupt, "a chunk names a toon it does not hold");
      UT_TRY(One(chunk, index, answer));
    }
  }
  UT_TRY(Flush());
  for (const std::string& name : chunk.reducers) {
    const ports::Reducer* reducer = reducers.Find(name);
    if (reducer == nullptr) return base::Fail(base::Code::kUnsupported, fmt::format("no reducer '{}'", name));
    std::string bytes = reducer->Fold(successes);
    if (!bytes.empty()) answer.partials.push_back({.reducer = name, .bytes = std::move(bytes)});
  }
  return answer;
}

base::Status ChunkProcessor::Impl::One(const ports::Chunk& chunk, std::uint32_t index, ports::ChunkAnswer& answer) {
  FailedTry facts{.position = chunk.segment.first + index, .attempt = chunk.attempt, .after_death = chunk.after_death};
  return Work(chunk, lines.line(index), facts, answer);
}

base::Status ChunkProcessor::Impl::Work(const ports::Chunk& chunk, std::string_view line, FailedTry& facts,
                                        ports::ChunkAnswer& answer) {
  const base::SteadyPoint begin = clock.Steady();
  const auto fail = [&](ports::ProcessorFailure failure) {
    facts.duration = std::chrono::duration_cast<std::chrono::microseconds>(clock.Steady() - begin);
    AddFailure(facts, std::move(failure), answer);
    return base::Status{};
  };
  const auto element = parser.Parse(line, "", wire::StrictParser::Padding::kPresent);
  if (!element) return base::Fail(base::Code::kCorrupt, fmt::format("toon {} does not parse", facts.position));
  wire::ToonView toon;
  wire::FieldErrors errors;
  if (!wire::DecodeToon(*element, line, "", limits, toon, errors)) {
    return base::Fail(base::Code::kCorrupt, fmt::format("toon {} does not decode", facts.position));
  }
  facts.toon_id = job::ToonId(toon.toon_id);
  facts.type = toon.type;
  const auto source = LoadSource(blobs, chunk.key.tenant, toon, scratch);
  if (!source) {
    if (source.error().code != base::Code::kInvalid) return std::unexpected(source.error());
    return fail(Refuse(source.error().reason, source.error().message));
  }
  facts.source_bytes = source->bytes.size();
  ports::Processor* processor = processors.Find(toon.type);
  if (processor == nullptr) {
    return fail(Refuse("unsupported-type", fmt::format("no processor for toons of type '{}' here", toon.type)));
  }
  UT_TRY_ASSIGN(const auto* applying, operations.Of(toon));
  auto output = processor->Process({.tenant = chunk.key.tenant.str(),
                                    .type = toon.type,
                                    .bytes = source->bytes,
                                    .form = source->form,
                                    .operations = applying});
  // A processor that made its own fingerprint saves hashing the source, unless somebody needs that too.
  const bool hash_needed = chunk.reuse_keys || !output || !output->fingerprint;
  const base::Sha256 source_sha256 = hash_needed ? base::Sha256Of(source->bytes) : base::Sha256{};
  if (hash_needed) facts.sha256 = source_sha256;
  if (!output && output.error().blame == ports::Blame::kPlatform) {
    const job::ToonError& error = output.error().error;
    return base::Fail(base::Code::kUnavailable, fmt::format("{}: {}", error.code, error.message));
  }
  if (!output) return fail(std::move(output).error());
  const base::Sha256 fingerprint = output->fingerprint.value_or(source_sha256);
  facts.sha256 = fingerprint;
  if (auto refused = RefuseOutput(*output)) return fail(std::move(*refused));
  facts.duration = std::chrono::duration_cast<std::chrono::microseconds>(clock.Steady() - begin);
  job::Outcome outcome = Succeed(chunk, facts, fingerprint, std::move(*output));
  if (chunk.reuse_keys) {
    outcome.reuse_key = ReuseKey(toon.type, source_sha256, *applying, processor->version());
  }
  answer.outcomes.push_back(wire::ToRow(outcome));
  successes.push_back(std::move(outcome));
  return artifact_bytes > kArtifactFlushBytes ? Flush() : base::Status{};
}

job::Outcome ChunkProcessor::Impl::Succeed(const ports::Chunk& chunk, const FailedTry& facts,
                                           const base::Sha256& fingerprint, ports::ProcessorOutput output) {
  job::Outcome outcome;
  outcome.position = facts.position;
  outcome.state = job::ToonState::kSucceeded;
  outcome.toon_id = facts.toon_id;
  outcome.type = facts.type;
  outcome.result_json = std::move(output.result_json);
  outcome.sha256 = fingerprint;
  outcome.perceptual = std::move(output.perceptual);
  outcome.source_bytes = facts.source_bytes;
  outcome.duration = facts.duration;
  outcome.attempts = facts.attempt;
  outcome.processed_at = clock.Now();
  for (ports::ArtifactBytes& artifact : output.artifacts) {
    outcome.artifacts.push_back(Keep(chunk.key.tenant, std::move(artifact)));
  }
  return outcome;
}

void ChunkProcessor::Impl::AddFailure(const FailedTry& facts, ports::ProcessorFailure failure,
                                      ports::ChunkAnswer& answer) {
  auto next = AfterFailure(facts, std::move(failure), clock.Now(), random);
  if (auto* note = std::get_if<job::RetryNote>(&next)) {
    answer.retries.push_back(std::move(*note));
  } else {
    answer.outcomes.push_back(wire::ToRow(std::get<job::Outcome>(next)));
  }
}

job::Artifact ChunkProcessor::Impl::Keep(const job::TenantId& tenant, ports::ArtifactBytes artifact) {
  job::Artifact kept{.name = std::move(artifact.name),
                     .content_type = std::move(artifact.content_type),
                     .bytes = artifact.bytes.size(),
                     .sha256 = base::Sha256Of(artifact.bytes)};
  artifact_bytes += artifact.bytes.size();
  artifacts.emplace_back(ports::ContentKey(tenant, kept.sha256), std::move(artifact.bytes));
  return kept;
}

base::Status ChunkProcessor::Impl::Flush() {
  if (artifacts.empty()) return {};
  std::vector<ports::BlobToPut> puts;
  puts.reserve(artifacts.size());
  for (const auto& [key, bytes] : artifacts) puts.push_back({.key = key, .bytes = bytes});
  UT_TRY(blobs.Put(puts));
  artifacts.clear();
  artifact_bytes = 0;
  return {};
}

base::Result<ports::ChunkAnswer> ChunkProcessor::Impl::Reduce(const ports::Chunk& chunk) {
  job::ReduceResult reduced{.reducer = chunk.reducer};
  const ports::Reducer* reducer = reducers.Find(chunk.reducer);
  if (reducer == nullptr) {
    reduced.error = job::ToonError{.code = "unknown-reducer", .message = fmt::format("no reducer '{}'", chunk.reducer)};
    return ports::ChunkAnswer{.reduced = std::move(reduced)};
  }
  TenantArtifacts readable(blobs, chunk.key.tenant);
  auto finished = reducer->Finish({.partial = chunk.partial,
                                   .params_json = chunk.params_json,
                                   .toon_count = chunk.toon_count,
                                   .succeeded = chunk.succeeded,
                                   .failed = chunk.failed,
                                   .job_id = chunk.key.job.str(),
                                   .tenant = chunk.key.tenant.str(),
                                   .artifacts = &readable,
                                   .images = images});
  if (!finished) {
    if (base::PolicyOf(finished.error().code).retryable) return std::unexpected(std::move(finished).error());
    reduced.error = job::ToonError{.code = "reducer-failed", .message = finished.error().message};
    return ports::ChunkAnswer{.reduced = std::move(reduced)};
  }
  for (ports::ArtifactBytes& artifact : *finished) {
    reduced.artifacts.push_back(Keep(chunk.key.tenant, std::move(artifact)));
  }
  UT_TRY(Flush());
  return ports::ChunkAnswer{.reduced = std::move(reduced)};
}

}  // namespace flow
