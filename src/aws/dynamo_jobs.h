// ports::JobStore and ports::PlanStore on DynamoDB. List, Unfinished and Expired go through indexes, which lag behind
// the table: a job may be missing for a moment after its commit; what they answer is read from the table itself.
#pragma once

#include "aws/dynamo_outbox.h"
#include "aws/dynamo_references.h"
#include "aws/dynamo_rows.h"
#include "ports/job_store.h"

namespace aws {

class DynamoJobs final : public ports::JobStore, public ports::PlanStore {
 public:
  // Both outlive it.
  DynamoJobs(DynamoTable& table, DynamoReferences& references) : table_(table), references_(references) {}

  [[nodiscard]] const ports::StoreLimits& limits() const override { return limits_; }
  [[nodiscard]] base::Result<ports::CreateAnswer> Create(const ports::NewJob& job) override;
  [[nodiscard]] base::Result<std::optional<job::Job>> Get(const job::JobKey& key) override;
  [[nodiscard]] base::Result<ports::JobPage> List(const job::TenantId& tenant, const ports::JobFilter& filter) override;
  [[nodiscard]] base::Result<job::Job> Update(const job::JobKey& key, const job::JobState& next,
                                              const std::vector<ports::OutboxEvent>& events) override;
  [[nodiscard]] base::Result<ports::JobPage> Unfinished(std::string_view cursor, std::size_t limit) override;
  [[nodiscard]] base::Result<std::vector<ports::ExpiredJob>> Expired(
      base::TimePoint now, std::optional<std::chrono::seconds> default_retention, std::size_t limit) override;
  // Not one commit: it takes the job out of sight by one, then removes what it had. Broken off, the next Delete, or
  // Create of the same id, goes on with it; Expired names such a job until it is gone.
  [[nodiscard]] base::Status Delete(const job::JobKey& key, std::uint64_t version) override;

  [[nodiscard]] base::Status PutPage(const job::ManifestRef& manifest, job::Generation generation, std::uint32_t page,
                                     const std::vector<job::Segment>& segments) override;
  [[nodiscard]] base::Result<std::optional<std::vector<job::Segment>>> ReadPage(const job::ManifestRef& manifest,
                                                                                job::Generation generation,
                                                                                std::uint32_t page) override;

 private:
  // The earlier job that stands in the way of a new one, with the reason of a conflict.
  struct Earlier {
    StoredJob job;
    std::string reason;
  };
  [[nodiscard]] base::Result<std::optional<Earlier>> FindEarlier(const ports::NewJob& job);
  [[nodiscard]] std::vector<WriteAction> CreateActions(const ports::NewJob& job, const StoredJob& stored) const;
  [[nodiscard]] std::vector<WriteAction> UpdateActions(const StoredJob& before, const StoredJob& after) const;

  // One answer per partition key; nullopt: the job is gone, or going.
  [[nodiscard]] base::Result<std::vector<std::optional<StoredJob>>> Load(const std::vector<std::string>& partitions);
  [[nodiscard]] base::Status AddDue(const std::string& due_key, base::TimePoint until, std::size_t limit,
                                    std::vector<ports::ExpiredJob>& out);

  [[nodiscard]] base::Status Remove(const StoredJob& stored);  // a going job: everything
  [[nodiscard]] base::Result<bool> MarkGoing(const StoredJob& stored);
  [[nodiscard]] base::Status RemoveQueried(Query query);
  [[nodiscard]] base::Status RemoveTies(const job::JobKey& key);
  [[nodiscard]] base::Status RemoveRows(const StoredJob& stored);

  DynamoTable& table_;
  DynamoReferences& references_;
  const ports::StoreLimits limits_;
};

}  // namespace aws
