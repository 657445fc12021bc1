#include "flow/submit.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "flow/change.h"
#include "flow/owned.h"
#include "flow/split.h"
#include "job/limits.h"
#include "job/payload.h"
#include "wire/submission.h"

namespace flow {

namespace {

base::Status CheckQuota(const Context& context, const Starter& starter, const job::TenantId& tenant,
                        std::uint64_t toons) {
  const Starter::Backlog backlog = starter.BacklogOf(tenant);
  const job::Limits& limits = context.limits;
  if (backlog.toons + toons > limits.max_pending_toons) {
    return base::Fail(
        base::Code::kThrottled,
        fmt::format("{} toons are pending, {} may be (maxPendingToons)", backlog.toons, limits.max_pending_toons),
        "backlog-full");
  }
  if (backlog.tenant_toons + toons > limits.max_pending_toons_per_tenant) {
    return base::Fail(base::Code::kThrottled,
                      fmt::format("{} of your toons are pending, {} may be (maxPendingToonsPerTenant)",
                                  backlog.tenant_toons, limits.max_pending_toons_per_tenant),
                      "tenant-quota");
  }
  if (backlog.tenant_jobs >= limits.max_active_jobs_per_tenant) {
    return base::Fail(base::Code::kThrottled,
                      fmt::format("{} of your jobs are running, {} may be (maxActiveJobsPerTenant)",
                                  backlog.tenant_jobs, limits.max_active_jobs_per_tenant),
                      "tenant-quota");
  }
  return {};
}

class Submitting final : public Submission, private wire::ToonSink {
 public:
  Submitting(Context& context, Starter& starter, SubmitRequest request)
      : context_(context),
        starter_(starter),
        request_(std::move(request)),
        manifest_key_(ports::ManifestKey(request_.tenant, context.random.Hex(16))),
        plan_(context.plans, {.blob = manifest_key_}, 1),
        reader_({.limits = &context.limits, .catalog = &context.catalog, .reducers = &context.reducers}, *this) {}

  base::Status Write(std::string_view piece) override { return reader_.Write(piece); }

  base::Result<SubmitAnswer> Finish() override {
    UT_TRY_ASSIGN(wire::Envelope envelope, reader_.Finish());
    UT_TRY(CheckQuota(context_, starter_, request_.tenant, reader_.toon_count()));
    ports::NewJob created;
    UT_TRY(Describe(envelope, created));
    UT_TRY(envelope.manifest_uri ? FreezeUploaded(*envelope.manifest_uri, created) : StoreInline(created));
    created.events.push_back(AcceptedEvent({.spec = created.spec, .state = created.state}));
    auto answer = context_.jobs.Create(created);
    if (!answer) {
      if (answer.error().code == base::Code::kUnavailable) starter_.Doubtful(created.spec.key);
      return std::unexpected(std::move(answer).error());
    }
    ports::CreateAnswer& stored = *answer;
    const bool replayed = stored.kind == ports::CreateAnswer::Kind::kSame;
    if (!replayed) {
      context_.notifier.Publish(stored.job);
      starter_.Runnable(stored.job);
    } else {
      // The first submission's manifest stands; this copy is nobody's.
      if (const auto removed = context_.blobs.Remove(manifest_key_); !removed) return std::unexpected(removed.error());
    }
    return SubmitAnswer{.job = std::move(stored.job), .replayed = replayed};
  }

 private:
  base::Status OnToon(job::Position position, const wire::ToonView& toon, std::string_view line) override {
    if (toon.uri) UT_TRY(Pin(*toon.uri));
    if (!writer_) {
      UT_TRY_ASSIGN(writer_, context_.blobs.NewWriter());
    }
    UT_TRY(writer_->Append(line));
    hash_.Update(line);
    segments_.Add(position, toon.type, manifest_bytes_, line.size());
    manifest_bytes_ += line.size();
    if (segments_.closed() >= job::kSegmentsPerPage) {
      plan_.Add(segments_.TakeClosed());
      UT_TRY(plan_.WriteFullPages());
    }
    return {};
  }

  // The bytes must be this tenant's, and stay as long as the job.
  base::Status Pin(const wire::ToonUri& uri) {
    UT_TRY(CheckOwned(context_, request_.tenant, uri));
    tied_.push_back(uri.sha256);
    return {};
  }

