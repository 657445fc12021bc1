#include "local_home.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <system_error>
#include <thread>
#include <utility>

#include "api/blob_urls.h"
#include "backup.h"
#include "base/folder.h"
#include "base/log.h"
#include "base/sanitizer.h"
#include "http/client.h"
#include "http/descriptors.h"
#include "local/child_process.h"
#include "local/file_blobs.h"
#include "memory_budget.h"
#include "processors/catalog.h"
#include "reducers/registry.h"
#include "wire/strict_json.h"
#include "worker_tool.h"

namespace {

constexpr std::chrono::seconds kDrainRequests{5};
constexpr std::chrono::seconds kDrainChunks{10};
constexpr std::chrono::minutes kCollectEvery{10};
constexpr std::size_t kInnerConnections = 1024;  // custom processors' workers, one or two each

base::Status MakeFolder(const std::string& path) {
  UT_TRY(base::MakeDurableFolder(path, base::Parents::kMade));
  if (::chmod(path.c_str(), 0700) != 0) return base::FailErrno(fmt::format("chmod {}", path), errno);
  return {};
}

base::Result<std::map<job::ToonType, std::string, std::less<>>> ReadVersions(const std::string& text) {
  const auto fail = [] {
    return base::Fail(base::Code::kUnavailable, "ubertoons-worker --versions answers something else than versions");
  };
  wire::StrictParser parser;
  const auto element = parser.Parse(text);
  wire::Object object;
  if (!element || element->get(object) != simdjson::SUCCESS) return fail();
  std::map<job::ToonType, std::string, std::less<>> versions;
  for (const auto field : object) {
    std::string_view version;
    if (field.value.get(version) != simdjson::SUCCESS) return fail();
    versions.emplace(field.key, version);
  }
  return versions;
}

auth::JwksSource FetchJwks(std::string url) {
  return [url = std::move(url)]() -> base::Result<std::string> {
    http::Client client;
    UT_TRY_ASSIGN(http::ClientResponse response,
                  client.Send({.url = url, .timeout = std::chrono::seconds(10), .max_response_bytes = 1U << 20U}));
    if (response.status != 200) {
      return base::Fail(base::Code::kUnavailable, fmt::format("{} answered {}", url, response.status));
    }
    return std::move(response.body);
  };
}

http::ServerOptions ApiServerOptions(const config::Config& settings) {
  const config::HttpSettings& http = settings.http;
  http::ServerOptions options{.address = settings.listen_host,
                              .port = settings.listen_port,
                              .tls_cert_file = settings.tls_cert,
                              .tls_key_file = settings.tls_key,
                              .max_connections = http.max_connections,
                              .max_connections_per_address = http.max_connections_per_address,
                              .max_transfer_bytes = http.max_transfer_bytes,
                              .header_timeout = http.header_timeout,
                              .idle_timeout = http.idle_timeout,
                              .body_timeout = http.body_timeout,
                              .min_body_rate = http.min_body_rate};
  const std::size_t descriptors = http::RaiseDescriptorLimit();
  http::FitDescriptors(descriptors, options);
  base::LogInfo("http-limits", {{"openFiles", descriptors},
                                {"connections", options.max_connections},
                                {"transferBytes", options.max_transfer_bytes}});
  return options;
}

}  // namespace

base::Result<std::unique_ptr<LocalHome>> LocalHome::Open(const config::Config& settings, const base::Clock& clock,
                                                         base::Random& random) {
  std::unique_ptr<LocalHome> home(new LocalHome(settings, clock, random));
  UT_TRY(home->OpenStores());
  UT_TRY(home->OpenAuth());
  UT_TRY(home->OpenFlow());
  UT_TRY(home->OpenApi());
  UT_TRY(home->OpenMemory());
  UT_TRY(home->OpenWorkers());
  home->WatchFigures();
  home->WatchMemory();
  home->server_->Start();
  if (home->inner_server_) home->inner_server_->Start();
  return home;
}

