// All the stores of ports/job_store.h in memory, as strict as DynamoDB: a commit over its limits fails with kInternal,
// so that a flow which does not slice is found out. Thread-safe.
#pragma once

#include <compare>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fakes/faults.h"
#include "ports/job_store.h"
#include "ports/quarantine.h"

namespace fakes {

class FakeStore final : public ports::JobStore,
                        public ports::PlanStore,
                        public ports::OutcomeStore,
                        public ports::ReferenceStore,
                        public ports::ReuseIndex,
                        public ports::QuarantineStore,
                        public ports::Outbox {
 public:
  // `merger` outlives the store.
  explicit FakeStore(const ports::PartialMerger& merger) : merger_(merger) {}

  [[nodiscard]] ports::JobStore& jobs() { return *this; }
  [[nodiscard]] ports::PlanStore& plans() { return *this; }
  [[nodiscard]] ports::OutcomeStore& outcomes() { return *this; }
  [[nodiscard]] ports::ReferenceStore& references() { return *this; }
  [[nodiscard]] ports::ReuseIndex& reuse() { return *this; }
  [[nodiscard]] ports::QuarantineStore& quarantine() { return *this; }
  [[nodiscard]] ports::Outbox& outbox() { return *this; }

  // ---- knobs -------------------------------------------------------------------------------------------------
  Fault commit_fault;   // every write: kUnavailable, nothing written
  Fault lost_answer;    // every write: written, but the caller is told kUnavailable
  Fault version_fault;  // Update: kConflict "version-changed" although nobody changed it
  Fault read_fault;     // every read: kUnavailable
  // Called between two rows of Read, Recorded and Retries without any lock held: a test commits something there and
  // sees that several rows are no snapshot.
  void BetweenRows(std::function<void()> hook);
  [[nodiscard]] std::size_t commits() const;  // writes that took effect

  // ---- ports::JobStore ---------------------------------------------------------------------------------------
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
  // ---- ports::PlanStore --------------------------------------------------------------------------------------
  [[nodiscard]] base::Status PutPage(const job::ManifestRef& manifest, job::Generation generation, std::uint32_t page,
                                     const std::vector<job::Segment>& segments) override;
  [[nodiscard]] base::Result<std::optional<std::vector<job::Segment>>> ReadPage(const job::ManifestRef& manifest,
                                                                                job::Generation generation,
                                                                                std::uint32_t page) override;
  // ---- ports::OutcomeStore -----------------------------------------------------------------------------------
  [[nodiscard]] base::Result<ports::RecordAnswer> Record(const ports::RecordCommit& commit) override;
  [[nodiscard]] base::Result<std::vector<ports::OutcomeRow>> Read(const job::JobKey& key, job::Generation generation,
                                                                  job::Position from, std::size_t limit,
                                                                  std::size_t max_bytes) override;
  [[nodiscard]] base::Result<std::vector<bool>> Recorded(const job::JobKey& key, job::Generation generation,
                                                         job::Position first, std::uint32_t count) override;
  [[nodiscard]] base::Result<std::vector<job::RetryNote>> Retries(const job::JobKey& key, job::Generation generation,
                                                                  job::Position from, std::size_t limit) override;
  [[nodiscard]] base::Result<std::vector<ports::Partial>> Aggregates(const job::JobKey& key) override;
  // ---- ports::ReferenceStore ---------------------------------------------------------------------------------
  [[nodiscard]] base::Status PutUpload(const ports::UploadRecord& upload) override;
  [[nodiscard]] base::Result<std::optional<ports::UploadRecord>> GetUpload(const job::TenantId& tenant,
                                                                           const base::Sha256& sha256) override;
  [[nodiscard]] base::Result<std::optional<job::Artifact>> FindArtifact(const job::TenantId& tenant,
                                                                        const base::Sha256& sha256) override;
  [[nodiscard]] base::Result<bool> IsReferenced(const job::TenantId& tenant, const base::Sha256& sha256,
                                                base::TimePoint now) override;
  [[nodiscard]] base::Status TieUploads(const job::JobKey& key, const std::vector<base::Sha256>& uploads) override;
  // ---- ports::ReuseIndex -------------------------------------------------------------------------------------
  [[nodiscard]] base::Result<std::vector<std::optional<job::Outcome>>> Find(
      const job::TenantId& tenant, const std::vector<base::Sha256>& keys) override;
  // ---- ports::QuarantineStore --------------------------------------------------------------------------------
  [[nodiscard]] base::Result<bool> Any(const job::TenantId& tenant, std::string_view work_class) override;
  [[nodiscard]] base::Result<std::vector<std::optional<job::Quarantined>>> Find(
      const job::TenantId& tenant, const std::vector<job::QuarantineKey>& keys) override;
  [[nodiscard]] base::Result<ports::QuarantinePage> List(const job::TenantId& tenant,
                                                         const std::optional<job::QuarantineKey>& after,
                                                         std::size_t limit) override;
  [[nodiscard]] base::Result<std::size_t> Release(const job::TenantId& tenant, const base::Sha256& sha256) override;
  // ---- ports::Outbox -----------------------------------------------------------------------------------------
  [[nodiscard]] base::Result<std::vector<ports::OutboxEvent>> Pending(std::string_view after_id,
                                                                      std::size_t limit) override;
  [[nodiscard]] base::Status Done(std::string_view id) override;

 private:
  using GenerationAndPosition = std::pair<job::Generation, job::Position>;
  using TenantAndHash = std::pair<job::TenantId, base::Sha256>;
  struct Stored {
    job::Job job;
    std::optional<std::string> idempotency_key;
    std::map<GenerationAndPosition, ports::OutcomeRow> outcomes;
    std::map<GenerationAndPosition, job::RetryNote> retries;
    std::map<std::string, std::string> aggregates;
  };
  struct ReuseEntry {
    job::JobKey key;
    GenerationAndPosition place;
  };

  // Adds up a commit and refuses what DynamoDB refuses.
  class Bill;

  void AddReferencesLocked(const job::JobKey& key, const std::vector<job::Artifact>& artifacts);
  [[nodiscard]] std::uint64_t AddQuarantinedLocked(const ports::RecordCommit& commit);
  void AddEventsLocked(const std::vector<ports::OutboxEvent>& events);
  [[nodiscard]] base::Status AddOutcomeLocked(Stored& stored, job::Generation generation, const ports::OutcomeRow& row);
  [[nodiscard]] base::Result<std::map<std::string, std::string>> MergeLocked(
      const Stored& stored, const std::vector<ports::Partial>& partials) const;
  [[nodiscard]] base::Status Committed();  // counts, and loses the answer if told so
  [[nodiscard]] base::Result<ports::RecordAnswer> RecordLocked(Stored& stored, const ports::RecordCommit& commit);
  void CallHook();

  const ports::PartialMerger& merger_;
  const ports::StoreLimits limits_;
  mutable std::mutex mutex_;  // guards everything below
  std::function<void()> hook_;
  std::size_t commits_ = 0;
  std::uint64_t sequence_ = 0;
  std::map<job::JobKey, Stored> jobs_;
  std::map<std::pair<job::TenantId, std::string>, job::JobKey> idempotency_;
  std::map<std::tuple<std::string, job::Generation, std::uint32_t>, std::vector<job::Segment>> pages_;
  std::map<TenantAndHash, std::vector<std::pair<job::JobKey, job::Artifact>>> references_;
  std::map<TenantAndHash, ports::UploadRecord> uploads_;
  std::map<TenantAndHash, std::vector<job::JobKey>> ties_;
  std::map<TenantAndHash, ReuseEntry> reuse_;
  std::map<job::TenantId, std::map<job::QuarantineKey, job::Quarantined>> quarantine_;
  std::map<std::string, ports::OutboxEvent, std::less<>> outbox_;
};

}  // namespace fakes
