// The manager's thread: starts, watches, stops and reaps the processes.
#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/log.h"
#include "local/pool.h"
#include "local/worker_launch.h"

namespace local {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds kSample{1000};  // between two looks at every worker's memory and time
constexpr int kMaxDoublings = 16;
constexpr int kMaxRefusedAtOnce = 1000;  // leases of a broken custom command per turn of the manager
constexpr std::uint64_t kMb = 1U << 20U;

}  // namespace

void Pool::Manage(const std::stop_token& stop) {
  const std::stop_callback waker(stop, [this] { wake_->Wake(); });
  for (;;) {
    wake_->Clear();  // before the look at `stop`, whose wake is cleared with the others
    if (stop.stop_requested()) return;
    Turn();
    Sleep();
  }
}

void Pool::Turn() {
  ReapEnded();
  const base::SteadyPoint now = clock_.Steady();
  wake_at_ = now + kSample;
  const bool sample = now >= next_sample_;
  if (sample) next_sample_ = now + kSample;
  for (const auto& worker : Workers()) {
    if (sample) {
      const std::uint64_t rss = worker->process->ResidentBytes();
      const std::lock_guard lock(mutex_);
      worker->rss_bytes = rss;
    }
    Inspect(worker);
  }
  for (Group& group : groups_) {
    OfferToIdle(group);
    StartMore(group);
  }
}

std::vector<std::shared_ptr<Worker>> Pool::Workers() const {
  const std::lock_guard lock(mutex_);
  return workers_;
}

// Until a worker ends, somebody wakes us, or something is due. Without workers and without a start put off: for ever.
void Pool::Sleep() {
  std::vector<pollfd> fds = {{.fd = wake_->get(), .events = POLLIN}};
  for (const auto& worker : Workers()) fds.push_back({.fd = worker->process->pidfd(), .events = POLLIN});
  bool put_off = false;
  {
    const std::lock_guard lock(mutex_);
    put_off = std::ranges::any_of(groups_, [&](const Group& group) { return group.failures > 0; });
  }
  int timeout = -1;
  if (fds.size() > 1 || put_off) {
    const auto left = std::chrono::ceil<milliseconds>(wake_at_ - clock_.Steady());
    timeout = static_cast<int>(std::clamp(left, milliseconds(0), kSample).count());
  }
  (void)::poll(fds.data(), fds.size(), timeout);
}

void Pool::ReapEnded() {
  for (const auto& worker : Workers()) {
    if (const auto end = worker->process->Reap()) OnEnded(worker, *end);
  }
}

void Pool::OnEnded(const std::shared_ptr<Worker>& worker, const ChildEnd& end) {
  api_->Remove(worker->token);
  const Settling settling(*this);
  const auto active = TakeActive(*worker, "");
  std::optional<ParkedPoll> parked;
  bool died = false;
  bool never_polled = false;
  std::string why = end.text;
  {
    const std::lock_guard lock(mutex_);
    worker->ended = true;
    parked = std::exchange(worker->parked, std::nullopt);
    died = worker->state != WorkerState::kStopping;
    never_polled = !worker->polled && !drain_until_;
    if (died) ++worker->group.stats.died;
    if (!worker->init_error.empty()) why += "; " + worker->init_error;
    std::erase(workers_, worker);
  }
  base::Log(died ? base::LogLevel::kWarn : base::LogLevel::kInfo, died ? "worker-died" : "worker-stopped",
            {{"worker", worker->group.spec.name}, {"pid", worker->pid}, {"end", end.text}});
  if (active) source_.Lost(active->lease.id, ports::WorkerEnd::kCrashed, why);
  if (parked) parked->respond(RuntimeRefusal(500, "Gone", "the worker has ended"));
  if (never_polled) StartFailed(worker->group, why);
  changed_.notify_all();
}

void Pool::Inspect(const std::shared_ptr<Worker>& worker) {
  const base::SteadyPoint now = clock_.Steady();
  WorkerState state{};
  {
    const std::lock_guard lock(mutex_);
    state = worker->state;
  }
  if (state == WorkerState::kBusy) return InspectBusy(*worker, now);
  InspectFree(*worker, now);
}

