// The job stores of ports/job_store.h and the quarantine on one RocksDB folder (docs/formats/store.md).
//
// Writes of all callers go through one committer thread that puts every waiting request into one batch and syncs it:
// the cost of a sync is shared, and a caller is answered only after it. Reads go straight to RocksDB from any thread.
// After a failed write everything of that batch is answered kUnavailable and the next write first asks RocksDB to
// resume.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "base/error.h"
#include "ports/job_store.h"
#include "ports/quarantine.h"

namespace rocksdb {
class Env;
}  // namespace rocksdb

namespace store {

struct Options {
  const ports::PartialMerger* merger = nullptr;  // required; outlives the store
  std::size_t write_buffer_bytes = 32U << 20U;   // of outcome rows; up to three of them are in memory
  std::size_t block_cache_bytes = 48U << 20U;    // with indexes and filters
  std::size_t hot_job_bytes = 32U << 20U;        // running jobs kept decoded by the committer
  std::size_t max_group_bytes = 8U << 20U;       // a commit is closed at this size: bounds how long a caller waits
  int max_open_files = 256;
  rocksdb::Env* env = nullptr;                                 // null: the machine's files; tests give one that fails
  std::chrono::seconds upload_grace = std::chrono::hours(24);  // how long past its expiry an upload is kept
};

class RocksStore {
 public:
  // Waits for the commit that runs; requests that still wait are committed too, later ones are answered kUnavailable.
  ~RocksStore();
  RocksStore(const RocksStore&) = delete;
  RocksStore& operator=(const RocksStore&) = delete;

  [[nodiscard]] ports::JobStore& jobs();
  [[nodiscard]] ports::PlanStore& plans();
  [[nodiscard]] ports::OutcomeStore& outcomes();
  [[nodiscard]] ports::ReferenceStore& references();
  [[nodiscard]] ports::ReuseIndex& reuse();
  [[nodiscard]] ports::QuarantineStore& quarantine();
  [[nodiscard]] ports::Outbox& outbox();

  // What is committed, as a database of its own in `dir`, which is absent and on the same disk. Blocks; writes go on.
  [[nodiscard]] base::Status Checkpoint(const std::string& dir);

  // For metrics; since Open.
  struct Stats {
    std::uint64_t commits = 0;         // synced batches
    std::uint64_t requests = 0;        // answered through them
    std::uint64_t failed_commits = 0;  // batches whose write failed
  };
  [[nodiscard]] Stats stats() const;

 private:
  friend base::Result<std::unique_ptr<RocksStore>> Open(const std::string& dir, const Options& options);
  struct Parts;
  explicit RocksStore(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

// Opens or creates the store in `dir` (its parent exists). kUnavailable: locked by another process, or no access.
// kUnsupported: written by a newer version. kCorrupt: it does not read.
[[nodiscard]] base::Result<std::unique_ptr<RocksStore>> Open(const std::string& dir, const Options& options);

// Nobody opens the store in `dir` while this lives. kUnavailable "in-use": somebody has.
class FolderHold {
 public:
  virtual ~FolderHold() = default;
};
[[nodiscard]] base::Result<std::unique_ptr<FolderHold>> HoldFolder(const std::string& dir);

}  // namespace store
