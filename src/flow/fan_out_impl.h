// Inside of FanOut; included by fan_out*.cc only. One mutex guards all that is marked with it; it is held over reads of
// the plan (memory, mostly) and never over a commit or a callback.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "flow/background.h"
#include "flow/fan_in.h"
#include "flow/fan_out.h"
#include "flow/pieces.h"
#include "flow/record.h"
#include "flow/schedule.h"
#include "flow/screen.h"

namespace flow {

// A job that is not ended, as this process works on it.
struct ActiveJob {
  FairSchedule::JobNo no = 0;
  job::JobSpec spec;
  job::Generation generation = 1;
  std::vector<std::string> reducers;
  base::SteadyPoint since{};

  PieceQueue pieces;
  std::uint32_t next_page = 0;
  bool plan_ended = false;
  bool resumed = false;  // some of its toons may have outcomes or retry notes already
  bool started = false;
  bool reducing = false;        // its reducers are among the pieces, or were
  bool gone = false;            // ended, cancelled or replaced: whatever still comes for it is dropped
  std::uint64_t open = 0;       // toons without an outcome
  std::size_t in_flight = 0;    // leases
  std::size_t waiting = 0;      // pieces on a timer
  bool notes_overflow = false;  // retry notes that only the store remembers
};
using ActivePtr = std::shared_ptr<ActiveJob>;

class FanOut::Impl {
 public:
  Impl(Context& context, ports::Metrics& metrics, FanOutOptions options)
      : context_(context),
        metrics_(metrics),
        options_(std::move(options)),
        record_(context),
        fan_in_(context),
        screen_(context, options_.processor_versions),
        timers_(context.clock),
        validator_(context.clock) {}

  // ---- fan_out_jobs.cc: jobs in and out
  enum class Origin : bool { kNew, kRecovered };
  void Add(const job::Job& job, Origin origin);
  void Forget(const ActivePtr& active);
  void Withdrawn(const job::JobKey& key, job::Generation generation);
  void LookAgain(const job::JobKey& key);
  void ValidateLater(const job::Job& job, std::uint32_t failures);
  void EnqueueReducers(const job::JobKey& key);
  void BeginFanIn(const job::JobKey& key);

  // ---- fan_out.cc: pieces out
  std::optional<ports::WorkSource::Lease> Take(const std::vector<job::WorkClass>& classes);
  ports::Chunk ChunkOf(const ActiveJob& active, const Piece& piece) const;

  // ---- fan_out_answers.cc: answers in
  void Answered(ports::LeaseId lease, ports::ChunkAnswer answer);
  void Lost(ports::LeaseId lease, ports::WorkerEnd end, std::string_view detail);

  Context& context_;
  ports::Metrics& metrics_;
  const FanOutOptions options_;
  Record record_;
  FanIn fan_in_;
  Screen screen_;
  Background timers_;
  Background validator_;

  struct LeaseState {
    ActivePtr active;
    Piece piece;
    base::SteadyPoint taken{};
  };
  mutable std::mutex mutex_;
  std::map<job::JobKey, ActivePtr> jobs_;                     // guarded by mutex_
  std::unordered_map<FairSchedule::JobNo, ActivePtr> by_no_;  // guarded by mutex_
  FairSchedule schedule_;                                     // guarded by mutex_
  std::unordered_map<ports::LeaseId, LeaseState> leases_;     // guarded by mutex_
  std::map<job::WorkClass, std::size_t> shares_;              // guarded by mutex_: see Ready
  std::map<job::TenantId, Backlog> backlog_;                  // guarded by mutex_: tenant_toons, tenant_jobs
  std::uint64_t open_toons_ = 0;                              // guarded by mutex_
  FairSchedule::JobNo next_no_ = 1;                           // guarded by mutex_
  ports::LeaseId next_lease_ = 1;                             // guarded by mutex_
  std::vector<std::function<void()>> wakes_;                  // set before work begins

  void Wake() const {
    for (const auto& wake : wakes_) wake();
  }

 private:
  enum class Place : bool { kFront, kBack };
  // These need mutex_.
  void Push(ActiveJob& active, Piece piece, Place place);
  std::optional<Piece> Pop(ActiveJob& active, const job::WorkClass& work_class);
  void Refill(ActiveJob& active);
  void Settle(ActiveJob& active, std::uint64_t toons);  // so many have ended
  base::Status Prune(const ActivePtr& active, Piece& piece);
  base::Status Shape(ActiveJob& active, Piece& piece);
  void RetryLater(const ActivePtr& active, const job::RetryNote& note, const job::Segment& segment);
  void DelayChunk(const ActivePtr& active, Piece piece, const base::Error& error);
  void PushBusy(const ActivePtr& active, Piece piece);
  void PushLater(const ActivePtr& active, Piece piece, std::chrono::milliseconds delay);
  void CheckDrained(const ActivePtr& active);
  std::optional<LeaseState> End(ports::LeaseId lease);

  [[nodiscard]] ActivePtr ActiveNow(const job::JobKey& key) const;
  // For a job that the store says is gone or ended, as it was known before the store was asked: another may have been
  // accepted under the same name since.
  void WithdrawIfStill(const ActivePtr& before);
  void ReloadNotes(const ActivePtr& active);
  void MarkStarted(const job::JobKey& key);
  enum class Send : bool { kIt, kNothing };
  Send TakeScreened(const ActivePtr& active, Piece& piece);
  void RecordAnswer(const ActivePtr& active, const Piece& piece, ports::ChunkAnswer answer);
  void FinishReduce(const ActivePtr& active, const Piece& piece, const job::ReduceResult& result);
  void HandleLost(const ActivePtr& active, Piece piece, ports::WorkerEnd end, std::string_view detail);
  void FailOne(const ActivePtr& active, const Piece& piece, ports::WorkerEnd end, std::string_view detail);
};

}  // namespace flow
