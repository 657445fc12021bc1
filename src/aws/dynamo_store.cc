#include "aws/dynamo_store.h"

#include "aws/dynamo_jobs.h"
#include "aws/dynamo_outbox.h"
#include "aws/dynamo_outcomes.h"
#include "aws/dynamo_quarantine.h"
#include "aws/dynamo_references.h"

namespace aws {

struct DynamoStore::Stores {
  Stores(const Parts& parts, const DynamoStoreOptions& options)
      : table({.caller = parts.caller, .random = parts.random, .clock = parts.clock, .pause = parts.pause},
              options.table),
        references(table, options.upload_grace),
        quarantine(table),
        jobs(table, references),
        outcomes({.table = table, .references = references, .quarantine = quarantine, .merger = parts.merger}),
        outbox(table) {}
  DynamoTable table;
  DynamoReferences references;
  DynamoQuarantine quarantine;
  DynamoJobs jobs;
  DynamoOutcomes outcomes;
  DynamoOutbox outbox;
};

DynamoStore::DynamoStore(const Parts& parts, const DynamoStoreOptions& options)
    : stores_(std::make_unique<Stores>(parts, options)) {}
DynamoStore::~DynamoStore() = default;

ports::JobStore& DynamoStore::jobs() {
  return stores_->jobs;
}
ports::PlanStore& DynamoStore::plans() {
  return stores_->jobs;
}
ports::OutcomeStore& DynamoStore::outcomes() {
  return stores_->outcomes;
}
ports::ReferenceStore& DynamoStore::references() {
  return stores_->references;
}
ports::ReuseIndex& DynamoStore::reuse() {
  return stores_->references;
}
ports::QuarantineStore& DynamoStore::quarantine() {
  return stores_->quarantine;
}
ports::Outbox& DynamoStore::outbox() {
  return stores_->outbox;
}

}  // namespace aws
