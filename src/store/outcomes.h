// ports::OutcomeStore on RocksDB.
#pragma once

#include "ports/job_store.h"
#include "store/committer.h"

namespace store {

class RocksOutcomes final : public ports::OutcomeStore {
 public:
  RocksOutcomes(Database& database, Committer& committer, const ports::PartialMerger& merger,
                const ports::StoreLimits& limits)
      : database_(database), committer_(committer), merger_(merger), limits_(limits) {}

  [[nodiscard]] base::Result<ports::RecordAnswer> Record(const ports::RecordCommit& commit) override;
  [[nodiscard]] base::Result<std::vector<ports::OutcomeRow>> Read(const job::JobKey& key, job::Generation generation,
                                                                  job::Position from, std::size_t limit,
                                                                  std::size_t max_bytes) override;
  [[nodiscard]] base::Result<std::vector<bool>> Recorded(const job::JobKey& key, job::Generation generation,
                                                         job::Position first, std::uint32_t count) override;
  [[nodiscard]] base::Result<std::vector<job::RetryNote>> Retries(const job::JobKey& key, job::Generation generation,
                                                                  job::Position from, std::size_t limit) override;
  [[nodiscard]] base::Result<std::vector<ports::Partial>> Aggregates(const job::JobKey& key) override;

 private:
  Database& database_;
  Committer& committer_;
  const ports::PartialMerger& merger_;
  const ports::StoreLimits& limits_;
};

}  // namespace store
