// All the stores of ports/job_store.h and ports/quarantine.h in one DynamoDB table (docs/formats/dynamodb.md), whose
// keys and indexes are those of deploy/cloudformation/data.yaml.
//
// A commit is one transaction under conditions, so that a request that reaches the service twice does not count twice;
// reads that follow a write are consistent, those through indexes are not (see dynamo_jobs.h). Thread-safe; blocks.
// Errors as in ports/job_store.h. Nothing is kept in memory: any number of processes share a table.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "aws/call.h"
#include "ports/job_store.h"
#include "ports/quarantine.h"

namespace aws {

struct DynamoStoreOptions {
  std::string table;
  std::chrono::seconds upload_grace = std::chrono::hours(24);  // how long past its expiry an upload is kept
};

class DynamoStore {
 public:
  // All of them outlive the store.
  struct Parts {
    Caller& caller;
    base::Random& random;
    const base::Clock& clock;
    Pause& pause;
    const ports::PartialMerger& merger;
  };
  DynamoStore(const Parts& parts, const DynamoStoreOptions& options);
  ~DynamoStore();
  DynamoStore(const DynamoStore&) = delete;
  DynamoStore& operator=(const DynamoStore&) = delete;

  [[nodiscard]] ports::JobStore& jobs();
  [[nodiscard]] ports::PlanStore& plans();
  [[nodiscard]] ports::OutcomeStore& outcomes();
  [[nodiscard]] ports::ReferenceStore& references();
  [[nodiscard]] ports::ReuseIndex& reuse();
  [[nodiscard]] ports::QuarantineStore& quarantine();
  [[nodiscard]] ports::Outbox& outbox();

 private:
  struct Stores;
  std::unique_ptr<Stores> stores_;
};

}  // namespace aws
