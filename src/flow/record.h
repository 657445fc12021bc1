// Commits what a worker answered: outcomes, counters, retry notes and aggregates move together, each outcome once. The
// bytes of a toon whose last try killed whoever processed it go into quarantine with its outcome.
#pragma once

#include <unordered_map>

#include "base/error.h"
#include "flow/context.h"
#include "ports/work.h"

namespace flow {

struct Recorded {
  job::Job job;                         // after the last commit
  std::uint64_t accepted = 0;           // outcomes written now; the others had been before
  std::vector<job::RetryNote> retries;  // notes written now
  std::uint64_t quarantined = 0;        // bytes put into quarantine now
};

class Record {
 public:
  explicit Record(Context& context) : context_(context) {}
  // Idempotent: recording an answer again changes nothing. Slices by the store's limits; drops what is recorded already
  // and folds the partials again for the rest. kConflict "not-running": the job has ended or moved on; kUnavailable:
  // try again; kCorrupt: a failure among the outcomes does not decode.
  [[nodiscard]] base::Result<Recorded> Run(const job::JobKey& key, job::Generation generation,
                                           const std::vector<std::string>& reducers, ports::ChunkAnswer answer);

 private:
  using Lethal = std::unordered_map<job::Position, job::Quarantined>;
  [[nodiscard]] static base::Result<Lethal> LethalOf(const job::JobKey& key,
                                                     const std::vector<ports::OutcomeRow>& rows);
  [[nodiscard]] base::Status CommitSlice(ports::RecordCommit commit, const std::vector<std::string>& reducers,
                                         const Lethal& lethal, bool partials_fit, Recorded& recorded);
  [[nodiscard]] base::Result<std::vector<ports::Partial>> Fold(const std::vector<ports::OutcomeRow>& rows,
                                                               const std::vector<std::string>& reducers) const;
  Context& context_;
};

}  // namespace flow
