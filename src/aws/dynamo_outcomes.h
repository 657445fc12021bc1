// ports::OutcomeStore on DynamoDB.
#pragma once

#include <map>

#include "aws/dynamo_quarantine.h"
#include "aws/dynamo_references.h"
#include "aws/dynamo_rows.h"
#include "ports/job_store.h"

namespace aws {

class DynamoOutcomes final : public ports::OutcomeStore {
 public:
  struct Parts {
    DynamoTable& table;
    DynamoReferences& references;
    DynamoQuarantine& quarantine;
    const ports::PartialMerger& merger;
  };
  explicit DynamoOutcomes(Parts parts) : parts_(parts), table_(parts.table) {}  // which outlive it

  // kNotFound also when the job went right after the commit; kUnavailable when others take the job's shards all the
  // time, and nothing was written.
  [[nodiscard]] base::Result<ports::RecordAnswer> Record(const ports::RecordCommit& commit) override;
  [[nodiscard]] base::Result<std::vector<ports::OutcomeRow>> Read(const job::JobKey& key, job::Generation generation,
                                                                  job::Position from, std::size_t limit,
                                                                  std::size_t max_bytes) override;
  [[nodiscard]] base::Result<std::vector<bool>> Recorded(const job::JobKey& key, job::Generation generation,
                                                         job::Position first, std::uint32_t count) override;
  // Notes of positions that have an outcome by now are removed on the way.
  [[nodiscard]] base::Result<std::vector<job::RetryNote>> Retries(const job::JobKey& key, job::Generation generation,
                                                                  job::Position from, std::size_t limit) override;
  [[nodiscard]] base::Result<std::vector<ports::Partial>> Aggregates(const job::JobKey& key) override;

 private:
  using Merged = std::map<std::string, std::string>;  // by reducer
  struct Try;

  [[nodiscard]] base::Status Fold(const std::vector<ports::Partial>& partials, Merged& merged) const;
  [[nodiscard]] base::Result<Merged> MergeShard(const JobUid& uid, const job::JobKey& key, std::uint32_t shard,
                                                const std::vector<ports::Partial>& partials);
  [[nodiscard]] base::Result<std::vector<job::Position>> AlreadyRecorded(const JobUid& uid,
                                                                         const ports::RecordCommit& commit);
  [[nodiscard]] base::Status AddTally(const StoredJob& stored, const ports::RecordCommit& commit, Try& attempt);
  [[nodiscard]] base::Result<Try> Prepare(const StoredJob& stored, const ports::RecordCommit& commit);
  [[nodiscard]] base::Result<job::Job> JobNow(const job::JobKey& key, const JobUid& uid);

  const Parts parts_;
  DynamoTable& table_;
};

}  // namespace aws
