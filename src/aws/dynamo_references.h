// ports::ReferenceStore and ports::ReuseIndex on DynamoDB.
#pragma once

#include <chrono>

#include "aws/dynamo_rows.h"
#include "ports/job_store.h"

namespace aws {

// What outcomes or reducer results name.
struct Named {
  struct Reuse {
    base::Sha256 key{};
    job::Generation generation = 1;
    job::Position position = 0;
  };
  std::vector<job::Artifact> artifacts;
  std::vector<Reuse> reuse;
};

class DynamoReferences final : public ports::ReferenceStore, public ports::ReuseIndex {
 public:
  DynamoReferences(DynamoTable& table, std::chrono::seconds upload_grace)
      : table_(table), upload_grace_(upload_grace) {}

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

  // Before the commit that names them: the other way round a crash would leave bytes that nobody holds. What the job
  // will leave behind is noted first, so that its deletion finds everything. A job's first description of an artifact
  // stays, a reuse key's last outcome counts.
  [[nodiscard]] base::Status Add(const job::TenantId& tenant, const JobUid& uid, const Named& named);
  // Everything that was added for the job.
  [[nodiscard]] base::Status Remove(const job::TenantId& tenant, const JobUid& uid);

 private:
  [[nodiscard]] base::Result<bool> IsTied(const job::TenantId& tenant, const base::Sha256& sha256);
  [[nodiscard]] base::Status RemoveBatch(const JobUid& uid, std::vector<Item> left, const std::vector<Item>& reuse);

  DynamoTable& table_;
  const std::chrono::seconds upload_grace_;
};

// The two rows of a tie: first the one that is found by the upload, then the job's.
[[nodiscard]] std::vector<Item> TieItems(const job::JobKey& key, const base::Sha256& sha256);

}  // namespace aws
