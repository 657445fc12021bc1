// A job's life as pure functions of its state. Nobody else decides a status.
//
//   kAccepted ──validated──▶ kRunning ──every toon ended──▶ kReducing ──reducers ended──▶ kEnded
//       └─ invalid manifest ─────────────────────────────────────────────────────────────────▲
//   cancel: kAccepted | kRunning | kReducing ──▶ kEnded         retry: kEnded ──▶ kRunning (next generation)
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "job/types.h"

namespace job {

enum class Phase : std::uint8_t { kAccepted, kRunning, kReducing, kEnded };
enum class JobStatus : std::uint8_t { kPending, kProcessing, kCompleted, kFailed };
inline constexpr std::string_view kJobStatusNames[] = {"Pending", "Processing", "Completed", "Failed"};
inline constexpr std::string_view kToonStateNames[] = {"Pending", "Succeeded", "Failed"};

// Recorded outcomes of the current generation.
struct Counters {
  std::uint64_t succeeded = 0;
  std::uint64_t failed = 0;
  [[nodiscard]] std::uint64_t processed() const { return succeeded + failed; }
  Counters& operator+=(const Counters& other) {
    succeeded += other.succeeded;
    failed += other.failed;
    return *this;
  }
  bool operator==(const Counters&) const = default;
};

// An artifact of a reducer, or its failure.
struct ReduceResult {
  std::string reducer;
  std::vector<Artifact> artifacts;
  std::optional<ToonError> error;
  bool operator==(const ReduceResult&) const = default;
};

// Everything about a job that changes, except the counters, which move with the outcomes.
struct JobState {
  Phase phase = Phase::kAccepted;
  std::optional<std::uint64_t> toon_count;  // absent until an uploaded manifest is counted
  Generation generation = 1;
  std::uint64_t scope = 0;              // toons that this generation covers; toon_count in generation 1
  std::uint64_t carried_succeeded = 0;  // successes of earlier generations
  bool cancelled = false;               // marker over what has no outcome: it reads Failed/cancelled
  std::optional<base::TimePoint> started_at;
  std::optional<base::TimePoint> completed_at;
  base::TimePoint updated_at{};
  std::string reason;                      // why it Failed; empty otherwise
  std::vector<base::FieldError> problems;  // of an invalid manifest, at most limits.h kMaxFieldErrors
  std::vector<ReduceResult> reduced;       // of this generation, in the order they ended
  std::uint64_t version = 0;               // + 1 with every change of this state
  bool operator==(const JobState&) const = default;
};

struct Job {
  JobSpec spec;
  JobState state;
  Counters counters;  // of the current generation
  bool operator==(const Job&) const = default;
};

// Reads of a job, over all generations. processed = succeeded + failed <= toonCount, always.
[[nodiscard]] std::uint64_t Succeeded(const Job& job);
[[nodiscard]] std::uint64_t Failed(const Job& job);  // with what a cancel covers
[[nodiscard]] std::uint64_t Processed(const Job& job);
[[nodiscard]] JobStatus StatusOf(const Job& job);

// Every toon of this generation has an outcome (false while not counted yet).
[[nodiscard]] bool AllRecorded(const Job& job);
[[nodiscard]] bool WithinTolerance(const Job& job);

// The names of all reducers of the job in order, "summary" first.
[[nodiscard]] std::vector<ReducerSpec> ReducersOf(const JobSpec& spec);

// Transitions: the state after, or kConflict saying why not. Callers commit the result under a version check.
[[nodiscard]] base::Result<JobState> Validated(const Job& job, std::uint64_t toon_count, base::TimePoint now);
[[nodiscard]] base::Result<JobState> ManifestInvalid(const Job& job, std::vector<base::FieldError> problems,
                                                     base::TimePoint now);
[[nodiscard]] base::Result<JobState> Started(const Job& job, base::TimePoint now);  // idempotent; sets started_at
[[nodiscard]] base::Result<JobState> BeginReduce(const Job& job, base::TimePoint now);
// Adds one reducer's end; with the last one the job ends. A second end of the same reducer is kConflict.
[[nodiscard]] base::Result<JobState> Reduced(const Job& job, ReduceResult result, base::TimePoint now);
[[nodiscard]] base::Result<JobState> Cancelled(const Job& job, base::TimePoint now);
// Opens the next generation over every toon that reads Failed. kConflict unless the job ended with at least one.
[[nodiscard]] base::Result<JobState> Retried(const Job& job, base::TimePoint now);

}  // namespace job
