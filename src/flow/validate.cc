#include "flow/validate.h"

#include <algorithm>
#include <utility>

#include "flow/change.h"
#include "flow/owned.h"
#include "flow/split.h"
#include "job/limits.h"
#include "wire/submission.h"

namespace flow {

namespace {

constexpr std::uint64_t kPieceBytes = 1U << 20U;

class Planning final : public wire::ManifestReader::Sink {
 public:
  Planning(Context& context, const job::Job& job)
      : context_(context), job_(job), plan_(context.plans, job.spec.manifest, 1) {}

  base::Status OnToon(job::Position position, const wire::ToonView& toon, std::uint64_t offset,
                      std::uint64_t length) override {
    if (toon.uri) UT_TRY(Pin(*toon.uri));
    segments_.Add(position, toon.type, offset, length);
    if (segments_.closed() < job::kSegmentsPerPage) return {};
    plan_.Add(segments_.TakeClosed());
    return plan_.WriteFullPages();
  }

  base::Status Finish() {
    plan_.Add(segments_.Finish());
    UT_TRY_ASSIGN(const auto first, plan_.Finish());
    UT_TRY(TieAll());
    return context_.plans.PutPage(job_.spec.manifest, 1, 0, first);
  }

 private:
  base::Status Pin(const wire::ToonUri& uri) {
    UT_TRY(CheckOwned(context_, job_.spec.key.tenant, uri));
    tied_.push_back(uri.sha256);
    return tied_.size() < 1000 ? base::Status{} : TieAll();
  }
  base::Status TieAll() {
    if (tied_.empty()) return {};
    UT_TRY(context_.references.TieUploads(job_.spec.key, tied_));
    tied_.clear();
    return {};
  }

  Context& context_;
  const job::Job& job_;
  SegmentBuilder segments_;
  PlanWriter plan_;
  std::vector<base::Sha256> tied_;
};

// A job may end, be deleted, and another take its name while its manifest is read.
base::Status SameJob(const job::Job& job, const job::Job& now) {
  if (now.spec.manifest == job.spec.manifest) return {};
  return base::Fail(base::Code::kNotFound, "job " + job.spec.key.job.str() + " is gone, another has its name");
}

}  // namespace

base::Result<job::Job> Validate::Run(const job::Job& job) {
  Planning planning(context_, job);
  wire::ManifestReader reader(
      {.limits = &context_.limits, .catalog = &context_.catalog, .reducers = &context_.reducers}, planning);
  const auto told = [](const base::Error& error) {
    return error.code == base::Code::kInvalid || error.code == base::Code::kTooLarge;
  };
  const auto problems = [](const base::Error& error) {
    return error.fields.empty() ? std::vector<base::FieldError>{{"", error.message}} : error.fields;
  };
  std::string piece;
  for (std::uint64_t at = 0; at < job.spec.manifest.bytes; at += piece.size()) {
    UT_TRY(context_.blobs.Read(job.spec.manifest.blob, at, kPieceBytes, piece));
    if (piece.empty())
      return base::Fail(base::Code::kCorrupt, "the manifest " + job.spec.manifest.blob + " is shorter");
    if (const auto written = reader.Write(piece); !written) {
      if (told(written.error())) return Refuse(job, problems(written.error()));
      return std::unexpected(written.error());
    }
  }
  const auto count = reader.Finish();
  if (!count) {
    if (told(count.error())) return Refuse(job, problems(count.error()));
    return std::unexpected(count.error());
  }
  UT_TRY(planning.Finish());
  return ChangeJob(context_, job.spec.key, [&](const job::Job& now) -> base::Result<Change> {
    UT_TRY(SameJob(job, now));
    if (now.state.phase != job::Phase::kAccepted) return Change{.next = now.state};
    UT_TRY_ASSIGN(job::JobState next, job::Validated(now, *count, context_.clock.Now()));
    return Change{.next = std::move(next)};
  });
}

base::Result<job::Job> Validate::Refuse(const job::Job& job, std::vector<base::FieldError> problems) {
  if (problems.size() > job::kMaxFieldErrors) problems.resize(job::kMaxFieldErrors);
  return ChangeJob(context_, job.spec.key, [&](const job::Job& now) -> base::Result<Change> {
    UT_TRY(SameJob(job, now));
    if (now.state.phase != job::Phase::kAccepted) return Change{.next = now.state};
    Change change;
    UT_TRY_ASSIGN(change.next, job::ManifestInvalid(now, problems, context_.clock.Now()));
    job::Job after = now;
    after.state = change.next;
    change.events.push_back(EndEvent(after));
    return change;
  });
}

}  // namespace flow
