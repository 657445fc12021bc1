// ports::JobStore and ports::PlanStore on RocksDB.
#pragma once

#include "ports/job_store.h"
#include "store/committer.h"

namespace store {

class RocksJobs final : public ports::JobStore, public ports::PlanStore {
 public:
  RocksJobs(Database& database, Committer& committer) : database_(database), committer_(committer) {}

  [[nodiscard]] const ports::StoreLimits& limits() const override { return limits_; }
  [[nodiscard]] base::Result<ports::CreateAnswer> Create(const ports::NewJob& job) override;
  [[nodiscard]] base::Result<std::optional<job::Job>> Get(const job::JobKey& key) override;
  [[nodiscard]] base::Result<ports::JobPage> List(const job::TenantId& tenant, const ports::JobFilter& filter) override;
  [[nodiscard]] base::Result<job::Job> Update(const job::JobKey& key, const job::JobState& next,
                                              const std::vector<ports::OutboxEvent>& events) override;
  [[nodiscard]] base::Result<ports::JobPage> Unfinished(std::string_view cursor, std::size_t limit) override;
  [[nodiscard]] base::Result<std::vector<ports::ExpiredJob>> Expired(
      base::TimePoint now, std::optional<std::chrono::seconds> default_retention, std::size_t limit) override;
  [[nodiscard]] base::Status Delete(const job::JobKey& key, std::uint64_t version) override;

  [[nodiscard]] base::Status PutPage(const job::ManifestRef& manifest, job::Generation generation, std::uint32_t page,
                                     const std::vector<job::Segment>& segments) override;
  [[nodiscard]] base::Result<std::optional<std::vector<job::Segment>>> ReadPage(const job::ManifestRef& manifest,
                                                                                job::Generation generation,
                                                                                std::uint32_t page) override;

 private:
  [[nodiscard]] base::Status AddExpired(ExpiryKind kind, base::TimePoint until, std::size_t limit,
                                        std::vector<ports::ExpiredJob>& out);

  Database& database_;
  Committer& committer_;
  // One commit stays well below the committer's group size, so that nobody waits long behind it.
  const ports::StoreLimits limits_{
      .max_items_per_commit = 4096, .max_bytes_per_commit = 16U << 20U, .max_item_bytes = 4U << 20U};
};

// ---- steps on the committer's thread, shared with the other stores ---------------------------------------------

// The index entry that follows from a job's state: its place among the unfinished or the expiring.
[[nodiscard]] std::string PhaseIndexKey(const job::Job& job, Uid uid);
void PutEvents(Group& group, const std::vector<ports::OutboxEvent>& events);
// A job's references to artifacts, the first description kept. Fails before changing anything.
[[nodiscard]] base::Result<std::vector<job::Artifact>> NewReferences(Group& group, const HotJob& hot,
                                                                     const std::vector<job::Artifact>& artifacts);
void PutReferences(Group& group, const HotJob& hot, const std::vector<job::Artifact>& artifacts);
// Everything of a job, out of every table. In a group of its own.
[[nodiscard]] base::Status RemoveJob(Turn turn, const job::JobKey& key);

}  // namespace store
