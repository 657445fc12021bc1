// A whole home in one thread: the flow on a store of the test's choice, a clock of its own, and a worker that is
// called.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "fakes/blobs.h"
#include "fakes/clock.h"
#include "fakes/notifier.h"
#include "fakes/processors.h"
#include "fakes/reducers.h"
#include "fakes/store.h"
#include "flow/control.h"
#include "flow/fan_out.h"
#include "flow/process.h"
#include "flow/query.h"
#include "flow/submit.h"
#include "flow/upload.h"
#include "store/store.h"

namespace flow {

class NoMetrics final : public ports::Metrics {
 public:
  void JobAccepted() override {}
  void JobEnded(job::JobStatus, std::chrono::microseconds) override {}
  void ChunkEnded(std::string_view, std::string_view, std::chrono::microseconds) override {}
  void RecordTook(std::chrono::microseconds) override {}
  void ToonsRecorded(job::ToonState, std::uint64_t) override {}
  void ToonDuration(std::string_view, std::chrono::microseconds) override {}
  void ToonFailed(std::string_view) override {}
  void ToonsReused(std::uint64_t count) override { reused += count; }
  void ToonsRefused(std::uint64_t count) override { refused += count; }
  void Quarantined(std::uint64_t count) override { quarantined += count; }
  std::uint64_t reused = 0;
  std::uint64_t refused = 0;
  std::uint64_t quarantined = 0;
};

enum class StoreKind { kFake, kRocks };

struct Harness {
  explicit Harness(StoreKind kind, std::uint64_t seed = 1) : random(seed) {
    base::SetLogLevel(base::LogLevel::kOff);
    if (kind == StoreKind::kRocks) {
      std::string pattern = (std::filesystem::temp_directory_path() / "ut-flow-XXXXXX").string();
      folder = ::mkdtemp(pattern.data());
      auto opened = store::Open(folder + "/db", {.merger = &merger});
      EXPECT_TRUE(opened.has_value());
      rocks = std::move(*opened);
    }
    context = std::make_unique<Context>(Context{
        .jobs = rocks ? rocks->jobs() : fake.jobs(),
        .plans = rocks ? rocks->plans() : fake.plans(),
        .outcomes = rocks ? rocks->outcomes() : fake.outcomes(),
        .references = rocks ? rocks->references() : fake.references(),
        .reuse = rocks ? rocks->reuse() : fake.reuse(),
        .quarantine = rocks ? rocks->quarantine() : fake.quarantine(),
        .outbox = rocks ? rocks->outbox() : fake.outbox(),
        .blobs = blobs,
        .catalog = catalog,
        .reducers = reducers,
        .notifier = notifier,
        .clock = clock,
        .random = random,
        .limits = {},
    });
    Restart();
  }
  ~Harness() {
    fan_out.reset();
    rocks.reset();
    if (!folder.empty()) std::filesystem::remove_all(folder);
  }
  Harness(const Harness&) = delete;
  Harness& operator=(const Harness&) = delete;

  // What a crash leaves: all of the fan-out's memory is gone, leases too.
  void Restart() {
    fan_out = std::make_unique<FanOut>(*context, metrics,
                                       FanOutOptions{.max_workers = 2, .processor_versions = {{"message", "1"}}});
    while (!fan_out->Recover()) {
    }
  }

  base::Result<SubmitAnswer> Submit(const std::string& body, const std::string& tenant = "acme",
                                    std::optional<std::string> idempotency_key = std::nullopt) {
    auto begun =
        flow::Submit(*context, *fan_out)
            .Begin({.tenant = job::TenantId(tenant), .idempotency_key = std::move(idempotency_key), .traceparent = ""});
    if (!begun) return std::unexpected(begun.error());
    if (const auto written = (*begun)->Write(body); !written) return std::unexpected(written.error());
    return (*begun)->Finish();
  }

  // {"jobId":…,"toons":[{"toonId":"t0","type":"message","text":"…"},…],<more>}
  static std::string Body(const std::string& job_id, int toons, const std::string& more = "",
                          const std::function<std::string(int)>& text = nullptr) {
    std::string body = fmt::format(R"({{"jobId":"{}",{}"toons":[)", job_id, more);
    for (int i = 0; i < toons; ++i) {
      body += fmt::format(R"({}{{"toonId":"t{}","type":"message","text":"{}"}})", i == 0 ? "" : ",", i,
                          text ? text(i) : fmt::format("hello {}", i));
    }
    return body + "]}";
  }

