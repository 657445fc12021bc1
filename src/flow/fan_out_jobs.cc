#include <algorithm>
#include <limits>
#include <utility>

#include "base/log.h"
#include "flow/attempts.h"
#include "flow/change.h"
#include "flow/fan_out_impl.h"
#include "flow/manifest.h"
#include "flow/validate.h"
#include "job/limits.h"

namespace flow {

namespace {

constexpr std::size_t kPiecesAhead = 250;    // fewer than so many in memory: the next page of the plan is read
constexpr std::size_t kMaxWaiting = 10'000;  // retry notes on timers per job; the store remembers the others
constexpr std::chrono::milliseconds kStoreRetry{500};

std::string_view StatusName(const job::Job& job) {
  return job::kJobStatusNames[static_cast<std::size_t>(job::StatusOf(job))];
}

}  // namespace

void FanOut::Impl::Add(const job::Job& job, Origin origin) {
  const job::JobKey& key = job.spec.key;
  if (job.state.phase == job::Phase::kEnded) return;
  base::LogInfo("job-runnable", {{"job", key.job.str()},
                                 {"status", StatusName(job)},
                                 {"generation", job.state.generation},
                                 {"toons", job.state.scope},
                                 {"trace", job.spec.traceparent}});
  bool begin_fan_in = false;
  {
    const std::lock_guard lock(mutex_);
    if (const auto old = jobs_.find(key); old != jobs_.end()) {
      const ActivePtr replaced = old->second;
      Forget(replaced);
    }
    auto active = std::make_shared<ActiveJob>();
    active->no = next_no_++;
    active->spec = job.spec;
    active->generation = job.state.generation;
    for (const job::ReducerSpec& reducer : job::ReducersOf(job.spec)) active->reducers.push_back(reducer.name);
    active->since = context_.clock.Steady();
    active->resumed = origin == Origin::kRecovered;
    active->started = job.state.started_at.has_value();
    active->plan_ended = job.state.phase != job::Phase::kRunning;
    active->open = job.state.phase == job::Phase::kRunning ? job.state.scope - job.counters.processed() : 0;
    jobs_[key] = active;
    by_no_[active->no] = active;
    schedule_.Add(active->no, key.tenant, job.spec.priority);
    Backlog& tenant = backlog_[key.tenant];
    tenant.tenant_jobs += 1;
    tenant.tenant_toons += active->open;
    open_toons_ += active->open;
    if (job.state.phase == job::Phase::kRunning) {
      begin_fan_in = job::AllRecorded(job);
      if (!begin_fan_in) Refill(*active);
    }
  }
  if (job.state.phase == job::Phase::kAccepted) ValidateLater(job, 0);
  if (job.state.phase == job::Phase::kReducing) {
    timers_.Now([this, key] { EnqueueReducers(key); });
  }
  if (begin_fan_in) {
    timers_.Now([this, key] { BeginFanIn(key); });
  }
  Wake();
}

void FanOut::Impl::Forget(const ActivePtr& active) {
  if (active->gone) return;
  active->gone = true;
  for (const auto& [work_class, pieces] : active->pieces.classes()) {
    for (const Piece& piece : pieces) shares_[work_class] -= SharesOf(piece, options_.max_workers);
  }
  schedule_.Remove(active->no);
  by_no_.erase(active->no);
  const job::JobKey& key = active->spec.key;
  if (const auto at = jobs_.find(key); at != jobs_.end() && at->second == active) jobs_.erase(at);
  Settle(*active, active->open);
  const auto tenant = backlog_.find(key.tenant);
  tenant->second.tenant_jobs -= 1;
  if (tenant->second.tenant_jobs == 0) backlog_.erase(tenant);
}

void FanOut::Impl::Settle(ActiveJob& active, std::uint64_t toons) {
  toons = std::min(toons, active.open);
  active.open -= toons;
  open_toons_ -= toons;
  if (const auto tenant = backlog_.find(active.spec.key.tenant); tenant != backlog_.end()) {
    tenant->second.tenant_toons -= std::min(toons, tenant->second.tenant_toons);
  }
}

void FanOut::Impl::Withdrawn(const job::JobKey& key, job::Generation generation) {
  {
    const std::lock_guard lock(mutex_);
    const auto at = jobs_.find(key);
    if (at == jobs_.end() || at->second->generation > generation) return;
    const ActivePtr active = at->second;
    Forget(active);
  }
  base::LogInfo("job-withdrawn", {{"job", key.job.str()}});
  Wake();
}

ActivePtr FanOut::Impl::ActiveNow(const job::JobKey& key) const {
  const std::lock_guard lock(mutex_);
  const auto at = jobs_.find(key);
  return at == jobs_.end() ? nullptr : at->second;
}

void FanOut::Impl::WithdrawIfStill(const ActivePtr& before) {
  if (before && ActiveNow(before->spec.key) == before) Withdrawn(before->spec.key, before->generation);
}

void FanOut::Impl::LookAgain(const job::JobKey& key) {
  const ActivePtr before = ActiveNow(key);
  const auto stored = context_.jobs.Get(key);
  if (!stored) {
    timers_.At(context_.clock.Steady() + kStoreRetry, [this, key] { LookAgain(key); });
    return;
  }
  const std::optional<job::Job>& job = *stored;
  if (!job || job->state.phase == job::Phase::kEnded) return WithdrawIfStill(before);
  {
    const std::lock_guard lock(mutex_);
    const auto at = jobs_.find(key);
    const bool known = at != jobs_.end() && at->second->spec.manifest == job->spec.manifest &&
                       at->second->generation >= job->state.generation;
    if (known) return;
  }
  Add(*job, Origin::kRecovered);
}

void FanOut::Impl::ValidateLater(const job::Job& job, std::uint32_t failures) {
  const auto delay = failures == 0 ? std::chrono::milliseconds(0) : RetryDelay(failures, context_.random);
  validator_.At(context_.clock.Steady() + delay, [this, job, failures] {
    {
      const std::lock_guard lock(mutex_);
      const auto at = jobs_.find(job.spec.key);
      // Cancelled meanwhile; perhaps even deleted, and another job has the name.
      if (at == jobs_.end() || at->second->spec.manifest != job.spec.manifest) return;
    }
    const auto validated = Validate(context_).Run(job);
    if (!validated) {
      base::LogWarn(
          "validation-failed",
          {{"job", job.spec.key.job.str()}, {"error", validated.error().message}, {"failures", failures + 1}});
      if (validated.error().code != base::Code::kNotFound) return ValidateLater(job, failures + 1);
      return Withdrawn(job.spec.key, job.state.generation);
    }
    if (validated->state.phase == job::Phase::kRunning) {
      Add(*validated, Origin::kNew);
      return;
    }
    base::LogInfo(
        "job-ended",
        {{"job", job.spec.key.job.str()}, {"status", StatusName(*validated)}, {"reason", validated->state.reason}});
    metrics_.JobEnded(job::StatusOf(*validated), context_.clock.Now() - job.spec.submitted_at);
    Withdrawn(job.spec.key, job.state.generation);
  });
}

void FanOut::Impl::Push(ActiveJob& active, Piece piece, Place place) {
  const job::WorkClass work_class = piece.work_class();
  shares_[work_class] += SharesOf(piece, options_.max_workers);
  if (place == Place::kFront) {
    active.pieces.PushFront(std::move(piece));
  } else {
    active.pieces.PushBack(std::move(piece));
  }
  schedule_.Set(active.no, work_class, FairSchedule::Has::kWork);
}

std::optional<Piece> FanOut::Impl::Pop(ActiveJob& active, const job::WorkClass& work_class) {
  auto piece = active.pieces.Pop(work_class);
  if (piece) shares_[work_class] -= SharesOf(*piece, options_.max_workers);
  Refill(active);
  if (active.pieces.Empty(work_class)) schedule_.Set(active.no, work_class, FairSchedule::Has::kNothing);
  return piece;
}

void FanOut::Impl::Refill(ActiveJob& active) {
  while (!active.plan_ended && active.pieces.size() < kPiecesAhead) {
    auto page = context_.plans.ReadPage(active.spec.manifest, active.generation, active.next_page);
    if (!page) {
      base::LogWarn("plan-unreadable", {{"job", active.spec.key.job.str()}, {"error", page.error().message}});
      timers_.At(context_.clock.Steady() + kStoreRetry, [this, no = active.no] {
        {
          const std::lock_guard lock(mutex_);
          if (const auto at = by_no_.find(no); at != by_no_.end()) Refill(*at->second);
        }
        Wake();
      });
      return;
    }
    std::optional<std::vector<job::Segment>>& segments = *page;
    active.plan_ended = !segments.has_value();
    active.next_page += 1;
    if (!segments) return;
    for (job::Segment& segment : *segments) Push(active, Piece{.segment = std::move(segment)}, Place::kBack);
  }
}

void FanOut::Impl::PushLater(const ActivePtr& active, Piece piece, std::chrono::milliseconds delay) {
  active->waiting += 1;
  timers_.At(context_.clock.Steady() + delay, [this, active, piece = std::move(piece)]() mutable {
    {
      const std::lock_guard lock(mutex_);
      active->waiting -= 1;
      if (active->gone) return;
      Push(*active, std::move(piece), Place::kFront);
    }
    Wake();
  });
}

void FanOut::Impl::RetryLater(const ActivePtr& active, const job::RetryNote& note, const job::Segment& segment) {
  if (active->waiting >= kMaxWaiting) {
    active->notes_overflow = true;
    return;
  }
  Piece piece{.segment = segment,
              .only = {static_cast<std::uint32_t>(note.position - segment.first)},
              .attempt = note.attempts + 1,
              .after_death = job::IsLethal(note.last_error.code),
              .fresh = false};
  // Notes outlive the process, so their time is the wall's; that may have jumped back since.
  const auto delay = std::chrono::ceil<std::chrono::milliseconds>(note.not_before - context_.clock.Now());
  PushLater(active, std::move(piece), std::clamp(delay, std::chrono::milliseconds(0), job::kRetryCap));
}

// Takes out of a piece what is recorded or waits for a retry already. Only a job taken up after a restart needs it.
base::Status FanOut::Impl::Prune(const ActivePtr& active, Piece& piece) {
  const job::Segment& segment = piece.segment;
  UT_TRY_ASSIGN(auto settled,
                context_.outcomes.Recorded(active->spec.key, active->generation, segment.first, segment.count));
  UT_TRY_ASSIGN(const auto notes,
                context_.outcomes.Retries(active->spec.key, active->generation, segment.first, segment.count));
  const auto outside = [&](std::uint32_t index) {
    return !piece.only.empty() && !std::ranges::binary_search(piece.only, index);
  };
  for (std::uint32_t i = 0; i < segment.count; ++i) settled[i] = settled[i] || outside(i);
  for (const job::RetryNote& note : notes) {
    const std::uint64_t index = note.position - segment.first;
    if (index >= segment.count || settled[index]) continue;
    settled[index] = true;
    RetryLater(active, note, segment);
  }
  if (std::ranges::none_of(settled, [](bool is) { return is; })) return {};
  piece.only.clear();
  for (std::uint32_t i = 0; i < segment.count; ++i) {
    if (!settled[i]) piece.only.push_back(i);
  }
  if (piece.only.empty()) piece.segment.count = 0;
  return {};
}

void FanOut::Impl::CheckDrained(const ActivePtr& active) {
  const bool drained = !active->gone && active->plan_ended && active->pieces.size() == 0 && active->in_flight == 0 &&
                       active->waiting == 0;
  if (!drained) return;
  const job::JobKey key = active->spec.key;
  if (active->notes_overflow) {
    active->notes_overflow = false;
    timers_.Now([this, active] { ReloadNotes(active); });
  } else {
    timers_.Now([this, key] { BeginFanIn(key); });
  }
}

void FanOut::Impl::ReloadNotes(const ActivePtr& active) {
  const auto notes = context_.outcomes.Retries(active->spec.key, active->generation, 0, kMaxWaiting);
  ManifestCursor cursor(context_.plans, context_.blobs, active->spec.manifest, active->generation);
  const std::lock_guard lock(mutex_);
  if (active->gone) return;
  active->notes_overflow = !notes || notes->size() >= kMaxWaiting;
  for (const job::RetryNote& note : notes ? *notes : std::vector<job::RetryNote>{}) {
    const auto segment = cursor.SeekSegment(note.position);
    if (segment && *segment != nullptr) RetryLater(active, note, **segment);
  }
  if (!notes) {
    active->waiting += 1;
    timers_.At(context_.clock.Steady() + kStoreRetry, [this, active] {
      const std::lock_guard relock(mutex_);
      active->waiting -= 1;
      CheckDrained(active);
    });
  } else {
    CheckDrained(active);
  }
}

void FanOut::Impl::BeginFanIn(const job::JobKey& key) {
  const auto job = fan_in_.TryBegin(key);
  if (!job) {
    if (job.error().code == base::Code::kNotFound) return Withdrawn(key, std::numeric_limits<job::Generation>::max());
    base::LogWarn("fan-in-delayed", {{"job", key.job.str()}, {"error", job.error().message}});
    timers_.At(context_.clock.Steady() + kStoreRetry, [this, key] { BeginFanIn(key); });
    return;
  }
  if (job->state.phase == job::Phase::kReducing) EnqueueReducers(key);
  if (job->state.phase == job::Phase::kEnded) Withdrawn(key, job->state.generation);
}

void FanOut::Impl::EnqueueReducers(const job::JobKey& key) {
  const auto again = [&](const base::Error& error) {
    base::LogWarn("fan-in-delayed", {{"job", key.job.str()}, {"error", error.message}});
    timers_.At(context_.clock.Steady() + kStoreRetry, [this, key] { EnqueueReducers(key); });
  };
  const ActivePtr before = ActiveNow(key);
  const auto stored = context_.jobs.Get(key);
  if (!stored) return again(stored.error());
  const std::optional<job::Job>& job = *stored;
  if (!job || job->state.phase == job::Phase::kEnded) return WithdrawIfStill(before);
  if (job->state.phase != job::Phase::kReducing) return;
  auto chunks = fan_in_.Chunks(*job);
  if (!chunks) return again(chunks.error());
  base::LogInfo("job-reducing",
                {{"job", key.job.str()}, {"reducers", chunks->size()}, {"trace", job->spec.traceparent}});
  {
    const std::lock_guard lock(mutex_);
    const auto at = jobs_.find(key);
    const bool wanted = at != jobs_.end() && at->second->generation == job->state.generation;
    if (!wanted || std::exchange(at->second->reducing, true)) return;
    for (ports::Chunk& chunk : *chunks) {
      Push(*at->second, Piece{.fresh = false, .reduce = std::move(chunk)}, Place::kBack);
    }
  }
  Wake();
}

}  // namespace flow
