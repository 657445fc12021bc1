// The local home: every adapter of this machine put together around the flow.
//
//   DIR/db      RocksDB: jobs, plans, outcomes, references      DIR/blobs   manifests, uploads, artifacts
//   DIR/keys    the issuer's key and the URL secret (0600)
//   DIR/url     where it serves      DIR/pictures   of the database, while backups are made
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "announcer.h"
#include "api/api.h"
#include "auth/auth.h"
#include "config/config.h"
#include "flow/background.h"
#include "flow/backup.h"
#include "flow/collect.h"
#include "flow/custom.h"
#include "flow/fan_out.h"
#include "http/server.h"
#include "local/memory_ledger.h"
#include "local/metrics.h"
#include "local/verified_files.h"
#include "local/worker_pool.h"
#include "store/store.h"

class LocalHome {
 public:
  // Serving, with every unfinished job taken up again, when it returns. Errors as of the parts.
  [[nodiscard]] static base::Result<std::unique_ptr<LocalHome>> Open(const config::Config& settings,
                                                                     const base::Clock& clock, base::Random& random);
  ~LocalHome();
  LocalHome(const LocalHome&) = delete;
  LocalHome& operator=(const LocalHome&) = delete;

  [[nodiscard]] std::string url() const;
  // Takes no more requests, lets requests and chunks in flight end for a while, stops the workers. What was not done is
  // taken up at the next start.
  void Drain();

 private:
  LocalHome(const config::Config& settings, const base::Clock& clock, base::Random& random);
  [[nodiscard]] base::Status OpenStores();
  [[nodiscard]] base::Status OpenAuth();
  [[nodiscard]] base::Status OpenFlow();
  [[nodiscard]] base::Status OpenApi();
  [[nodiscard]] base::Status OpenMemory();
  [[nodiscard]] base::Status OpenWorkers();
  [[nodiscard]] local::WorkerSpec CustomSpec(const config::CustomProcessor& processor);
  [[nodiscard]] std::string BlobUrl(const std::string& path) const;
  void WatchFigures();
  void WatchMemory();
  void CollectLater();

  const config::Config settings_;
  const base::Clock& clock_;
  base::Random& random_;
  int workers_ = 1;

  // In the order they are built; destroyed in reverse.
  std::unique_ptr<ports::OperationCatalog> catalog_;
  std::unique_ptr<ports::ReducerRegistry> reducers_;
  std::unique_ptr<ports::PartialMerger> merger_;
  std::unique_ptr<ports::BlobStore> blobs_;
  std::unique_ptr<local::VerifiedFiles> files_;
  std::unique_ptr<store::RocksStore> store_;
  local::JobFeed feed_;
  local::PrometheusMetrics metrics_;
  Announcer announcer_{feed_};
  std::unique_ptr<auth::LocalIssuer> issuer_;
  std::unique_ptr<auth::Verifier> verifier_;
  std::unique_ptr<api::Authenticator> authenticator_;
  std::unique_ptr<local::WebhookSender> webhooks_;
  std::unique_ptr<flow::Context> context_;
  std::map<job::ToonType, std::string, std::less<>> versions_;  // of processors, for reuse
  std::unique_ptr<flow::FanOut> fan_out_;
  std::unique_ptr<flow::Submit> submit_;
  std::unique_ptr<flow::Query> query_;
  std::unique_ptr<flow::Control> control_;
  std::unique_ptr<flow::Upload> upload_;
  std::unique_ptr<flow::Collect> collect_;
  std::unique_ptr<flow::Backup> backup_;
  std::unique_ptr<flow::CustomWork> custom_;
  std::unique_ptr<api::Api> api_;
  std::unique_ptr<http::Server> server_;
  std::unique_ptr<http::Server> inner_server_;   // plain, loopback: signed URLs of custom processors
  std::unique_ptr<local::MemoryLedger> memory_;  // nullptr: nobody counts
  std::unique_ptr<local::WorkerPool> pool_;
  std::unique_ptr<flow::Background> housekeeping_;
};
