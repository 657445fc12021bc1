#include "local/job_feed.h"

#include <utility>
#include <vector>

namespace local {

namespace {

struct Watcher {
  // Held during a wake, so that ending the subscription waits for it; recursive, since a wake may end its own.
  std::recursive_mutex mutex;
  bool active = true;  // guarded by mutex
  std::function<void()> wake;
};

}  // namespace

struct JobFeed::Hub {
  mutable std::mutex mutex;
  std::multimap<job::JobKey, std::shared_ptr<Watcher>> watchers;  // guarded by mutex

  using Place = std::multimap<job::JobKey, std::shared_ptr<Watcher>>::iterator;
  class Entry final : public Subscription {
   public:
    Entry(std::shared_ptr<Hub> hub, Place place) : hub_(std::move(hub)), place_(place) {}
    ~Entry() override {
      const std::shared_ptr<Watcher> watcher = place_->second;
      {
        const std::lock_guard lock(hub_->mutex);
        hub_->watchers.erase(place_);
      }
      const std::lock_guard lock(watcher->mutex);
      watcher->active = false;
    }

   private:
    std::shared_ptr<Hub> hub_;
    Place place_;
  };
};

JobFeed::JobFeed() : hub_(std::make_shared<Hub>()) {}
JobFeed::~JobFeed() = default;

std::unique_ptr<JobFeed::Subscription> JobFeed::Subscribe(const job::JobKey& key, std::function<void()> wake) {
  auto watcher = std::make_shared<Watcher>();
  watcher->wake = std::move(wake);
  const std::lock_guard lock(hub_->mutex);
  return std::make_unique<Hub::Entry>(hub_, hub_->watchers.emplace(key, std::move(watcher)));
}

void JobFeed::Publish(const job::Job& job) {
  std::vector<std::shared_ptr<Watcher>> watchers;
  {
    const std::lock_guard lock(hub_->mutex);
    const auto [first, last] = hub_->watchers.equal_range(job.spec.key);
    for (auto it = first; it != last; ++it) watchers.push_back(it->second);
  }
  for (const auto& watcher : watchers) {
    const std::lock_guard lock(watcher->mutex);
    if (watcher->active) watcher->wake();
  }
}

std::size_t JobFeed::subscriptions() const {
  const std::lock_guard lock(hub_->mutex);
  return hub_->watchers.size();
}

}  // namespace local
