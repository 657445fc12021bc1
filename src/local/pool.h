// The worker pool itself; see worker_pool.h for what it does.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "local/pool_state.h"
#include "local/wake_fd.h"
#include "local/worker_pool.h"

namespace local {

// Thread roles: the manager alone starts, signals and reaps processes; the API's threads hand out and take back work.
// The mutex guards the state and is never held while the source, a process or a connection is waited for.
class Pool final : public WorkerPool, public WorkerCalls {
 public:
  Pool(ports::WorkSource& source, std::vector<WorkerSpec> specs, const WorkerPoolOptions& options,
       const base::Clock& clock, base::Random& random);
  ~Pool() override;
  // Listens and starts the manager. Once, first.
  [[nodiscard]] base::Status Begin();
  void Drain(std::chrono::milliseconds grace) override;
  Stats stats() const override;
  std::vector<std::pair<std::string, Stats>> StatsByName() const override;

 private:
  enum class Offer : std::uint8_t { kGiven, kParked };
  // Lives while a lease may be on its way between the source and a worker: Drain waits for all of them.
  class Settling {
   public:
    explicit Settling(Pool& pool) : pool_(pool) {
      const std::lock_guard lock(pool_.mutex_);
      ++pool_.settling_;
    }
    ~Settling() {
      {
        const std::lock_guard lock(pool_.mutex_);
        --pool_.settling_;
      }
      pool_.changed_.notify_all();
    }
    Settling(const Settling&) = delete;
    Settling& operator=(const Settling&) = delete;

   private:
    Pool& pool_;
  };

  // WorkerCalls
  void Next(Worker& worker, ParkedPoll poll) override;
  void Abandoned(Worker& worker, std::uint64_t poll) override;
  bool Holds(const Worker& worker, std::string_view request_id) const override;
  void Response(Worker& worker, std::string_view request_id, std::string body, http::Respond respond) override;
  void Error(Worker& worker, std::string_view request_id, RuntimePeer::ErrorReport report,
             http::Respond respond) override;
  void InitError(Worker& worker, RuntimePeer::ErrorReport report) override;

  // Giving and taking work
  Offer OfferWork(Worker& worker, ParkedPoll poll);
  base::Result<std::string> EncodeLease(const WorkerSpec& spec, const ports::WorkSource::Lease& lease) const;
  bool Give(Worker& worker, ports::WorkSource::Lease lease, ParkedPoll& poll);
  bool MayTake(const Worker& worker) const;
  void Park(Worker& worker, ParkedPoll poll);
  std::optional<Active> TakeActive(Worker& worker, std::string_view request_id);
  void Settle(const WorkerSpec& spec, const ports::WorkSource::Lease& lease, std::string body);

  // The manager
  void Manage(const std::stop_token& stop);
  void Turn();
  void Sleep();
  void ReapEnded();
  void OnEnded(const std::shared_ptr<Worker>& worker, const ChildEnd& end);
  void Inspect(const std::shared_ptr<Worker>& worker);
  void InspectBusy(Worker& worker, base::SteadyPoint now);
  void InspectFree(Worker& worker, base::SteadyPoint now);
  void EndBusy(Worker& worker, ports::WorkerEnd end, std::string_view why);
  void StopWorker(Worker& worker, std::string_view why);
  void KillWorker(Worker& worker, std::string_view why);
  void OfferToIdle(Group& group);
  void StartMore(Group& group);
  bool StartOne(Group& group);
  void StartFailed(Group& group, std::string_view why);
  void RefuseIfBroken(Group& group);
  std::size_t Available(const Group& group, std::size_t& living) const;
  std::vector<std::shared_ptr<Worker>> Workers() const;

  ports::WorkSource& source_;
  const WorkerPoolOptions options_;
  const base::Clock& clock_;
  base::Random& random_;
  const std::shared_ptr<WakeFd> wake_;  // shared with the source, whose callback may come late

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Group> groups_;                      // never moves; contents guarded by mutex_
  std::vector<std::shared_ptr<Worker>> workers_;  // guarded by mutex_
  std::size_t settling_ = 0;                      // guarded by mutex_; see Settling
  std::optional<base::SteadyPoint> drain_until_;  // guarded by mutex_
  base::SteadyPoint next_sample_{};               // of the manager's thread
  base::SteadyPoint wake_at_{};                   // of the manager's thread: when something is due
  std::unique_ptr<RuntimeApi> api_;
  std::jthread manager_;
};

}  // namespace local
