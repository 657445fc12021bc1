// What the job stores on DynamoDB do beyond the contract: many workers on one job, deletions that were broken off, what
// stays in the table, and what recording costs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <numeric>
#include <thread>

#include "aws/dynamo_rows.h"
#include "aws/dynamo_store.h"
#include "aws/moto.h"
#include "aws/table.h"
#include "contract/samples.h"
#include "fakes/reducers.h"
#include "job/limits.h"
#include "ports/blob_store.h"

namespace aws {
namespace {

using contract::At;
using contract::Hash;
using contract::KeyOf;
using contract::RunningJob;
using contract::Successes;

// A store of its own over the same table: told of each request before it is sent, and asked which answers get lost.
struct HookedStore final : Transport {
  using Before = std::function<void(const std::string& body)>;
  using Loses = std::function<bool(const std::string& body)>;
  HookedStore(
      testing::Moto& moto, const testing::Table& table, const ports::PartialMerger& merger, Before before_each,
      Loses loses_answer = [](const std::string&) { return false; })
      : before(std::move(before_each)),
        loses(std::move(loses_answer)),
        caller({.transport = *this,
                .credentials = credentials,
                .clock = moto.clock(),
                .random = moto.random(),
                .pause = pause},
               {.region = "eu-west-1", .endpoint_url = moto.url()}),
        store({.caller = caller, .random = moto.random(), .clock = moto.clock(), .pause = pause, .merger = merger},
              {.table = table.name()}) {}
  base::Result<http::ClientResponse> Send(const http::ClientRequest& request) override {
    const std::string body(request.body);
    before(body);
    auto response = pooled.Send(request);
    if (loses(body)) return base::Fail(base::Code::kUnavailable, "the connection broke");
    return response;
  }
  Before before;
  Loses loses;
  PooledTransport pooled;
  SystemPause pause;
  FixedCredentials credentials{{.access_key_id = "test", .secret_access_key = "test"}};
  Caller caller;
  DynamoStore store;
};

class DynamoStoreTest : public ::testing::Test {
 protected:
  job::Job Created(const ports::NewJob& job) {
    const auto answer = store.jobs().Create(job);
    EXPECT_TRUE(answer.has_value()) << (answer ? "" : answer.error().message);
    return answer ? answer->job : job::Job{};
  }
  ports::RecordAnswer Recorded(const ports::RecordCommit& commit) {
    const auto answer = store.outcomes().Record(commit);
    EXPECT_TRUE(answer.has_value()) << (answer ? "" : answer.error().message);
    return answer.value_or(ports::RecordAnswer{});
  }
  static std::vector<job::Position> Range(job::Position first, std::uint64_t count) {
    std::vector<job::Position> positions(count);
    std::iota(positions.begin(), positions.end(), first);
    return positions;
  }
  std::vector<std::string> Partitions() { return Rows("pk"); }
  // This attribute of every row of the table.
  std::vector<std::string> Rows(std::string_view attribute) {
    JsonAnswer answer;
    const std::string body = R"({"TableName":)" + Quoted(table.name()) + R"(,"ConsistentRead":true})";
    EXPECT_TRUE(SendJson(moto.caller(), {.service = Service::kDynamoDb, .operation = "Scan", .body = body}, answer)
                    .has_value());
    std::vector<std::string> values;
    const auto items = JsonAnswer::List(answer.root(), "Items");
    if (!items) return values;
    for (const wire::Element item : *items) {
      wire::Object object;
      if (item.get(object) != simdjson::SUCCESS) continue;
      const auto value = JsonAnswer::Member(object, attribute);
      values.push_back(value ? JsonAnswer::Text(*value, "S") : "");
    }
    return values;
  }
  // What a deletion does first, and no more.
  void MarkGoing(const job::JobKey& key) {
    DynamoClient client(moto.caller());
    const auto row = client.Get(table.name(), KeyItem(JobPartition(key), kStateRow), Query::Read::kConsistent);
    ASSERT_TRUE(row.has_value() && row->has_value());
    Item item = **row;
    item["going"] = NumberValue(1);
    item["dueKey"] = TextValue("own#3");
    item["due"] = TextValue(TimeText(At(0)) + "#" + JobPartition(key));
    item.erase("tenantKey");
    ASSERT_TRUE(client.Write({.table = table.name(), .item = item}, Return::kNothing).has_value());
  }
  testing::Moto moto;
  testing::Table table{moto};
  SystemPause pause;
  fakes::FakePartialMerger merger;
  DynamoStore store{
      {.caller = moto.caller(), .random = moto.random(), .clock = moto.clock(), .pause = pause, .merger = merger},
      {.table = table.name()}};
  const job::JobKey key = KeyOf("ana", "j1");
  const job::TenantId ana{"ana"};
};

TEST_F(DynamoStoreTest, OfEightWorkersOnOneJobEveryOutcomeIsCountedOnce) {
  constexpr std::uint64_t kToons = 4'800;  // three shards
  constexpr std::uint64_t kWorkers = 8;
  constexpr std::uint64_t kAtOnce = 60;
  constexpr std::uint64_t kCommits = 5;
  Created(RunningJob(key, kToons));
  {
    std::vector<std::jthread> workers;
    for (std::uint64_t worker = 0; worker < kWorkers; ++worker) {
      workers.emplace_back([&, worker] {
        for (std::uint64_t i = 0; i < kCommits; ++i) {
          Recorded(Successes(key, Range((i * kWorkers + worker) * kAtOnce, kAtOnce)));
        }
      });
    }
  }
  constexpr std::uint64_t kAll = kWorkers * kCommits * kAtOnce;
  EXPECT_EQ(store.outcomes().Read(key, 1, 0, kToons, 64U << 20U)->size(), kAll);
  EXPECT_EQ(store.jobs().Get(key)->value_or(job::Job{}).counters, (job::Counters{.succeeded = kAll}));
  EXPECT_EQ(*store.outcomes().Aggregates(key),
            (std::vector<ports::Partial>{{.reducer = "summary", .bytes = std::to_string(kAll)}}));
}

TEST_F(DynamoStoreTest, WhoeverRecordsTheLastOutcomeSeesThatItIsTheLast) {
  constexpr std::uint64_t kWorkers = 8;
  constexpr std::uint64_t kAtOnce = 5;
  Created(RunningJob(key, kWorkers * kAtOnce));
  std::atomic<int> last = 0;
  {
    std::vector<std::jthread> workers;
    for (std::uint64_t worker = 0; worker < kWorkers; ++worker) {
      workers.emplace_back([&, worker] {
        if (job::AllRecorded(Recorded(Successes(key, Range(worker * kAtOnce, kAtOnce))).job)) ++last;
      });
    }
  }
  EXPECT_GE(last, 1);
}

TEST_F(DynamoStoreTest, ACancelBesideWorkersLeavesCountersThatAreTrue) {
  constexpr std::uint64_t kWorkers = 6;
  constexpr std::uint64_t kAtOnce = 20;
  constexpr std::uint64_t kCommits = 4;
  const job::Job job = Created(RunningJob(key, kWorkers * kAtOnce * kCommits));
  {
    std::vector<std::jthread> workers;
    for (std::uint64_t worker = 0; worker < kWorkers; ++worker) {
      workers.emplace_back([&, worker] {
        for (std::uint64_t i = 0; i < kCommits; ++i) {
          const auto answer =
              store.outcomes().Record(Successes(key, Range((i * kWorkers + worker) * kAtOnce, kAtOnce)));
          EXPECT_TRUE(answer || answer.error().reason == "not-running") << answer.error().message;
        }
      });
    }
    job::JobState cancelled = job.state;
    cancelled.version += 1;
    cancelled.cancelled = true;
    cancelled.phase = job::Phase::kEnded;
    cancelled.completed_at = At(3);
    const auto updated = store.jobs().Update(key, cancelled, {});
    EXPECT_TRUE(updated.has_value()) << updated.error().message;
  }
  const auto rows = store.outcomes().Read(key, 1, 0, 10'000, 64U << 20U);
  EXPECT_EQ(store.jobs().Get(key)->value_or(job::Job{}).counters.succeeded, rows->size());
  EXPECT_EQ(store.outcomes().Record(Successes(key, Range(0, 1))).error().reason, "not-running");
}

TEST_F(DynamoStoreTest, ADeletedJobLeavesNoRow) {
  ports::NewJob job = RunningJob(key, 3'000, 1);
  job.idempotency_key = "order 7";
  job.spec.manifest.blob = ports::ContentKey(ana, Hash("manifest"));
  job.first_page = {{.first = 0, .count = 10, .offset = 0, .length = 100, .work_class = "data"}};
  ASSERT_TRUE(store.references().TieUploads(key, {Hash("one"), Hash("two")}).has_value());
  const job::Job created = Created(job);
  ASSERT_TRUE(store.plans().PutPage(job.spec.manifest, 1, 1, {}).has_value());
  ports::RecordCommit commit = Successes(key, {1, 499, 500, 2'999});
  job::Outcome reusable = contract::SuccessAt(7);
  reusable.artifacts = {contract::ArtifactOf("a"), contract::ArtifactOf("b"), contract::ArtifactOf("a")};
  reusable.reuse_key = Hash("r");
  commit.outcomes.push_back(wire::ToRow(reusable));
  commit.retries = {contract::NoteAt(8)};
  Recorded(commit);
  job::JobState next = created.state;
  next.version += 1;
  next.generation = 2;
  next.reduced = {{.reducer = "summary", .artifacts = {contract::ArtifactOf("c")}, .error = {}}};
  ASSERT_TRUE(store.jobs().Update(key, next, {}).has_value());
  Recorded(Successes(key, {2'998}, 2));
  EXPECT_GT(Partitions().size(), 20U);
  ASSERT_TRUE(store.jobs().Delete(key, next.version).has_value());
  EXPECT_THAT(Partitions(), ::testing::IsEmpty());
}

TEST_F(DynamoStoreTest, ADeletionThatWasBrokenOffIsFoundAndGoesOn) {
  const job::Job job = Created(RunningJob(key, 10));
  Recorded(Successes(key, {0, 1}));
  MarkGoing(key);
  EXPECT_EQ(*store.jobs().Get(key), std::nullopt);
  EXPECT_TRUE(store.jobs().List(ana, {})->jobs.empty());
  EXPECT_TRUE(store.outcomes().Read(key, 1, 0, 10, 1'000)->empty());
  EXPECT_EQ(store.outcomes().Record(Successes(key, {2})).error().code, base::Code::kNotFound);
  job::JobState next = job.state;
  next.version += 1;
  EXPECT_EQ(store.jobs().Update(key, next, {}).error().code, base::Code::kNotFound);
  const auto expired = store.jobs().Expired(At(1), std::nullopt, 10).value();
  ASSERT_EQ(expired.size(), 1U);
  EXPECT_EQ(expired[0].key, key);
  ASSERT_TRUE(store.jobs().Delete(key, expired[0].version).has_value());
  EXPECT_THAT(Partitions(), ::testing::IsEmpty());
}

TEST_F(DynamoStoreTest, ANewJobTakesTheIdOfOneWhoseDeletionWasBrokenOff) {
  ports::NewJob job = RunningJob(key, 10);
  job.idempotency_key = "k";
  Created(job);
  Recorded(Successes(key, {0, 1}));
  MarkGoing(key);
  job.spec.payload_sha256 = Hash("another");
  const auto again = store.jobs().Create(job);
  ASSERT_TRUE(again.has_value()) << again.error().message;
  EXPECT_EQ(again->kind, ports::CreateAnswer::Kind::kCreated);
  EXPECT_TRUE(store.outcomes().Read(key, 1, 0, 10, 1'000)->empty());
  EXPECT_TRUE(Recorded(Successes(key, {0, 1})).already_recorded.empty());
}

TEST_F(DynamoStoreTest, ADelayedDeletionDoesNotTouchTheJobMadeSince) {
  Created(RunningJob(key, 10));
  Recorded(Successes(key, {0, 1}));
  // Before the second transaction, which ends the deletion, another process deletes the job and it is made again.
  int transactions = 0;
  HookedStore slow(moto, table, merger, [&](const std::string& body) {
    if (!body.contains("TransactItems") || ++transactions != 2) return;
    ASSERT_TRUE(store.jobs().Delete(key, 1).has_value());
    Created(RunningJob(key, 10));
    Recorded(Successes(key, {3, 4, 5}));
  });
  ASSERT_TRUE(slow.store.jobs().Delete(key, 1).has_value());
  EXPECT_EQ(transactions, 2);
  EXPECT_EQ(store.jobs().Get(key)->value_or(job::Job{}).counters.succeeded, 3U);
  EXPECT_EQ(store.outcomes().Read(key, 1, 0, 10, 10'000)->size(), 3U);
  EXPECT_EQ(*store.outcomes().Aggregates(key), (std::vector<ports::Partial>{{.reducer = "summary", .bytes = "3"}}));
}

TEST_F(DynamoStoreTest, AnAnswerThatIsLostIsNotRecordedTwice) {
  Created(RunningJob(key, 10));
  int lost = 0;
  HookedStore unlucky(
      moto, table, merger, [](const std::string&) {},
      [&](const std::string& body) { return body.contains("TransactItems") && ++lost == 1; });
  // moto forgets tokens, so the repeat meets its own outcomes.
  const auto answer = unlucky.store.outcomes().Record(Successes(key, {3, 4}));
  ASSERT_TRUE(answer.has_value()) << answer.error().message;
  EXPECT_GE(lost, 2);
  EXPECT_EQ(answer->already_recorded, (std::vector<job::Position>{3, 4}));
  EXPECT_EQ(answer->job.counters.succeeded, 2U);
  EXPECT_EQ(*store.outcomes().Aggregates(key), (std::vector<ports::Partial>{{.reducer = "summary", .bytes = "2"}}));
}

TEST_F(DynamoStoreTest, AnOutcomeRecordedBesideANoteHidesTheNote) {
  Created(RunningJob(key, 10));
  bool done = false;
  HookedStore late(moto, table, merger, [&](const std::string& body) {
    if (!body.contains("TransactItems") || done) return;
    done = true;
    Recorded(Successes(key, {3}));
  });
  ASSERT_TRUE(late.store.outcomes().Record({.key = key, .retries = {contract::NoteAt(3)}}).has_value());
  EXPECT_TRUE(done);
  EXPECT_TRUE(store.outcomes().Retries(key, 1, 0, 10)->empty());
}

TEST_F(DynamoStoreTest, ListsMoreJobsThanAreLoadedAtOnce) {
  constexpr std::size_t kJobs = 60;
  for (std::size_t i = 0; i < kJobs; ++i) {
    ports::NewJob job = RunningJob(KeyOf("ana", "j" + std::to_string(i)), 1, static_cast<std::int64_t>(i));
    if (i == 0) job.state.reason = "x", job.state.phase = job::Phase::kEnded, job.state.completed_at = At(100);
    Created(job);
  }
  const auto page = store.jobs().List(ana, {.limit = 55});
  ASSERT_EQ(page->jobs.size(), 55U);
  EXPECT_EQ(page->jobs.front().spec.key.job.str(), "j59");
  const auto rest = store.jobs().List(ana, {.limit = 55, .after = page->next});
  ASSERT_EQ(rest->jobs.size(), 5U);
  EXPECT_EQ(rest->jobs.back().spec.key.job.str(), "j0");
  EXPECT_EQ(rest->next, "");
  const auto ended = store.jobs().List(ana, {.status = job::JobStatus::kFailed, .limit = 2});
  ASSERT_EQ(ended->jobs.size(), 1U) << "behind a page of others";
  const auto bad = store.jobs().List(ana, {.after = "nothing"});
  EXPECT_EQ(bad.error().code, base::Code::kInvalid);
}

TEST_F(DynamoStoreTest, ReleasesMoreTypesThanOneCommitTakes) {
  constexpr std::size_t kTypes = 120;
  constexpr std::size_t kAtOnce = 60;
  Created(RunningJob(key, 10));
  for (std::size_t first = 0; first < kTypes; first += kAtOnce) {
    ports::RecordCommit commit{.key = key, .outcomes = {wire::ToRow(contract::FailureAt(first / kAtOnce))}};
    for (std::size_t i = first; i < first + kAtOnce; ++i) {
      commit.quarantined.push_back({.bytes = {.sha256 = Hash("bomb"), .type = "type-" + std::to_string(i)},
                                    .error = {.code = "memory-limit", .message = ""},
                                    .job = key.job,
                                    .toon = job::ToonId("t"),
                                    .at = At(1)});
    }
    EXPECT_EQ(Recorded(commit).quarantined, kAtOnce);
  }
  EXPECT_EQ(*store.quarantine().Release(ana, Hash("bomb")), kTypes);
  EXPECT_FALSE(*store.quarantine().Any(ana, "type-7"));
}

// Write units of a transaction: two per item and KB begun, as its JSON has them, which is longer than what is billed.
std::uint64_t WriteUnitsOf(const std::string& body) {
  JsonAnswer request;
  if (!request.Parse(body, "request")) return 0;
  const auto actions = JsonAnswer::List(request.root(), "TransactItems");
  std::uint64_t units = 0;
  if (!actions) return units;
  for (const wire::Element action : *actions) {
    wire::Element item;
    if (action.at_pointer("/Put/Item").get(item) != simdjson::SUCCESS) continue;
    units += 2 * ((wire::Minify(item).size() + 1023) / 1024);
  }
  return units;
}

// The figures of docs/formats/dynamodb.md.
TEST_F(DynamoStoreTest, AThousandSmallToonsCostFourRequestsACommit) {
  constexpr std::uint64_t kToons = 1'000;
  constexpr std::uint64_t kAtOnce = 96;
  Created(RunningJob(key, kToons));
  int requests = 0;
  std::uint64_t write_units = 0;
  HookedStore counted(moto, table, merger, [&](const std::string& body) {
    ++requests;
    write_units += WriteUnitsOf(body);
  });
  int commits = 0;
  for (job::Position first = 0; first < kToons; first += kAtOnce, ++commits) {
    const auto positions = Range(first, std::min(kAtOnce, kToons - first));
    ASSERT_TRUE(counted.store.outcomes().Record(Successes(key, positions)).has_value());
  }
  EXPECT_EQ(commits, 11);
  EXPECT_EQ(requests, 44);
  EXPECT_EQ(write_units, 2'044U);
}

}  // namespace
}  // namespace aws