  base::Status Describe(wire::Envelope& envelope, ports::NewJob& created) {
    job::JobSpec& spec = created.spec;
    spec.key.tenant = request_.tenant;
    if (envelope.job_id) {
      spec.key.job = *envelope.job_id;
    } else {
      spec.key.job = job::JobId("job-" + context_.random.Hex(12));
      created.idempotency_key = request_.idempotency_key;
    }
    spec.metadata_json = std::move(envelope.metadata_json);
    spec.operations_json = std::move(envelope.operations_json);
    spec.reducers = std::move(envelope.reducers);
    spec.tolerance = envelope.tolerance;
    spec.priority = envelope.priority;
    spec.chunking = envelope.chunking;
    spec.reuse = envelope.reuse;
    spec.retention = envelope.retention;
    spec.traceparent = request_.traceparent;
    spec.submitted_at = context_.clock.Now();
    created.state.updated_at = spec.submitted_at;
    return {};
  }

  base::Status StoreInline(ports::NewJob& created) {
    plan_.Add(segments_.Finish());
    UT_TRY_ASSIGN(created.first_page, plan_.Finish());
    UT_TRY(writer_->Commit(manifest_key_));
    if (!tied_.empty()) UT_TRY(context_.references.TieUploads(created.spec.key, tied_));
    created.spec.manifest = {.blob = manifest_key_, .bytes = manifest_bytes_};
    created.state.phase = job::Phase::kRunning;
    created.state.toon_count = reader_.toon_count();
    created.state.scope = reader_.toon_count();
    created.spec.payload_sha256 = job::PayloadDigest(created.spec, hash_.Finish());
    return {};
  }

  base::Status FreezeUploaded(const wire::ToonUri& uri, ports::NewJob& created) {
    const auto refuse = [](const base::Error& error) {
      base::Error moved = error;
      for (base::FieldError& field : moved.fields) field.pointer = "/manifestUri" + field.pointer;
      return base::Status(std::unexpected(std::move(moved)));
    };
    if (const auto pinned = Pin(uri); !pinned) return refuse(pinned.error());
    const std::string key = ports::ContentKey(request_.tenant, uri.sha256);
    UT_TRY_ASSIGN(const auto size, context_.blobs.Size(key));
    if (!size) return base::FailAt("/manifestUri", "its bytes are gone");
    if (*size > context_.limits.max_manifest_bytes) {
      return base::Fail(base::Code::kTooLarge, fmt::format("the manifest has {} bytes, {} may be (maxManifestBytes)",
                                                           *size, context_.limits.max_manifest_bytes));
    }
    UT_TRY(context_.references.TieUploads(created.spec.key, tied_));
    created.spec.manifest_uploaded = true;
    created.spec.manifest = {.blob = manifest_key_, .bytes = *size};
    // A copy of the job's own: its plan must not meet that of another job over the same upload.
    UT_TRY(Copy(key, *size, uri.sha256));
    created.spec.payload_sha256 = job::PayloadDigest(created.spec, uri.sha256);
    return {};
  }

  // Only bytes that have this hash: the job's digest claims it, and nobody hashes the copy again.
  base::Status Copy(std::string_view key, std::uint64_t size, const base::Sha256& sha256) {
    constexpr std::uint64_t kPieceBytes = 4U << 20U;
    UT_TRY_ASSIGN(const auto writer, context_.blobs.NewWriter());
    base::Sha256Stream hash;
    std::string piece;
    for (std::uint64_t at = 0; at < size; at += piece.size()) {
      UT_TRY(context_.blobs.Read(key, at, kPieceBytes, piece));
      if (piece.empty()) return base::Fail(base::Code::kUnavailable, "the uploaded manifest became shorter");
      UT_TRY(writer->Append(piece));
      hash.Update(piece);
    }
    if (hash.Finish() != sha256) {
      auto refused = base::FailAt("/manifestUri", "its stored bytes are damaged: upload them again");
      refused.error().reason = "source-damaged";
      return refused;
    }
    return writer->Commit(manifest_key_);
  }

  Context& context_;
  Starter& starter_;
  SubmitRequest request_;
  std::string manifest_key_;
  std::unique_ptr<ports::BlobWriter> writer_;  // from the first toon on
  SegmentBuilder segments_;
  PlanWriter plan_;
  base::Sha256Stream hash_;
  std::uint64_t manifest_bytes_ = 0;
  std::vector<base::Sha256> tied_;
  wire::SubmissionReader reader_;
};

}  // namespace

base::Result<std::unique_ptr<Submission>> Submit::Begin(SubmitRequest request) {
  UT_TRY(CheckQuota(context_, starter_, request.tenant, 1));
  return std::make_unique<Submitting>(context_, starter_, std::move(request));
}

}  // namespace flow
