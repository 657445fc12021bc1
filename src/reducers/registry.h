// The fan-in functions: summary (runs for every job), timeline, contact-sheet and playlist.
#pragma once

#include <memory>

#include "ports/job_store.h"
#include "ports/reducer.h"

namespace reducers {

// Immutable and thread-safe.
[[nodiscard]] std::unique_ptr<ports::ReducerRegistry> NewReducers();

// Merges by the named reducer; kNotFound for a name that `registry` does not have. `registry` must outlive it.
// Thread-safe.
[[nodiscard]] std::unique_ptr<ports::PartialMerger> NewMerger(const ports::ReducerRegistry& registry);

}  // namespace reducers
