// Reads a whole data folder that no server has open and says what is wrong with it. Changes nothing.
//
// What holds in a sound folder: every log, block and row reads; a job's rows, index rows, plan, manifest and outcomes
// agree with each other, and its counters with its outcomes; every blob that a row names is there, as long as it says,
// with the bytes its name says. Memory is bounded by one job's plan page and a bit for each of its toons.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "job/types.h"
#include "ports/blob_store.h"

namespace store {

struct Problem {
  std::string_view kind;  // kebab-case and stable: "artifact-missing"
  std::string what;       // one sentence
  std::string_view remedy;
  job::TenantId tenant;  // empty: not about one tenant, job or toon
  job::JobId job;
  job::ToonId toon;
  std::optional<job::Position> position;  // of the toon
};

enum class Hashing : std::uint8_t {
  kAll,     // every blob is read and hashed
  kLength,  // blobs are there and as long as they should be
};

struct CheckOptions {
  ports::BlobStore* blobs = nullptr;  // required
  Hashing hashing = Hashing::kAll;
  base::TimePoint now{};                                       // which uploads must still be there
  std::chrono::seconds upload_grace = std::chrono::hours(24);  // as in store::Options
  std::function<void(const Problem&)> tell;                    // called for each; required
};

struct Checked {
  std::map<std::string, std::uint64_t, std::less<>> counts;  // of what was looked at: "jobs", "outcomes" …
  std::uint64_t problems = 0;
  std::uint64_t orphan_blobs = 0;  // nothing names them: the collector's, no damage
  std::uint64_t orphan_bytes = 0;
  std::uint64_t orphan_rows = 0;  // plans and ties of submissions that were never accepted: no damage
  bool torn_log = false;          // the last batch of the newest log is cut off, as a loss of power does
};

// `dir` is the database's folder. kNotFound: there is none. kUnavailable ("in-use": by a server). A database that does
// not open is a problem, not an error.
[[nodiscard]] base::Result<Checked> Check(const std::string& dir, const CheckOptions& options);

}  // namespace store
