#include "local/worker_pool.h"

#include <algorithm>
#include <utility>

#include "local/pool.h"

namespace local {

using std::chrono::milliseconds;

Pool::Pool(ports::WorkSource& source, std::vector<WorkerSpec> specs, const WorkerPoolOptions& options,
           const base::Clock& clock, base::Random& random)
    : source_(source), options_(options), clock_(clock), random_(random), wake_(std::make_shared<WakeFd>()) {
  for (WorkerSpec& spec : specs) groups_.push_back({.spec = std::move(spec)});
}

Pool::~Pool() {
  Drain(milliseconds(0));
  manager_ = {};
  api_.reset();
}

base::Status Pool::Begin() {
  std::size_t most = 0;
  for (const Group& group : groups_) most += static_cast<std::size_t>(std::max(group.spec.max_workers, 0));
  // Every worker may be in a call that waits for a commit while another asks for work.
  const int threads = static_cast<int>(std::clamp<std::size_t>(2 * most, 4, 64));
  UT_TRY_ASSIGN(api_, RuntimeApi::Listen(threads, random_));
  source_.OnChange([wake = wake_] { wake->Wake(); });
  manager_ = std::jthread([this](const std::stop_token& stop) { Manage(stop); });
  return {};
}

void Pool::Drain(milliseconds grace) {
  std::unique_lock lock(mutex_);
  const base::SteadyPoint until = clock_.Steady() + grace;
  drain_until_ = std::min(until, drain_until_.value_or(until));
  wake_->Wake();
  changed_.wait(lock, [&] { return workers_.empty() && settling_ == 0; });
}

WorkerPool::Stats Pool::stats() const {
  Stats sum;
  for (const auto& [name, stats] : StatsByName()) {
    sum.started += stats.started;
    sum.died += stats.died;
    sum.killed += stats.killed;
    sum.alive += stats.alive;
    sum.busy += stats.busy;
  }
  return sum;
}

std::vector<std::pair<std::string, WorkerPool::Stats>> Pool::StatsByName() const {
  std::vector<std::pair<std::string, Stats>> all;
  const std::lock_guard lock(mutex_);
  for (const Group& group : groups_) {
    Stats stats = group.stats;
    for (const auto& worker : workers_) {
      if (&worker->group != &group) continue;
      ++stats.alive;
      if (worker->state == WorkerState::kBusy) ++stats.busy;
    }
    all.emplace_back(group.spec.name, stats);
  }
  return all;
}

base::Result<std::unique_ptr<WorkerPool>> WorkerPool::Start(ports::WorkSource& source, std::vector<WorkerSpec> specs,
                                                            const WorkerPoolOptions& options, const base::Clock& clock,
                                                            base::Random& random) {
  auto pool = std::make_unique<Pool>(source, std::move(specs), options, clock, random);
  UT_TRY(pool->Begin());
  return pool;
}

}  // namespace local