LocalHome::LocalHome(const config::Config& settings, const base::Clock& clock, base::Random& random)
    : settings_(settings), clock_(clock), random_(random) {
  workers_ = settings_.max_workers > 0 ? settings_.max_workers
                                       : static_cast<int>(std::max(1U, std::thread::hardware_concurrency()) + 1);
}

LocalHome::~LocalHome() {
  Drain();
}

std::string LocalHome::url() const {
  const bool v6 = settings_.listen_host.find(':') != std::string::npos;
  return fmt::format("{}://{}:{}", settings_.tls_cert.empty() ? "http" : "https",
                     v6 ? fmt::format("[{}]", settings_.listen_host) : settings_.listen_host, server_->port());
}

base::Status LocalHome::OpenStores() {
  UT_TRY(RefuseFolder(settings_.data_dir));
  UT_TRY(MakeFolder(settings_.data_dir));
  UT_TRY(MakeFolder(settings_.data_dir + "/blobs"));
  UT_TRY(MakeFolder(settings_.data_dir + "/keys"));
  std::vector<std::string> custom;
  for (const config::CustomProcessor& processor : settings_.processors) custom.push_back(processor.type);
  catalog_ = processors::NewCatalog(std::move(custom));
  reducers_ = reducers::NewReducers();
  merger_ = reducers::NewMerger(*reducers_);
  UT_TRY_ASSIGN(store_, store::Open(settings_.data_dir + "/db", {.merger = merger_.get()}));
  UT_TRY_ASSIGN(blobs_, local::OpenFileBlobs(settings_.data_dir + "/blobs"));
  files_ = std::make_unique<local::VerifiedFiles>(settings_.data_dir + "/blobs");
  return {};
}

base::Status LocalHome::OpenAuth() {
  UT_TRY_ASSIGN(issuer_, auth::LocalIssuer::Open(settings_.data_dir + "/keys"));
  auth::VerifierOptions options{.issuer = settings_.issuer,
                                .audiences = settings_.audiences,
                                .tenant_claim = settings_.tenant_claim,
                                .roles_claim = settings_.roles_claim};
  if (settings_.issuer.empty()) {
    options.issuer = issuer_->issuer();
    verifier_ = auth::NewVerifier(
        std::move(options), [this]() -> base::Result<std::string> { return issuer_->Jwks(); }, clock_);
  } else {
    const std::string url =
        settings_.jwks_url.empty() ? settings_.issuer + "/.well-known/jwks.json" : settings_.jwks_url;
    verifier_ = auth::NewVerifier(std::move(options), FetchJwks(url), clock_);
  }
  authenticator_ = api::NewBearerAuthenticator(*verifier_);
  return {};
}

