#include "sim/world.h"

#include <fmt/format.h>

#include "flow/collect.h"
#include "sim/checks.h"

namespace sim {

namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;
using std::chrono_literals::operator""min;
using std::chrono_literals::operator""h;

// Sets a flag as long as it lives.
class During {
 public:
  explicit During(bool& flag) : flag_(flag) { flag_ = true; }
  ~During() { flag_ = false; }
  During(const During&) = delete;
  During& operator=(const During&) = delete;

 private:
  bool& flag_;
};

}  // namespace

World::World(std::uint64_t seed, bool trace) : home_(seed, trace), workers_(home_), clients_(home_) {
  home_.meanwhile = [this] { ActMeanwhile(); };
}

std::optional<std::string> World::Run() {
  try {
    Boot();
    for (std::uint64_t step = 0; step < home_.profile.steps; ++step) Step();
    SettleDown();
    CheckEnd(home_);
    CheckEvents();
    CheckNothingLeft(home_);
  } catch (const Violation& violation) {
    home_.Trace("BROKEN: {}", violation.what);
    return violation.what;
  }
  return std::nullopt;
}

void World::Boot() {
  while (true) {
    workers_.DieWithTheServer();
    clients_.LoseConnections();
    LookAtAll();
    try {
      home_.Boot();
      home_.Trace("the process is up");
      return;
    } catch (const fakes::Crash&) {
    }
  }
}

void World::Step() {
  try {
    Act();
    if (!home_.ledger.stored.empty() && home_.dice.Chance(0.3)) {
      auto at = home_.ledger.stored.begin();
      std::advance(at, static_cast<std::ptrdiff_t>(home_.dice.Below(home_.ledger.stored.size())));
      CheckInstant(home_, job::JobKey(at->first));
    }
  } catch (const fakes::Crash&) {
    Boot();
  }
}

void World::Act() {
  home_.clock.Advance(std::chrono::microseconds(home_.dice.Below(20'000)));
  const std::uint64_t what = home_.dice.Below(100);
  if (what < 28) {
    if (!workers_.Take()) RunTimers();
  } else if (what < 56) {
    if (!workers_.GoOn()) (void)clients_.Continue();
  } else if (what < 68) {
    RunTimers();
  } else if (what < 76) {
    PassTime();
  } else if (what < 98) {
    ActOfClients();
  } else if (home_.profile.crash > 0 && what < 99) {
    home_.Trace("the process dies");
    throw fakes::Crash{};
  } else {
    Deliver();
  }
}

void World::ActMeanwhile() {
  const std::uint64_t what = home_.dice.Below(10);
  if (what < 3) {
    (void)workers_.GoOn();
  } else if (what < 5) {
    (void)workers_.Take();
  } else {
    ActOfClients();
  }
}

void World::ActOfClients() {
  const std::uint64_t what = home_.dice.Below(100);
  if (what < 16) {
    clients_.SubmitNew();
  } else if (what < 22) {
    clients_.SubmitAgain();
  } else if (what < 26) {
    clients_.SubmitAnother();
  } else if (what < 58) {
    (void)clients_.Continue();
  } else if (what < 64) {
    clients_.Cancel();
  } else if (what < 74) {
    clients_.Retry();
  } else if (what < 88) {
    clients_.Read();
  } else if (what < 91) {
    clients_.Pry();
  } else if (what < 93) {
    workers_.Mend();
  } else {
    Collect();
  }
}

void World::RunTimers() {
  if (in_timers_) return;  // one thread runs them
  const During during(in_timers_);
  (void)home_.fan_out->RunDue();
}

void World::PassTime() {
  const std::uint64_t what = home_.dice.Below(20);
  if (what < 12) {
    home_.clock.Advance(std::chrono::milliseconds(home_.dice.Below(600)));
  } else if (what < 18) {
    home_.clock.Advance(std::chrono::milliseconds(home_.dice.Below(8'000)));
  } else if (what == 18 && home_.profile.expiry) {
    home_.Trace("two hours pass");
    home_.clock.Advance(2h);
  } else if (home_.profile.jumps) {
    // Ahead by less than the collector's grace in all: nobody can tell a jump from time that passed.
    constexpr std::chrono::microseconds kMostAhead = 50min;
    std::chrono::microseconds by = -std::chrono::seconds(home_.dice.Below(100'000));
    if (home_.dice.Chance(0.5)) by = std::min(std::chrono::microseconds(10min), kMostAhead - jumped_ahead_);
    jumped_ahead_ += std::max(by, std::chrono::microseconds(0));
    home_.Trace("the wall clock jumps by {} s", std::chrono::duration_cast<std::chrono::seconds>(by).count());
    home_.clock.JumpTo(home_.clock.Now() + by);
  }
  workers_.KillLate();
}

void World::Collect() {
  if (!home_.profile.expiry || in_collect_) return;
  {
    const During during(in_collect_);
    const auto swept = flow::Collect(*home_.context, std::nullopt).Run();
    home_.Trace("collected: {} jobs, {} blobs", swept ? swept->jobs : 0, swept ? swept->blobs : 0);
  }
  CheckBytes(home_);
}

void World::Deliver() {
  const auto events = home_.context->outbox.Pending("", 5);
  if (!events) return;
  for (const ports::OutboxEvent& event : *events) {
    delivered_[event.id] = event;
    (void)home_.context->outbox.Done(event.id);  // if not, it is delivered again under the same id
  }
}

void World::LookAtAll() {
  const Home::Calm calm(home_);
  in_timers_ = false;
  in_collect_ = false;
  std::set<job::JobKey> keys;
  for (const auto& [key, history] : home_.ledger.stored) keys.insert(key);
  for (std::uint64_t i = 0; i < home_.profile.tenants; ++i) {
    const job::TenantId tenant(fmt::format("tenant{}", i));
    const ports::JobPage all = home_.store.List(tenant, {.limit = 100'000}).value();
    for (const job::Job& job : all.jobs) keys.insert(job.spec.key);
  }
  for (const job::JobKey& key : keys) home_.Look(key);
}

void World::SettleDown() {
  home_.Trace("peace");
  const Home::Calm calm(home_);
  workers_.Behave();
  clients_.InsistAll();
  constexpr int kMostWork = 20'000;
  constexpr int kPatience = 100;  // half seconds: longer than any delay of the flow
  int idle = 0;
  for (int round = 0; idle < kPatience; ++round) {
    if (round > kMostWork) throw Violation{"there is no end of work"};
    const bool took = workers_.Take();
    const bool went = workers_.GoOn();
    const bool ran = home_.fan_out->RunDue() > 0;
    if (took || went || ran) {
      idle = 0;
      continue;
    }
    ++idle;
    home_.clock.Advance(500ms);
    workers_.KillLate();
    const bool ended = home_.fan_out->Snapshot().jobs == 0 && home_.store.Unfinished("", 1)->jobs.empty();
    if (ended && idle > 3) return;
  }
}

void World::CheckEvents() {
  const Home::Calm calm(home_);
  const auto pending = home_.store.Pending("", 100'000).value();
  for (const ports::OutboxEvent& event : pending) delivered_[event.id] = event;
  std::map<job::JobKey, std::uint64_t> accepted;
  std::map<job::JobKey, std::uint64_t> ended;
  for (const auto& [id, event] : delivered_) (event.type == "JobAccepted" ? accepted : ended)[event.key] += 1;
  if (accepted != home_.ledger.accepted_events) throw Violation{"not one event per accepted job"};
  if (ended != home_.ledger.ended_events) throw Violation{"not one event per ended generation"};
}

}  // namespace sim
