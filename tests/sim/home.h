// The machine of a schedule: clock, stores and blobs that survive a crash, and the flow that does not.
#pragma once

#include <fmt/format.h>

#include <functional>
#include <memory>
#include <string>

#include "base/random.h"
#include "fakes/blobs.h"
#include "fakes/clock.h"
#include "fakes/processors.h"
#include "fakes/reducers.h"
#include "fakes/store.h"
#include "flow/context.h"
#include "flow/fan_out.h"
#include "sim/dice.h"
#include "sim/ledger.h"
#include "sim/watched.h"

namespace sim {

class Home {
 public:
  // With `trace` every step is printed.
  Home(std::uint64_t seed, bool trace);
  // A new process on what the old one left. May throw fakes::Crash.
  void Boot();
  void Down() { fan_out.reset(); }
  template <typename... Args>
  void Trace(fmt::format_string<Args...> format, Args&&... args) {
    if (trace_) Print(fmt::format(format, std::forward<Args>(args)...));
  }

  // While one of these lives no call of a port fails and nothing happens meanwhile.
  class Calm {
   public:
    explicit Calm(Home& home) : home_(home) { ++home_.calm_; }
    ~Calm() { --home_.calm_; }
    Calm(const Calm&) = delete;
    Calm& operator=(const Calm&) = delete;

   private:
    Home& home_;
  };
  // The job as stored, whatever the weather.
  [[nodiscard]] std::optional<job::Job> Peek(const job::JobKey& key);
  void Look(const job::JobKey& key) { watch_.Look(key); }
  [[nodiscard]] const JobModel& ModelOf(const job::Job& job) const;

  Dice dice;
  Profile profile;
  Ledger ledger;
  fakes::ManualClock clock;
  base::SeededRandom random;
  fakes::FakePartialMerger merger;
  fakes::FakeStore store{merger};
  fakes::FakeBlobStore blobs{&clock};
  fakes::FakeCatalog catalog;
  fakes::FakeReducerRegistry reducers;
  fakes::FakeProcessorRegistry processors;
  std::function<void()> meanwhile;  // something else happens; set by the world
  std::unique_ptr<flow::Context> context;
  std::unique_ptr<flow::FanOut> fan_out;

 private:
  void Arm();
  [[nodiscard]] bool Fails(double probability);
  void Meanwhile();
  void Print(const std::string& line) const;

  bool trace_;
  int calm_ = 0;
  int nesting_ = 0;
  Watch watch_;
  WatchedJobs watched_jobs_;
  WatchedOutcomes watched_outcomes_;
  WatchedBlobs watched_blobs_;
  CheckingNotifier notifier_;
  SilentMetrics metrics_;
};

}  // namespace sim
