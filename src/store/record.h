// OutcomeStore::Record on the committer's thread: check everything, then change everything.
#pragma once

#include <vector>

#include "ports/job_store.h"
#include "store/committer.h"

namespace store {

// What the store indexes of a commit's rows, decoded by the caller's own thread.
struct Indexed {
  struct Reuse {
    base::Sha256 key{};
    job::Position position = 0;
  };
  std::vector<job::Artifact> artifacts;
  std::vector<Reuse> reuse;
};
// kCorrupt if a row with references does not decode.
[[nodiscard]] base::Result<Indexed> IndexedOf(const ports::RecordCommit& commit);

[[nodiscard]] base::Result<ports::RecordAnswer> RecordOn(Turn turn, const ports::RecordCommit& commit,
                                                         const Indexed& indexed, const ports::PartialMerger& merger);

}  // namespace store