base::Status LocalHome::OpenFlow() {
  context_ = std::make_unique<flow::Context>(flow::Context{.jobs = store_->jobs(),
                                                           .plans = store_->plans(),
                                                           .outcomes = store_->outcomes(),
                                                           .references = store_->references(),
                                                           .reuse = store_->reuse(),
                                                           .quarantine = store_->quarantine(),
                                                           .outbox = store_->outbox(),
                                                           .blobs = *blobs_,
                                                           .catalog = *catalog_,
                                                           .reducers = *reducers_,
                                                           .notifier = announcer_,
                                                           .clock = clock_,
                                                           .random = random_,
                                                           .limits = settings_.limits});
  UT_TRY_ASSIGN(const std::string answer,
                AskWorker(WorkerPath(settings_), "--versions", ExecutorEnvironment(settings_)));
  UT_TRY_ASSIGN(versions_, ReadVersions(answer));
  flow::FanOutOptions options{.max_workers = static_cast<std::size_t>(workers_),
                              .chunk_timeout = settings_.chunk_timeout};
  // An executor's own timer names the toon; the chunk's must never come first.
  const job::Limits& limits = settings_.limits;
  const auto chunk_of = [&](std::uint32_t toons, std::uint64_t wall_seconds) {
    const std::chrono::seconds all(toons * wall_seconds);
    return std::max<std::chrono::milliseconds>(settings_.chunk_timeout, all + 2 * job::kExecutorStart);
  };
  options.timeouts["image"] = chunk_of(job::kMaxSegmentToonsImage, limits.max_image_wall_seconds);
  options.timeouts["media"] = chunk_of(job::kMaxSegmentToonsMedia, limits.max_media_wall_seconds);
  for (const config::CustomProcessor& processor : settings_.processors) {
    versions_[processor.type] = processor.version;
    options.per_toon_classes.push_back(processor.type);
    options.timeouts[processor.type] = processor.timeout;
  }
  options.processor_versions = versions_;
  std::vector<local::Webhook> hooks;
  for (const config::Webhook& hook : settings_.webhooks) hooks.push_back({hook.url, hook.secret, hook.events});
  webhooks_ = std::make_unique<local::WebhookSender>(store_->outbox(), std::move(hooks), local::WebhookOptions{},
                                                     clock_, random_);
  announcer_.SetSender(webhooks_.get());
  fan_out_ = std::make_unique<flow::FanOut>(*context_, metrics_, std::move(options));
  submit_ = std::make_unique<flow::Submit>(*context_, *fan_out_);
  query_ = std::make_unique<flow::Query>(*context_);
  control_ = std::make_unique<flow::Control>(*context_, *fan_out_);
  upload_ = std::make_unique<flow::Upload>(*context_);
  collect_ = std::make_unique<flow::Collect>(*context_, settings_.retention);
  const std::string pictures = settings_.data_dir + "/pictures";
  const auto remove = [pictures](const std::string& id) {
    std::error_code ignored;
    std::filesystem::remove_all(fmt::format("{}/{}", pictures, id), ignored);
  };
  remove("");  // of backups that a crash cut off
  UT_TRY(MakeFolder(pictures));
  backup_ = std::make_unique<flow::Backup>(
      *collect_, clock_, random_,
      flow::Backup::Pictures{
          .make = [this,
                   pictures](const std::string& id) { return store_->Checkpoint(fmt::format("{}/{}", pictures, id)); },
          .remove = remove});
  return {};
}

base::Status LocalHome::OpenApi() {
  api_ = std::make_unique<api::Api>(api::Services{
      .submit = *submit_,
      .query = *query_,
      .control = *control_,
      .upload = *upload_,
      .feed = feed_,
      .blobs = *blobs_,
      .authenticator = *authenticator_,
      .clock = clock_,
      .random = random_,
      .limits = settings_.limits,
      .upload_ttl = settings_.upload_ttl,
      .url_secret = issuer_->url_secret(),
      .public_url = settings_.public_url,
      .blob_file = [this](std::string_view key) { return files_->Find(key); },
      .ready = [] { return base::Status{}; },
      .metrics = [this] { return metrics_.Render(); },
      .backup = backup_.get(),
      .jwks = settings_.issuer.empty() ? std::function<std::string()>([this] { return issuer_->Jwks(); }) : nullptr});
  UT_TRY_ASSIGN(server_, http::Server::Listen(ApiServerOptions(settings_), *api_));
  // It outlives the outer server in a drain, and is plain and on loopback whatever that one is.
  if (!settings_.processors.empty()) {
    UT_TRY_ASSIGN(inner_server_,
                  http::Server::Listen({.blocking_threads = 2, .max_connections = kInnerConnections}, *api_));
  }
  return {};
}

std::string LocalHome::BlobUrl(const std::string& path) const {
  return fmt::format("http://127.0.0.1:{}{}", inner_server_->port(), path);
}

base::Status LocalHome::OpenMemory() {
  const MemoryBudget budget = BudgetOf(settings_);
  if (budget.bytes == 0) {
    base::LogWarn("memory-budget-off", {{"why", budget.source}});
    return {};
  }
  UT_TRY_ASSIGN(memory_, local::MemoryLedger::Create(budget.bytes));
  base::LogInfo("memory-budget", {{"bytes", budget.bytes}, {"source", budget.source}});
  return {};
}

