// The local home's fan-out: hands chunks of all running jobs to workers, fairly, and takes their answers back.
//
// A job's life here:  Runnable ─▶ pieces (cut lazily from the plan) ─▶ Take ─▶ a worker ─▶ Answered ─▶ Record ─▶ … ─▶
// every toon ended ─▶ FanIn ─▶ reduce pieces ─▶ Take ─▶ Answered ─▶ the job ended, forgotten here. Nothing in memory is
// needed to survive: Recover rebuilds all of it from the stores.
//
// Failures: a worker that dies or hangs with several toons gets them back in halves, until the guilty one is alone;
// only then an attempt is consumed. What the platform does (drain, recycle, a store that is away) consumes nothing.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "flow/context.h"
#include "ports/metrics.h"
#include "ports/work.h"

namespace flow {

struct FanOutOptions {
  std::size_t max_workers = 2;  // pieces are cut so that all of them have work
  std::chrono::milliseconds chunk_timeout{60'000};
  std::map<job::WorkClass, std::chrono::milliseconds> timeouts;  // of custom classes
  std::map<job::ToonType, std::string, std::less<>>
      processor_versions;                        // for reuse keys; absent: no reuse for the type
  std::vector<job::WorkClass> per_toon_classes;  // custom processors take one toon a chunk
};

class FanOut final : public ports::WorkSource, public Starter {
 public:
  FanOut(Context& context, ports::Metrics& metrics, FanOutOptions options);
  ~FanOut() override;
  // Takes up every job that had not ended. Call once, before Start.
  [[nodiscard]] base::Status Recover();
  void Start();  // the background threads: timers and validation
  void Stop();   // no callbacks after it returns
  // Without Start: runs what is due on the caller's thread (tests). Answers how many tasks ran.
  std::size_t RunDue();

  // Starter
  void Runnable(const job::Job& job) override;
  void Withdrawn(const job::JobKey& key, job::Generation generation) override;
  void Doubtful(const job::JobKey& key) override;
  [[nodiscard]] Backlog BacklogOf(const job::TenantId& tenant) const override;

  // WorkSource
  [[nodiscard]] std::optional<Lease> Take(const std::vector<job::WorkClass>& classes) override;
  void Answered(ports::LeaseId lease, ports::ChunkAnswer answer) override;
  void Lost(ports::LeaseId lease, ports::WorkerEnd end, std::string_view detail) override;
  [[nodiscard]] bool Wanted(ports::LeaseId lease) const override;
  [[nodiscard]] std::size_t Ready(const job::WorkClass& work_class, std::size_t enough) const override;
  void OnChange(std::function<void()> wake) override;

  struct Figures {
    std::size_t jobs = 0;
    std::uint64_t toons = 0;  // accepted, not ended
    std::size_t leases = 0;
    std::chrono::microseconds oldest{0};  // age of the oldest running job
  };
  [[nodiscard]] Figures Snapshot() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace flow
