// What the worker pool knows of its groups and workers. Everything here is guarded by the pool's mutex unless it says
// otherwise.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "local/child_process.h"
#include "local/runtime_api.h"
#include "local/temp_folder.h"
#include "local/worker_pool.h"

namespace local {

// The workers of one spec.
struct Group {
  WorkerSpec spec;          // fixed
  WorkerPool::Stats stats;  // alive and busy are counted when asked
  int failures = 0;         // starts in a row that ended before the first poll
  base::SteadyPoint next_start{};
};

enum class WorkerState : std::uint8_t {
  kStarting,  // has not asked for work yet
  kIdle,      // its poll is parked, or being offered work
  kBusy,      // holds an invocation
  kBetween,   // answered, has not asked again yet
  kStopping,  // gets nothing any more: asked to end, or killed
};

// The invocation that a worker holds.
struct Active {
  ports::WorkSource::Lease lease;
  std::string request_id;
  base::SteadyPoint deadline{};
  std::uint64_t poll = 0;    // the poll that it was the answer to
  bool undelivered = false;  // the client of that poll was gone
};
struct ParkedPoll {
  std::uint64_t poll = 0;
  http::Respond respond;
};

// What the API's threads ask of the pool; see RuntimePeer.
class Worker;
class WorkerCalls {
 public:
  virtual ~WorkerCalls() = default;
  virtual void Next(Worker& worker, ParkedPoll poll) = 0;
  virtual void Abandoned(Worker& worker, std::uint64_t poll) = 0;
  [[nodiscard]] virtual bool Holds(const Worker& worker, std::string_view request_id) const = 0;
  virtual void Response(Worker& worker, std::string_view request_id, std::string body, http::Respond respond) = 0;
  virtual void Error(Worker& worker, std::string_view request_id, RuntimePeer::ErrorReport report,
                     http::Respond respond) = 0;
  virtual void InitError(Worker& worker, RuntimePeer::ErrorReport report) = 0;
};

// One process. Outlives its calls: the API shares it.
class Worker final : public RuntimePeer {
 public:
  Worker(WorkerCalls& the_calls, Group& the_group) : calls(the_calls), group(the_group) {}
  void OnNext(std::uint64_t poll, http::Respond respond) override { calls.Next(*this, {poll, std::move(respond)}); }
  void OnPollAbandoned(std::uint64_t poll) override { calls.Abandoned(*this, poll); }
  bool Holds(std::string_view request_id) const override { return calls.Holds(*this, request_id); }
  void OnResponse(std::string_view request_id, std::string body, http::Respond respond) override {
    calls.Response(*this, request_id, std::move(body), std::move(respond));
  }
  void OnError(std::string_view request_id, ErrorReport report, http::Respond respond) override {
    calls.Error(*this, request_id, std::move(report), std::move(respond));
  }
  void OnInitError(ErrorReport report) override { calls.InitError(*this, std::move(report)); }

  WorkerCalls& calls;
  Group& group;
  TempFolder folder;                      // fixed
  std::string token;                      // fixed once admitted
  std::unique_ptr<ChildProcess> process;  // of the manager's thread alone
  pid_t pid = -1;                         // fixed once started

  WorkerState state = WorkerState::kStarting;
  base::SteadyPoint started{};
  base::SteadyPoint since{};    // of the state
  base::SteadyPoint kill_at{};  // kStopping: SIGKILL then
  bool killed = false;          // SIGKILL was sent
  bool ended = false;           // reaped
  bool served = false;          // has been given work at least once
  bool polled = false;          // has asked for work at least once
  std::uint64_t rss_bytes = 0;  // at the last sample
  std::uint64_t abandoned = 0;  // the highest poll whose client is gone
  std::string init_error;
  std::optional<Active> active;  // exactly in kBusy
  std::optional<ParkedPoll> parked;
};

}  // namespace local
