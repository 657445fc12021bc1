#include "store/store.h"

#include "store/committer.h"
#include "store/database.h"
#include "store/jobs.h"
#include "store/outcomes.h"
#include "store/quarantine.h"
#include "store/references.h"

namespace store {

struct RocksStore::Parts {
  Parts(std::unique_ptr<Database> opened, const Options& given)
      : options(given),
        database(std::move(opened)),
        committer(*database, options),
        jobs(*database, committer),
        outcomes(*database, committer, *options.merger, jobs.limits()),
        references(*database, committer, options.upload_grace),
        quarantine(*database, committer),
        outbox(*database, committer) {}

  const Options options;
  std::unique_ptr<Database> database;
  Committer committer;
  RocksJobs jobs;
  RocksOutcomes outcomes;
  RocksReferences references;
  RocksQuarantine quarantine;
  RocksOutbox outbox;

  [[nodiscard]] base::Status Start() { return committer.Start(); }
};

RocksStore::RocksStore(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
RocksStore::~RocksStore() = default;

ports::JobStore& RocksStore::jobs() {
  return parts_->jobs;
}
ports::PlanStore& RocksStore::plans() {
  return parts_->jobs;
}
ports::OutcomeStore& RocksStore::outcomes() {
  return parts_->outcomes;
}
ports::ReferenceStore& RocksStore::references() {
  return parts_->references;
}
ports::ReuseIndex& RocksStore::reuse() {
  return parts_->references;
}
ports::QuarantineStore& RocksStore::quarantine() {
  return parts_->quarantine;
}
ports::Outbox& RocksStore::outbox() {
  return parts_->outbox;
}
RocksStore::Stats RocksStore::stats() const {
  return parts_->committer.stats();
}

base::Status RocksStore::Checkpoint(const std::string& dir) {
  return parts_->database->Checkpoint(dir);
}

base::Result<std::unique_ptr<FolderHold>> HoldFolder(const std::string& dir) {
  struct Held final : FolderHold {
    explicit Held(FolderLock taken) : lock(std::move(taken)) {}
    FolderLock lock;
  };
  UT_TRY_ASSIGN(FolderLock lock, FolderLock::Take(dir, nullptr));
  return std::make_unique<Held>(std::move(lock));
}

base::Result<std::unique_ptr<RocksStore>> Open(const std::string& dir, const Options& options) {
  if (options.merger == nullptr) return base::Fail(base::Code::kInternal, "the job store needs a partial merger");
  UT_TRY_ASSIGN(auto database, Database::Open(dir, options));
  auto parts = std::make_unique<RocksStore::Parts>(std::move(database), options);
  UT_TRY(parts->Start());
  return std::unique_ptr<RocksStore>(new RocksStore(std::move(parts)));
}

}  // namespace store
