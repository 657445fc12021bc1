// ports::ReferenceStore, ports::ReuseIndex and ports::Outbox on RocksDB.
#pragma once

#include <chrono>

#include "ports/job_store.h"
#include "store/committer.h"

namespace store {

class RocksReferences final : public ports::ReferenceStore, public ports::ReuseIndex {
 public:
  RocksReferences(Database& database, Committer& committer, std::chrono::seconds upload_grace)
      : database_(database), committer_(committer), upload_grace_(upload_grace) {}

  [[nodiscard]] base::Status PutUpload(const ports::UploadRecord& upload) override;
  [[nodiscard]] base::Result<std::optional<ports::UploadRecord>> GetUpload(const job::TenantId& tenant,
                                                                           const base::Sha256& sha256) override;
  [[nodiscard]] base::Result<std::optional<job::Artifact>> FindArtifact(const job::TenantId& tenant,
                                                                        const base::Sha256& sha256) override;
  [[nodiscard]] base::Result<bool> IsReferenced(const job::TenantId& tenant, const base::Sha256& sha256,
                                                base::TimePoint now) override;
  [[nodiscard]] base::Status TieUploads(const job::JobKey& key, const std::vector<base::Sha256>& uploads) override;

  [[nodiscard]] base::Result<std::vector<std::optional<job::Outcome>>> Find(
      const job::TenantId& tenant, const std::vector<base::Sha256>& keys) override;

 private:
  [[nodiscard]] base::Result<bool> IsTied(const job::TenantId& tenant, const base::Sha256& sha256);
  [[nodiscard]] base::Result<std::optional<job::Outcome>> FindOne(const job::TenantId& tenant, const base::Sha256& key);

  Database& database_;
  Committer& committer_;
  const std::chrono::seconds upload_grace_;
};

class RocksOutbox final : public ports::Outbox {
 public:
  RocksOutbox(Database& database, Committer& committer) : database_(database), committer_(committer) {}
  [[nodiscard]] base::Result<std::vector<ports::OutboxEvent>> Pending(std::string_view after_id,
                                                                      std::size_t limit) override;
  [[nodiscard]] base::Status Done(std::string_view id) override;

 private:
  Database& database_;
  Committer& committer_;
};

}  // namespace store