base::Status LocalHome::OpenWorkers() {
  const auto expires = [this] { return clock_.Now() + std::chrono::hours(1); };
  const std::string secret = issuer_->url_secret();
  const std::uint64_t most = settings_.limits.max_referenced_bytes;
  custom_ = std::make_unique<flow::CustomWork>(
      *blobs_, *reducers_, clock_, random_,
      flow::BlobUrls{.get =
                         [=, this](const job::TenantId& tenant, const base::Sha256& sha256) {
                           return BlobUrl(api::ContentReadPath(tenant, sha256, expires(), secret));
                         },
                     .put =
                         [=, this](const job::TenantId& tenant) {
                           return BlobUrl(api::ContentStorePath(tenant, most, expires(), secret));
                         }},
      versions_);
  std::vector<local::WorkerSpec> specs;
  std::map<std::string, std::string> environment = ExecutorEnvironment(settings_);
  environment["UBERTOONS_BLOBS"] = std::filesystem::absolute(settings_.data_dir + "/blobs").string();
  environment["UBERTOONS_MEMORY_LEDGER"] = memory_ ? std::to_string(local::kGivenDescriptor) : "off";
  specs.push_back({.name = "builtin",
                   .classes = {"data", "image", "media"},
                   .command = {WorkerPath(settings_)},
                   .environment = std::move(environment),
                   .descriptor = memory_ ? memory_->descriptor() : -1,
                   .max_workers = workers_,
                   .max_rss_mb = settings_.worker_max_rss_mb * base::kMemoryFactor});
  for (const config::CustomProcessor& processor : settings_.processors) specs.push_back(CustomSpec(processor));
  UT_TRY(fan_out_->Recover());
  UT_TRY_ASSIGN(pool_, local::WorkerPool::Start(*fan_out_, std::move(specs),
                                                {.idle = settings_.worker_idle,
                                                 .max_age = settings_.worker_max_age,
                                                 .deadline = settings_.chunk_timeout},
                                                clock_, random_));
  fan_out_->Start();  // after the pool: it has told the fan-out whom to wake
  housekeeping_ = std::make_unique<flow::Background>(clock_);
  CollectLater();
  housekeeping_->Start();
  return {};
}

local::WorkerSpec LocalHome::CustomSpec(const config::CustomProcessor& processor) {
  return {.name = processor.type,
          .classes = {processor.type},
          .command = processor.command,
          .environment = processor.environment,
          .handler = processor.handler,
          .max_workers = processor.max_workers,
          .max_rss_mb = processor.memory_mb,
          .encode = [this](const ports::WorkSource::Lease& lease) { return custom_->Encode(lease.chunk); },
          .decode =
              [this](const ports::WorkSource::Lease& lease, const std::string& body) {
                const auto taken = std::chrono::duration_cast<std::chrono::microseconds>(clock_.Steady() - lease.taken);
                return custom_->Decode(lease.chunk, taken, body);
              }};
}

void LocalHome::CollectLater() {
  housekeeping_->At(clock_.Steady() + kCollectEvery, [this] {
    const auto swept = collect_->Run();
    if (!swept) {
      base::LogWarn("collect-failed", {{"error", swept.error().message}});
    } else if (swept->jobs + swept->blobs > 0) {
      base::LogInfo("collected", {{"jobs", swept->jobs}, {"blobs", swept->blobs}, {"bytes", swept->bytes}});
    }
    CollectLater();
  });
}