void Pool::InspectBusy(Worker& worker, base::SteadyPoint now) {
  ports::LeaseId lease = 0;
  base::SteadyPoint deadline;
  std::uint64_t rss = 0;
  bool drained = false;
  {
    const std::lock_guard lock(mutex_);
    if (!worker.active) return;
    lease = worker.active->lease.id;
    deadline = worker.active->deadline;
    rss = worker.rss_bytes;
    drained = drain_until_ && now >= *drain_until_;
    wake_at_ = std::min(wake_at_, drain_until_ ? std::min(deadline, *drain_until_) : deadline);
  }
  const std::uint64_t most = 2 * worker.group.spec.max_rss_mb * kMb;
  if (now >= deadline) return EndBusy(worker, ports::WorkerEnd::kTimedOut, "deadline");
  if (most > 0 && rss > most) return EndBusy(worker, ports::WorkerEnd::kCrashed, "memory");
  if (drained) return EndBusy(worker, ports::WorkerEnd::kPlatform, "drain");
  if (!source_.Wanted(lease)) EndBusy(worker, ports::WorkerEnd::kPlatform, "cancelled");
}

void Pool::InspectFree(Worker& worker, base::SteadyPoint now) {
  std::string_view stop;
  bool kill = false;
  {
    const std::lock_guard lock(mutex_);
    const bool idle = worker.state == WorkerState::kIdle;
    const std::uint64_t most = worker.group.spec.max_rss_mb * kMb;
    base::SteadyPoint due = worker.since + (idle ? options_.idle : options_.start_timeout);
    if (worker.state == WorkerState::kStopping) {
      due = worker.kill_at;
      kill = now >= due && !worker.killed;
    } else if (drain_until_) {
      stop = "drain";
    } else if (now >= due) {
      stop = idle ? "idle" : "silent";
      kill = !idle;
    } else if (idle && worker.served && now - worker.started >= options_.max_age) {
      stop = "age";
    } else if (idle && worker.served && most > 0 && worker.rss_bytes > most) {
      stop = "memory";
    }
    // What is overdue already waits for the process to end, which wakes us by itself.
    if (due > now) wake_at_ = std::min(wake_at_, due);
  }
  if (kill) return KillWorker(worker, stop.empty() ? "did not stop" : stop);
  if (!stop.empty()) StopWorker(worker, stop);
}

void Pool::EndBusy(Worker& worker, ports::WorkerEnd end, std::string_view why) {
  const Settling settling(*this);
  const auto active = TakeActive(worker, "");
  if (!active) return;  // it answered meanwhile
  KillWorker(worker, why);
  source_.Lost(active->lease.id, end, fmt::format("killed: {}", why));
}

void Pool::StopWorker(Worker& worker, std::string_view why) {
  {
    const std::lock_guard lock(mutex_);
    // Work may have come meanwhile: then it is looked at again after that.
    if (worker.state == WorkerState::kBusy || worker.state == WorkerState::kStopping) return;
    worker.state = WorkerState::kStopping;
    worker.since = clock_.Steady();
    worker.kill_at = worker.since + options_.stop_grace;
    wake_at_ = std::min(wake_at_, worker.kill_at);
  }
  base::LogInfo("worker-stopping", {{"worker", worker.group.spec.name}, {"pid", worker.pid}, {"why", why}});
  worker.process->Terminate();
}

void Pool::KillWorker(Worker& worker, std::string_view why) {
  {
    const std::lock_guard lock(mutex_);
    if (worker.state == WorkerState::kBusy) return;
    worker.state = WorkerState::kStopping;
    worker.killed = true;
    ++worker.group.stats.killed;
  }
  base::LogWarn("worker-killed", {{"worker", worker.group.spec.name}, {"pid", worker.pid}, {"why", why}});
  worker.process->Kill();
}

