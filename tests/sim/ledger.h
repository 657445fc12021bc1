// What clients sent and were told, and what the stores were seen to hold: the promise is checked against it.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "job/lifecycle.h"
#include "job/types.h"

namespace sim {

// The promise is broken; says how. Ends the schedule.
struct Violation {
  std::string what;
};

struct ToonModel {
  std::string id;
  std::string type;
  std::string content;  // its first word says what comes of it, see Workers
};

// One payload, as often as it is submitted. Its number stands in the job's metadata.
struct JobModel {
  std::size_t number = 0;
  job::TenantId tenant;
  std::string job_id;           // empty: named by the idempotency key
  std::string idempotency_key;  // empty: named by the job id
  std::vector<ToonModel> toons;
  std::string body;
  std::vector<std::string> uploads;  // bytes that its toons or its manifestUri name
  bool valid = true;                 // false: its manifest is refused when it is validated
  std::uint64_t tolerated = 0;
  std::vector<std::string> reducers;
  bool reuse_possible = false;
  std::optional<job::JobKey> accepted;  // 202 was said
  bool unsure = false;                  // sent, and neither accepted nor refused
  bool forgotten = false;               // its retention passed
};

// What was seen of one stored job, from its creation to its deletion.
struct History {
  std::size_t model = 0;
  job::JobState state;
  std::uint64_t most_generations = 1;              // 1 + retries that may have had an effect
  std::optional<job::Counters> final_counters;     // of this generation, once it ended
  std::map<job::Position, std::string> successes;  // encoded, as first seen
  std::map<std::pair<job::Generation, job::Position>, std::string> failures;
  std::map<std::pair<job::Generation, job::Position>, std::uint32_t> guilt;  // tries that a user's failure consumed
};

struct Ledger {
  std::deque<JobModel> models;  // references stay valid
  std::map<job::JobKey, History> stored;
  std::map<job::JobKey, std::uint64_t> accepted_events;  // expected in the outbox, over all jobs that had the key
  std::map<job::JobKey, std::uint64_t> ended_events;
};

}  // namespace sim