  static job::JobKey Key(const std::string& job_id, const std::string& tenant = "acme") {
    return {job::TenantId(tenant), job::JobId(job_id)};
  }

  using Dies = std::function<std::optional<ports::WorkerEnd>(const ports::Chunk&)>;
  // One chunk through the worker; false when there is none now.
  bool Step(const Dies& dies = nullptr) {
    auto lease = fan_out->Take({"data", "image", "media", "custom"});
    if (!lease) return false;
    chunks += 1;
    if (dies) {
      if (const auto end = dies(lease->chunk)) {
        fan_out->Lost(lease->id, *end, "scripted");
        return true;
      }
    }
    ChunkProcessor worker(blobs, processors, reducers, nullptr, clock, random);
    auto answer = worker.Run(lease->chunk);
    if (!answer) {
      fan_out->Lost(lease->id, ports::EndOfReport(answer.error().message), answer.error().message);
    } else {
      fan_out->Answered(lease->id, std::move(*answer));
    }
    return true;
  }
  // Works, lets time pass, works … until nothing is left to do.
  void RunAll(const Dies& dies = nullptr) {
    for (int idle = 0; idle < 200;) {
      const bool worked = Step(dies);
      const bool ran = fan_out->RunDue() > 0;
      if (worked || ran) {
        idle = 0;
        continue;
      }
      idle += 1;
      clock.Advance(std::chrono::milliseconds(500));
    }
  }

  job::Job JobOf(const std::string& job_id, const std::string& tenant = "acme") {
    auto view = Query(*context).Job(Key(job_id, tenant));
    EXPECT_TRUE(view.has_value()) << job_id;
    return view ? view->job : job::Job{};
  }
  std::vector<job::Outcome> Results(const std::string& job_id, ResultFilter filter = {}) {
    std::vector<job::Outcome> all;
    do {
      auto page = Query(*context).Results(Key(job_id), filter);
      EXPECT_TRUE(page.has_value()) << (page ? "" : page.error().message);
      if (!page) return all;
      std::ranges::move(page->results, std::back_inserter(all));
      filter.page_token = page->next_page_token;
    } while (!filter.page_token.empty());
    return all;
  }

  // The promise: every toon has one outcome, in order, and the counters are those of the outcomes.
  void ExpectWhole(const std::string& job_id, std::size_t toons) {
    const job::Job job = JobOf(job_id);
    const auto results = Results(job_id);
    ASSERT_EQ(results.size(), toons);
    std::uint64_t succeeded = 0;
    for (std::size_t i = 0; i < results.size(); ++i) {
      EXPECT_EQ(results[i].position, i);
      EXPECT_EQ(results[i].toon_id.str(), fmt::format("t{}", i));
      succeeded += results[i].state == job::ToonState::kSucceeded ? 1 : 0;
    }
    EXPECT_EQ(job::Succeeded(job), succeeded);
    EXPECT_EQ(job::Failed(job), toons - succeeded);
    const auto view = Query(*context).Job(Key(job_id));
    ASSERT_TRUE(view.has_value());
    std::string counted = "0";
    const auto aggregates = context->outcomes.Aggregates(Key(job_id));
    ASSERT_TRUE(aggregates.has_value());
    for (const auto& aggregate : *aggregates) counted = aggregate.bytes;
    EXPECT_EQ(counted, fmt::format("{}", succeeded)) << "the aggregate covers exactly the successes";
    EXPECT_EQ(fan_out->Snapshot().jobs, 0U);
    EXPECT_EQ(fan_out->BacklogOf(job::TenantId("acme")).toons, 0U);
  }

  fakes::ManualClock clock;
  base::SeededRandom random;
  fakes::FakePartialMerger merger;
  fakes::FakeStore fake{merger};
  std::string folder;
  std::unique_ptr<store::RocksStore> rocks;
  fakes::FakeBlobStore blobs{&clock};
  fakes::FakeCatalog catalog;
  fakes::FakeReducerRegistry reducers;
  fakes::FakeProcessorRegistry processors;
  fakes::RecordingNotifier notifier;
  NoMetrics metrics;
  std::unique_ptr<Context> context;
  std::unique_ptr<FanOut> fan_out;
  int chunks = 0;
};

}  // namespace flow