void Pool::OfferToIdle(Group& group) {
  for (const auto& worker : Workers()) {
    if (&worker->group != &group) continue;
    std::optional<ParkedPoll> poll;
    {
      const std::lock_guard lock(mutex_);
      if (worker->state == WorkerState::kIdle) poll = std::exchange(worker->parked, std::nullopt);
    }
    if (poll && OfferWork(*worker, std::move(*poll)) == Offer::kParked) return;
  }
}

// How many workers will take work without another one being started.
std::size_t Pool::Available(const Group& group, std::size_t& living) const {
  const std::lock_guard lock(mutex_);
  std::size_t available = 0;
  for (const auto& worker : workers_) {
    if (&worker->group != &group || worker->state == WorkerState::kStopping) continue;
    ++living;
    if (worker->state != WorkerState::kBusy) ++available;
  }
  return available;
}

void Pool::StartMore(Group& group) {
  int failures = 0;
  base::SteadyPoint next_start;
  {
    const std::lock_guard lock(mutex_);
    if (drain_until_) return;
    failures = group.failures;
    next_start = group.next_start;
  }
  RefuseIfBroken(group);
  const auto most = static_cast<std::size_t>(std::max(group.spec.max_workers, 0));
  std::size_t ready = 0;
  for (const job::WorkClass& work_class : group.spec.classes) ready += source_.Ready(work_class, most);
  while (true) {
    std::size_t living = 0;
    const std::size_t available = Available(group, living);
    if (living >= most || available >= ready) return;
    if (failures > 0 && (clock_.Steady() < next_start || living > 0)) {
      if (next_start > clock_.Steady()) wake_at_ = std::min(wake_at_, next_start);
      return;  // one careful try at a time
    }
    if (!StartOne(group)) return RefuseIfBroken(group);
  }
}

bool Pool::StartOne(Group& group) {
  auto worker = std::make_shared<Worker>(*this, group);
  if (worker->folder.path().empty()) {
    StartFailed(group, "no temp folder");
    return false;
  }
  worker->token = api_->Add(worker);
  worker->started = worker->since = clock_.Steady();
  auto process = ChildProcess::Start(LaunchOf(group.spec, api_->AddressFor(worker->token), worker->folder.path()));
  if (!process) {
    api_->Remove(worker->token);
    StartFailed(group, process.error().message);
    return false;
  }
  {
    const std::lock_guard lock(mutex_);
    worker->pid = process->pid();
    worker->process = std::make_unique<ChildProcess>(std::move(*process));
    workers_.push_back(worker);
    ++group.stats.started;
  }
  base::LogInfo("worker-started", {{"worker", group.spec.name}, {"pid", worker->pid}});
  return true;
}

void Pool::StartFailed(Group& group, std::string_view why) {
  int failures = 0;
  {
    const std::lock_guard lock(mutex_);
    failures = ++group.failures;
    const double most = std::min(
        static_cast<double>(options_.start_backoff_cap.count()),
        std::ldexp(static_cast<double>(options_.start_backoff.count()), std::min(failures - 1, kMaxDoublings)));
    // Half fixed, half jitter: a broken command is never started in a hurry.
    const auto wait = milliseconds(std::llround(most * (0.5 + random_.Unit() / 2)));
    group.next_start = clock_.Steady() + wait;
    wake_at_ = std::min(wake_at_, group.next_start);
  }
  base::LogError("worker-start-failed", {{"worker", group.spec.name}, {"failures", failures}, {"error", why}});
}

// Ends the chunks of a custom command that does not start, until the next try is due: their jobs must not hang.
void Pool::RefuseIfBroken(Group& group) {
  std::size_t living = 0;
  (void)Available(group, living);
  {
    const std::lock_guard lock(mutex_);
    const bool broken = group.failures >= kStartFailuresToRefuse && clock_.Steady() < group.next_start;
    if (!broken || !group.spec.encode || living > 0) return;
  }
  const Settling settling(*this);
  for (int i = 0; i < kMaxRefusedAtOnce; ++i) {
    const auto lease = source_.Take(group.spec.classes);
    if (!lease) return;
    source_.Lost(lease->id, ports::WorkerEnd::kErrored, fmt::format("processor {} does not start", group.spec.name));
  }
  wake_->Wake();
}

}  // namespace local