void LocalHome::WatchFigures() {
  using Kind = local::PrometheusMetrics::Kind;
  const auto watch = [this](std::string name, std::string help, Kind kind, auto read) {
    metrics_.Watch(std::move(name), std::move(help), kind, [read] { return static_cast<double>(read()); });
  };
  watch("ubertoons_jobs_active", "Jobs accepted and not ended.", Kind::kGauge,
        [this] { return fan_out_->Snapshot().jobs; });
  watch("ubertoons_toons_pending", "Toons accepted and not ended: the queue's depth.", Kind::kGauge,
        [this] { return fan_out_->Snapshot().toons; });
  watch("ubertoons_oldest_job_seconds", "Age of the oldest job that has not ended: the queue's age.", Kind::kGauge,
        [this] { return std::chrono::duration<double>(fan_out_->Snapshot().oldest).count(); });
  watch("ubertoons_chunks_in_flight", "Chunks that workers hold.", Kind::kGauge,
        [this] { return fan_out_->Snapshot().leases; });
  watch("ubertoons_workers", "Worker processes alive.", Kind::kGauge, [this] { return pool_->stats().alive; });
  watch("ubertoons_workers_busy", "Worker processes that hold a chunk.", Kind::kGauge,
        [this] { return pool_->stats().busy; });
  watch("ubertoons_workers_started_total", "Worker processes started.", Kind::kCounter,
        [this] { return pool_->stats().started; });
  watch("ubertoons_workers_died_total", "Worker processes that ended by themselves.", Kind::kCounter,
        [this] { return pool_->stats().died; });
  watch("ubertoons_workers_killed_total", "Worker processes killed: deadline, memory, cancel.", Kind::kCounter,
        [this] { return pool_->stats().killed; });
  watch("ubertoons_store_commits_total", "Synced batches.", Kind::kCounter, [this] { return store_->stats().commits; });
  watch("ubertoons_store_requests_total", "Writes that shared those batches.", Kind::kCounter,
        [this] { return store_->stats().requests; });
  watch("process_open_fds", "Open file descriptors of the server.", Kind::kGauge, [] {
    std::error_code ec;
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd", ec), {});
  });
  watch("ubertoons_http_requests_throttled_total", "Requests answered 429: their tenant sent too many in a second.",
        Kind::kCounter, [this] { return api_->throttled(); });
  watch("ubertoons_http_connections", "Open API connections.", Kind::kGauge, [this] { return server_->connections(); });
}

void LocalHome::WatchMemory() {
  if (!memory_) return;
  using Kind = local::PrometheusMetrics::Kind;
  const auto watch = [this](std::string name, std::string help, Kind kind, std::uint64_t local::MemoryFigures::* figure,
                            const std::map<std::string, std::string>& labels) {
    const auto read = [this, figure] { return static_cast<double>(memory_->figures().*figure); };
    metrics_.Watch(std::move(name), std::move(help), kind, read, labels);
  };
  using Figures = local::MemoryFigures;
  watch("ubertoons_memory_budget_bytes", "What workers and executors may hold together.", Kind::kGauge,
        &Figures::budget, {});
  const std::string leased = "Of the budget: taken by toons that are decoded, held by what is idle.";
  watch("ubertoons_memory_leased_bytes", leased, Kind::kGauge, &Figures::running, {{"state", "running"}});
  watch("ubertoons_memory_leased_bytes", leased, Kind::kGauge, &Figures::idle, {{"state", "idle"}});
  watch("ubertoons_memory_waiting", "Workers whose toon waits for memory.", Kind::kGauge, &Figures::waiting, {});
  watch("ubertoons_memory_waiting_bytes", "What they wait for.", Kind::kGauge, &Figures::waiting_bytes, {});
  watch("ubertoons_memory_waits_total", "Toons that had to wait for memory.", Kind::kCounter, &Figures::waits, {});
  for (std::size_t i = 0; i < ports::kMemoryKindNames.size(); ++i) {
    metrics_.Watch("ubertoons_memory_factor", "How many times its header's estimate a toon needs, learned by kind.",
                   Kind::kGauge, [this, i] { return memory_->figures().factors[i]; },
                   {{"kind", std::string(ports::kMemoryKindNames[i])}});
  }
}

void LocalHome::Drain() {
  if (server_) server_->Drain(kDrainRequests);
  if (pool_) pool_->Drain(kDrainChunks);
  if (inner_server_) inner_server_->Drain(std::chrono::seconds(0));
  if (housekeeping_) housekeeping_->Stop();
  if (fan_out_) fan_out_->Stop();
  announcer_.SetSender(nullptr);
  webhooks_.reset();
}
