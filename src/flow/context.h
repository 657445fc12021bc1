// What every verb of the flow works on: the ports of one home. Built once by apps/, passed by reference, outlives the
// verbs.
#pragma once

#include "base/clock.h"
#include "base/random.h"
#include "job/limits.h"
#include "ports/blob_store.h"
#include "ports/job_store.h"
#include "ports/notifier.h"
#include "ports/processor.h"
#include "ports/quarantine.h"
#include "ports/reducer.h"

namespace flow {

struct Context {
  ports::JobStore& jobs;
  ports::PlanStore& plans;
  ports::OutcomeStore& outcomes;
  ports::ReferenceStore& references;
  ports::ReuseIndex& reuse;
  ports::QuarantineStore& quarantine;
  ports::Outbox& outbox;
  ports::BlobStore& blobs;
  const ports::OperationCatalog& catalog;
  const ports::ReducerRegistry& reducers;
  ports::Notifier& notifier;
  const base::Clock& clock;
  base::Random& random;
  job::Limits limits;
};

// Whoever runs jobs in this home: told of a job after the commit that made it runnable (locally the dispatcher, on AWS
// the input queue). Thread-safe; quick.
class Starter {
 public:
  virtual ~Starter() = default;
  virtual void Runnable(const job::Job& job) = 0;  // accepted, validated, retried or recovered
  // Cancelled: stop its work, up to and with this generation (a retry may have opened the next one already).
  virtual void Withdrawn(const job::JobKey& key, job::Generation generation) = 0;
  // A commit about this job was answered with kUnavailable, and may have been made nevertheless: looks at the job until
  // it can be read, then takes it up or drops it.
  virtual void Doubtful(const job::JobKey& key) = 0;
  // Toons accepted and not ended yet: of everybody, and of one tenant; and the tenant's jobs. For quotas.
  struct Backlog {
    std::uint64_t toons = 0;
    std::uint64_t tenant_toons = 0;
    std::uint64_t tenant_jobs = 0;
  };
  [[nodiscard]] virtual Backlog BacklogOf(const job::TenantId& tenant) const = 0;
};

}  // namespace flow
