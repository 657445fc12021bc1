// Worker processes on demand: starts them when there is work, gives each one chunk at a time through the Lambda Runtime
// API, and stops, recycles or kills them. Every lease taken from the WorkSource ends in exactly one Answered or Lost.
//
//   start ─▶ asks for work ─▶ idle (poll parked) ◀──answer──┐            idle for long, old or grown ─▶ SIGTERM …
//   SIGKILL
//                               └──── Take ─▶ busy ─────────┘            deadline, unwanted, 2 × memory ─▶ SIGKILL
//
// A command that keeps dying before it first asks for work is started again ever more slowly; a custom one that failed
// kStartFailuresToRefuse times in a row has its chunks reported kErrored, so that their jobs end.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/random.h"
#include "ports/work.h"

namespace local {

inline constexpr int kStartFailuresToRefuse = 5;

// One kind of worker.
struct WorkerSpec {
  std::string name;  // for logs, metrics and the function's name: "data", "wordcloud"
  std::vector<job::WorkClass> classes;
  // [0] is looked up in PATH unless it holds a slash. Later arguments that name a file below our working folder are
  // made absolute, since a worker runs in a temp folder of its own.
  std::vector<std::string> command;
  std::map<std::string, std::string>
      environment;                  // beside PATH, LANG, TZ and what Lambda sets; nothing else is inherited
  int descriptor = -1;              // of ours, inherited as kGivenDescriptor (local/child_process.h); -1: none
  std::string handler = "handler";  // _HANDLER
  int max_workers = 1;
  std::uint64_t max_rss_mb = 512;  // above: recycled after the chunk; twice that: killed in it; 0: any
  // Of a custom processor; both or none. Without them chunks travel as wire::EncodeChunk and answers as EncodeAnswers.
  std::function<base::Result<std::string>(const ports::WorkSource::Lease&)> encode;  // the record's body
  std::function<base::Result<ports::ChunkAnswer>(const ports::WorkSource::Lease&, std::string body)> decode;
};

struct WorkerPoolOptions {
  std::chrono::milliseconds idle{10'000};  // an idle worker is stopped after so long
  std::chrono::milliseconds max_age{3'600'000};
  std::chrono::milliseconds deadline{60'000};    // of a lease that brings none
  std::chrono::milliseconds stop_grace{2'000};   // between SIGTERM and SIGKILL of an idle worker
  std::chrono::milliseconds start_backoff{250};  // after one failed start; doubles
  std::chrono::milliseconds start_backoff_cap{30'000};
  std::chrono::milliseconds start_timeout{30'000};  // from the start to the first poll
};

class WorkerPool {
 public:
  struct Stats {
    std::uint64_t started = 0;
    std::uint64_t died = 0;    // ended by themselves, idle stops excluded
    std::uint64_t killed = 0;  // by us: deadline, memory, cancel, drain
    std::size_t alive = 0;
    std::size_t busy = 0;
  };
  // Starts serving; workers come with work. Everything given by reference outlives the pool. kUnavailable: no port.
  [[nodiscard]] static base::Result<std::unique_ptr<WorkerPool>> Start(ports::WorkSource& source,
                                                                       std::vector<WorkerSpec> specs,
                                                                       const WorkerPoolOptions& options,
                                                                       const base::Clock& clock, base::Random& random);
  virtual ~WorkerPool() = default;  // Drain(0)
  // Takes no more work, lets chunks in flight end for at most `grace`, kills the rest (Lost kPlatform), reaps every
  // child. Blocks until then. Idempotent.
  virtual void Drain(std::chrono::milliseconds grace) = 0;
  [[nodiscard]] virtual Stats stats() const = 0;
  // In the order of the specs; for metrics with the worker's name as label.
  [[nodiscard]] virtual std::vector<std::pair<std::string, Stats>> StatsByName() const = 0;
};

}  // namespace local
