// Chunks of work between the flow and whoever runs workers.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "job/types.h"
#include "ports/job_store.h"

namespace ports {

// One message to a worker. Encoded by wire/chunk.h as the body of an SQS-shaped record.
struct Chunk {
  enum class Kind : std::uint8_t { kProcess, kReduce } kind = Kind::kProcess;
  job::JobKey key;
  job::Generation generation = 1;
  job::WorkClass work_class;
  std::string traceparent;

  // kProcess: the toons [segment.first, +segment.count) of the manifest, or only those listed.
  std::string manifest_blob;
  job::Segment segment;
  std::vector<std::uint32_t> only;     // relative to segment.first, ascending; empty: all
  std::uint32_t attempt = 1;           // of every toon in it, 1-based
  bool after_death = false;            // the attempt before killed whoever processed it
  std::string operations_json = "{}";  // the job's defaults per type
  std::vector<std::string> reducers;   // whose partials the worker folds
  bool reuse_keys = false;             // compute reuse keys for the successes

  // kReduce
  std::string reducer;
  std::string params_json = "{}";
  std::string partial;  // merged aggregate
  std::uint64_t toon_count = 0;
  std::uint64_t succeeded = 0;
  std::uint64_t failed = 0;

  bool operator==(const Chunk&) const = default;
};

// What a worker made of one chunk.
struct ChunkAnswer {
  std::vector<OutcomeRow> outcomes;
  std::vector<job::RetryNote> retries;
  std::vector<Partial> partials;             // over all successes in outcomes
  std::optional<job::ReduceResult> reduced;  // of a kReduce chunk
  bool operator==(const ChunkAnswer&) const = default;
};

// Where a worker's answer goes: locally into the Lambda response, on AWS into DynamoDB and S3.
class Recorder {
 public:
  virtual ~Recorder() = default;
  // The invocation's response body for one event: one pair per record, in order; an Error means the platform failed
  // (the record becomes a batchItemFailure).
  struct Handled {
    std::string message_id;
    Chunk chunk;
    base::Result<ChunkAnswer> answer;
  };
  [[nodiscard]] virtual base::Result<std::string> Respond(std::vector<Handled> handled) = 0;
};

using LeaseId = std::uint64_t;
enum class WorkerEnd : std::uint8_t {
  kCrashed,   // it died while holding the chunk: somebody's toon may be guilty
  kTimedOut,  // it was killed at the chunk's deadline
  kErrored,   // it answered an invocation error
  kPlatform,  // we stopped it (drain, recycle, cancel) or could not start it: nobody's fault
  kBusy,      // it gave the chunk back for want of memory: nobody's fault, however often
};
inline constexpr std::string_view kMemoryBusy = "memory-busy";
// What a worker means that reports a failure of the platform, "<code>: <message>": kBusy for kMemoryBusy, else
// kPlatform.
[[nodiscard]] inline WorkerEnd EndOfReport(std::string_view report) {
  return report.starts_with(kMemoryBusy) ? WorkerEnd::kBusy : WorkerEnd::kPlatform;
}

// The flow's side of a worker pool: what to do next. Thread-safe; calls may block on the store.
class WorkSource {
 public:
  struct Lease {
    LeaseId id = 0;
    Chunk chunk;
    std::chrono::milliseconds deadline{0};  // kill the worker after so long
    base::SteadyPoint taken{};
  };
  virtual ~WorkSource() = default;
  // The fairest chunk of one of these classes, or nullopt when there is none now.
  [[nodiscard]] virtual std::optional<Lease> Take(const std::vector<job::WorkClass>& classes) = 0;
  // Exactly one of the next two per lease.
  virtual void Answered(LeaseId lease, ChunkAnswer answer) = 0;
  virtual void Lost(LeaseId lease, WorkerEnd end, std::string_view detail) = 0;
  // True while that lease's work is still wanted (false after a cancel: kill the worker).
  [[nodiscard]] virtual bool Wanted(LeaseId lease) const = 0;
  // How many chunks of this class could be taken now; saturates at `enough`.
  [[nodiscard]] virtual std::size_t Ready(const job::WorkClass& work_class, std::size_t enough) const = 0;
  // Called (any thread, must not block) whenever Ready may have grown or Wanted may have changed.
  virtual void OnChange(std::function<void()> wake) = 0;
};

}  // namespace ports
