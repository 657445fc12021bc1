#include "flow/fan_out.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "flow/change.h"
#include "flow/fan_out_impl.h"
#include "flow/manifest.h"
#include "job/limits.h"

namespace flow {

namespace {

// Charged when a chunk is taken, corrected when it ends: without it one tenant would get every worker of a moment.
constexpr std::chrono::microseconds kChargeAhead{2000};
constexpr std::size_t kRecoverPage = 200;

}  // namespace

std::optional<ports::WorkSource::Lease> FanOut::Impl::Take(const std::vector<job::WorkClass>& classes) {
  while (true) {
    std::unique_lock lock(mutex_);
    const auto pick = schedule_.Pick(classes);
    if (!pick) return std::nullopt;
    const ActivePtr active = by_no_.at(pick->first);
    auto piece = Pop(*active, pick->second);
    if (!piece) continue;
    if (piece->fresh && !piece->reduce) {
      base::Status ready{};
      if (active->resumed) ready = Prune(active, *piece);
      if (ready && piece->size() == 0) {
        CheckDrained(active);
        continue;
      }
      if (ready) ready = Shape(*active, *piece);
      if (!ready) {
        DelayChunk(active, std::move(*piece), ready.error());
        continue;
      }
    }
    active->in_flight += 1;
    schedule_.Charge(active->no, kChargeAhead);
    const bool start = !std::exchange(active->started, true);
    lock.unlock();
    if (start) {
      timers_.Now([this, key = active->spec.key] { MarkStarted(key); });
    }
    if (!piece->reduce && TakeScreened(active, *piece) == Send::kNothing) continue;
    ports::WorkSource::Lease lease{.chunk = ChunkOf(*active, *piece), .deadline = options_.chunk_timeout};
    if (const auto at = options_.timeouts.find(lease.chunk.work_class); at != options_.timeouts.end()) {
      lease.deadline = at->second;
    }
    lock.lock();
    lease.id = next_lease_++;
    lease.taken = context_.clock.Steady();
    base::LogInfo("chunk-sent", {{"job", active->spec.key.job.str()},
                                 {"chunk", lease.id},
                                 {"class", lease.chunk.work_class},
                                 {"first", piece->segment.first},
                                 {"toons", piece->size()},
                                 {"attempt", piece->attempt},
                                 {"reducer", lease.chunk.reducer},
                                 {"trace", active->spec.traceparent}});
    leases_[lease.id] = {.active = active, .piece = std::move(*piece), .taken = lease.taken};
    return lease;
  }
}

// Cuts a piece so that every worker finds work, and to single toons where those are asked for.
base::Status FanOut::Impl::Shape(ActiveJob& active, Piece& piece) {
  const bool per_toon =
      active.spec.chunking == job::Chunking::kPerToon ||
      std::ranges::find(options_.per_toon_classes, piece.segment.work_class) != options_.per_toon_classes.end();
  if (per_toon && piece.size() > 1) {
    SegmentLines lines;
    UT_TRY(lines.Load(context_.blobs, active.spec.manifest.blob, piece.segment));
    std::vector<Piece> pieces = PerToon(piece, lines.Ends(piece.segment));
    piece = std::move(pieces.front());
    piece.fresh = false;
    for (std::size_t i = pieces.size(); i-- > 1;) {
      pieces[i].fresh = false;
      Push(active, std::move(pieces[i]), Place::kFront);
    }
    return {};
  }
  while (SharesOf(piece, options_.max_workers) > 1 && shares_[piece.segment.work_class] < options_.max_workers) {
    auto [first, second] = Halve(std::move(piece));
    piece = std::move(first);
    Push(active, std::move(second), Place::kFront);
  }
  return {};
}

ports::Chunk FanOut::Impl::ChunkOf(const ActiveJob& active, const Piece& piece) const {
  if (piece.reduce) return *piece.reduce;
  const bool media = piece.segment.work_class == "image" || piece.segment.work_class == "media";
  return {.kind = ports::Chunk::Kind::kProcess,
          .key = active.spec.key,
          .generation = active.generation,
          .work_class = piece.segment.work_class,
          .traceparent = active.spec.traceparent,
          .manifest_blob = active.spec.manifest.blob,
          .segment = piece.segment,
          .only = piece.only,
          .attempt = piece.attempt,
          .after_death = piece.after_death,
          .operations_json = active.spec.operations_json,
          .reducers = active.reducers,
          .reuse_keys = active.spec.reuse == job::ReusePolicy::kAlways ||
                        (active.spec.reuse == job::ReusePolicy::kByType && media)};
}

void FanOut::Impl::MarkStarted(const job::JobKey& key) {
  const auto changed = ChangeJob(context_, key, [&](const job::Job& job) -> base::Result<Change> {
    if (job.state.phase != job::Phase::kRunning) return Change{.next = job.state};
    UT_TRY_ASSIGN(job::JobState next, job::Started(job, context_.clock.Now()));
    return Change{.next = std::move(next)};
  });
  // Only a label is late then: the fan-in sets it too.
  if (!changed) base::LogWarn("start-not-marked", {{"job", key.job.str()}, {"error", changed.error().message}});
}

// Records what needs no worker, and takes it out of the piece. kNothing: then, or for now, nothing is to be sent.
FanOut::Impl::Send FanOut::Impl::TakeScreened(const ActivePtr& active, Piece& piece) {
  auto screened = screen_.Run(ChunkOf(*active, piece));
  if (!screened) {
    // Damage stays: the worker meets it too, and what comes of that is counted.
    if (!base::PolicyOf(screened.error().code).retryable) return Send::kIt;
    const std::lock_guard lock(mutex_);
    active->in_flight -= 1;
    DelayChunk(active, std::move(piece), screened.error());
    return Send::kNothing;
  }
  if (screened->decided.empty()) return Send::kIt;
  metrics_.ToonsReused(screened->reused);
  metrics_.ToonsRefused(screened->refused);
  // Exactly what was decided: should the commit fail, only that is tried again.
  Piece decided = piece;
  decided.only = std::move(screened->decided);
  piece.only = std::move(screened->left);
  const Send send = piece.only.empty() ? Send::kNothing : Send::kIt;
  if (send == Send::kNothing) {
    const std::lock_guard lock(mutex_);
    active->in_flight -= 1;
  }
  RecordAnswer(active, decided, std::move(screened->answer));
  return send;
}

void FanOut::Impl::DelayChunk(const ActivePtr& active, Piece piece, const base::Error& error) {
  base::LogWarn("chunk-delayed", {{"job", active->spec.key.job.str()}, {"error", error.message}});
  PushLater(active, std::move(piece), std::chrono::milliseconds(500));
}

FanOut::FanOut(Context& context, ports::Metrics& metrics, FanOutOptions options)
    : impl_(std::make_unique<Impl>(context, metrics, std::move(options))) {}
FanOut::~FanOut() {
  Stop();
}

base::Status FanOut::Recover() {
  std::string cursor;
  std::size_t jobs = 0;
  do {
    UT_TRY_ASSIGN(const ports::JobPage page, impl_->context_.jobs.Unfinished(cursor, kRecoverPage));
    for (const job::Job& job : page.jobs) impl_->Add(job, Impl::Origin::kRecovered);
    jobs += page.jobs.size();
    cursor = page.next;
  } while (!cursor.empty());
  if (jobs > 0) base::LogInfo("jobs-recovered", {{"jobs", jobs}});
  return {};
}

void FanOut::Start() {
  impl_->timers_.Start();
  impl_->validator_.Start();
}
void FanOut::Stop() {
  impl_->validator_.Stop();
  impl_->timers_.Stop();
}
std::size_t FanOut::RunDue() {
  return impl_->validator_.RunDue() + impl_->timers_.RunDue();
}

void FanOut::Runnable(const job::Job& job) {
  if (job.state.generation == 1) impl_->metrics_.JobAccepted();
  impl_->Add(job, Impl::Origin::kNew);
}
void FanOut::Withdrawn(const job::JobKey& key, job::Generation generation) {
  impl_->Withdrawn(key, generation);
}

void FanOut::Doubtful(const job::JobKey& key) {
  impl_->timers_.Now([impl = impl_.get(), key] { impl->LookAgain(key); });
}

Starter::Backlog FanOut::BacklogOf(const job::TenantId& tenant) const {
  const std::lock_guard lock(impl_->mutex_);
  const auto at = impl_->backlog_.find(tenant);
  Backlog backlog = at == impl_->backlog_.end() ? Backlog{} : at->second;
  backlog.toons = impl_->open_toons_;
  return backlog;
}

std::optional<ports::WorkSource::Lease> FanOut::Take(const std::vector<job::WorkClass>& classes) {
  return impl_->Take(classes);
}
void FanOut::Answered(ports::LeaseId lease, ports::ChunkAnswer answer) {
  impl_->Answered(lease, std::move(answer));
}
void FanOut::Lost(ports::LeaseId lease, ports::WorkerEnd end, std::string_view detail) {
  impl_->Lost(lease, end, detail);
}

bool FanOut::Wanted(ports::LeaseId lease) const {
  const std::lock_guard lock(impl_->mutex_);
  const auto at = impl_->leases_.find(lease);
  return at != impl_->leases_.end() && !at->second.active->gone;
}

std::size_t FanOut::Ready(const job::WorkClass& work_class, std::size_t enough) const {
  const std::lock_guard lock(impl_->mutex_);
  const auto at = impl_->shares_.find(work_class);
  return at == impl_->shares_.end() ? 0 : std::min(at->second, enough);
}

void FanOut::OnChange(std::function<void()> wake) {
  impl_->wakes_.push_back(std::move(wake));
}

FanOut::Figures FanOut::Snapshot() const {
  const std::lock_guard lock(impl_->mutex_);
  Figures figures{.jobs = impl_->jobs_.size(), .toons = impl_->open_toons_, .leases = impl_->leases_.size()};
  const base::SteadyPoint now = impl_->context_.clock.Steady();
  for (const auto& [key, active] : impl_->jobs_) {
    figures.oldest =
        std::max(figures.oldest, std::chrono::duration_cast<std::chrono::microseconds>(now - active->since));
  }
  return figures;
}

}  // namespace flow
