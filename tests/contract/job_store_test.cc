#include <atomic>
#include <set>
#include <thread>

#include "contract/homes.h"
#include "contract/samples.h"

namespace contract {
namespace {

using Kind = ports::CreateAnswer::Kind;

class JobStoreContract : public StoreContract {
 protected:
  ports::JobStore& jobs() { return home->jobs(); }
  job::Job Created(const ports::NewJob& job) {
    auto answer = jobs().Create(job);
    EXPECT_TRUE(answer.has_value()) << (answer ? "" : answer.error().message);
    return answer ? answer->job : job::Job{};
  }
  std::optional<job::Job> Got(const job::JobKey& key) {
    auto job = jobs().Get(key);
    EXPECT_TRUE(job.has_value()) << (job ? "" : job.error().message);
    return job ? *job : std::nullopt;
  }
  job::Job Ended(job::Job job, base::TimePoint at, std::string reason = "") {
    job.state.phase = job::Phase::kEnded;
    job.state.completed_at = at;
    job.state.reason = std::move(reason);
    job.state.version += 1;
    auto updated = jobs().Update(job.spec.key, job.state, {});
    EXPECT_TRUE(updated.has_value()) << (updated ? "" : updated.error().message);
    return updated.value_or(job::Job{});
  }
  std::vector<std::string> Listed(const ports::JobFilter& filter, const std::string& tenant = "ana") {
    std::vector<std::string> ids;
    ports::JobFilter next = filter;
    do {
      auto page = jobs().List(job::TenantId(tenant), next);
      EXPECT_TRUE(page.has_value()) << (page ? "" : page.error().message);
      if (!page) break;
      EXPECT_LE(page->jobs.size(), filter.limit);
      for (const job::Job& job : page->jobs) ids.push_back(job.spec.key.job.str());
      next.after = page->next;
    } while (!next.after.empty());
    return ids;
  }
};
UT_OVER_ALL_STORES(JobStoreContract);

TEST_P(JobStoreContract, KeepsEverythingOfAJobAlsoOverARestart) {
  ports::NewJob job = RunningJob(KeyOf("ana", "j1"), 3);
  job.spec.retention = std::chrono::seconds(60);
  job.spec.manifest_uploaded = true;
  job.spec.chunking = job::Chunking::kPerToon;
  job.spec.reuse = job::ReusePolicy::kAlways;
  job.state.problems = {{.pointer = "/toons/3", .detail = "no type"}};
  job.state.reduced = {{.reducer = "timeline", .artifacts = {ArtifactOf("svg")}, .error = std::nullopt},
                       {.reducer = "summary", .artifacts = {}, .error = job::ToonError{.code = "x", .message = "y"}}};
  job.state.started_at = At(2);
  const auto answer = jobs().Create(job);
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->kind, Kind::kCreated);
  const job::Job expected{.spec = job.spec, .state = job.state, .counters = {}};
  EXPECT_EQ(answer->job, expected);
  home->Reopen();
  EXPECT_EQ(Got(job.spec.key), expected);
}

TEST_P(JobStoreContract, AnUploadedManifestIsNeededFromTheJobsCommitOnUntilItsDeletion) {
  ports::NewJob job = RunningJob(KeyOf("ana", "j1"), 3);
  job.spec.manifest_uploaded = true;
  EXPECT_EQ(*home->plans().ReadPage(job.spec.manifest, 1, 0), std::nullopt);
  ASSERT_TRUE(jobs().Create(job).has_value());
  EXPECT_EQ(*home->plans().ReadPage(job.spec.manifest, 1, 0), std::vector<job::Segment>{});
  ASSERT_TRUE(DeleteNow(jobs(), job.spec.key).has_value());
  EXPECT_EQ(*home->plans().ReadPage(job.spec.manifest, 1, 0), std::nullopt);
}

TEST_P(JobStoreContract, AJobThatIsNotThereIsAbsent) {
  EXPECT_EQ(Got(KeyOf("ana", "none")), std::nullopt);
  Created(RunningJob(KeyOf("ana", "j1"), 1));
  EXPECT_EQ(Got(KeyOf("eva", "j1")), std::nullopt) << "another tenant's";
}

TEST_P(JobStoreContract, TheSameSubmissionAgainAnswersTheFirstOne) {
  const ports::NewJob first = RunningJob(KeyOf("ana", "j1"), 3);
  Created(first);
  ports::NewJob again = first;
  again.spec.submitted_at = At(99);
  again.events = {{.id = "", .type = "JobAccepted", .key = first.spec.key, .body_json = "{}"}};
  const auto answer = jobs().Create(again);
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->kind, Kind::kSame);
  EXPECT_EQ(answer->job.spec.submitted_at, At(0));
  EXPECT_TRUE(home->outbox().Pending("", 10)->empty()) << "a replay writes nothing";
}

TEST_P(JobStoreContract, AnIdWithAnotherPayloadIsTaken) {
  const ports::NewJob first = RunningJob(KeyOf("ana", "j1"), 3);
  Created(first);
  ports::NewJob other = first;
  other.spec.payload_sha256 = Hash("other");
  const auto answer = jobs().Create(other);
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().code, base::Code::kConflict);
  EXPECT_EQ(answer.error().reason, "job-id-taken");
  other.spec.key = KeyOf("eva", "j1");
  EXPECT_TRUE(jobs().Create(other).has_value()) << "ids are unique per tenant only";
}

TEST_P(JobStoreContract, AnIdempotencyKeyNamesItsFirstJob) {
  ports::NewJob first = RunningJob(KeyOf("ana", "made-1"), 3);
  first.idempotency_key = "order-7";
  Created(first);
  home->Reopen();
  ports::NewJob again = RunningJob(KeyOf("ana", "made-2"), 3);
  again.idempotency_key = "order-7";
  const auto taken = jobs().Create(again);
  ASSERT_FALSE(taken.has_value());
  EXPECT_EQ(taken.error().reason, "idempotency-key-taken");
  again.spec.payload_sha256 = first.spec.payload_sha256;
  const auto same = jobs().Create(again);
  ASSERT_TRUE(same.has_value());
  EXPECT_EQ(same->kind, Kind::kSame);
  EXPECT_EQ(same->job.spec.key.job.str(), "made-1");
  EXPECT_EQ(Got(KeyOf("ana", "made-2")), std::nullopt);
  ASSERT_TRUE(DeleteNow(jobs(), first.spec.key).has_value());
  EXPECT_EQ(jobs().Create(again)->kind, Kind::kCreated) << "the key goes with its job";
}

TEST_P(JobStoreContract, AnUpdateNeedsTheVersionItWasDecidedOn) {
  const job::Job job = Created(RunningJob(KeyOf("ana", "j1"), 3));
  job::JobState next = job.state;
  next.version += 1;
  next.started_at = At(3);
  const auto updated = jobs().Update(job.spec.key, next, {});
  ASSERT_TRUE(updated.has_value());
  EXPECT_EQ(updated->state, next);
  const auto stale = jobs().Update(job.spec.key, next, {});
  ASSERT_FALSE(stale.has_value());
  EXPECT_EQ(stale.error().code, base::Code::kConflict);
  EXPECT_EQ(stale.error().reason, "version-changed");
  EXPECT_EQ(jobs().Update(KeyOf("ana", "none"), next, {}).error().code, base::Code::kNotFound);
}

TEST_P(JobStoreContract, OfRacingUpdatesOneWins) {
  const job::Job job = Created(RunningJob(KeyOf("ana", "j1"), 3));
  std::atomic<int> won = 0;
  std::atomic<int> lost = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&, i] {
        job::JobState next = job.state;
        next.version += 1;
        next.updated_at = At(100 + i);
        const auto updated = jobs().Update(job.spec.key, next, {});
        if (updated) {
          ++won;
        } else if (updated.error().reason == "version-changed") {
          ++lost;
        }
      });
    }
  }
  EXPECT_EQ(won, 1);
  EXPECT_EQ(lost, 7);
}

TEST_P(JobStoreContract, OfRacingSubmissionsWithOneIdAndOtherPayloadsOneWins) {
  std::atomic<int> won = 0;
  std::atomic<int> taken = 0;
  std::atomic<int> winner = -1;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&, i] {
        ports::NewJob job = RunningJob(KeyOf("ana", "j1"), 3);
        job.spec.payload_sha256 = Hash(std::to_string(i));
        const auto answer = jobs().Create(job);
        if (answer && answer->kind == Kind::kCreated) {
          ++won;
          winner = i;
        } else if (!answer && answer.error().reason == "job-id-taken") {
          ++taken;
        }
      });
    }
  }
  EXPECT_EQ(won, 1);
  EXPECT_EQ(taken, 7);
  EXPECT_EQ(Got(KeyOf("ana", "j1")).value_or(job::Job{}).spec.payload_sha256, Hash(std::to_string(winner)));
}

TEST_P(JobStoreContract, AHigherGenerationCountsFromZero) {
  const job::Job job = Created(RunningJob(KeyOf("ana", "j1"), 2));
  ASSERT_TRUE(home->outcomes().Record(Successes(job.spec.key, {0})).has_value());
  ASSERT_EQ(Got(job.spec.key).value_or(job::Job{}).counters.succeeded, 1U);
  job::JobState next = job.state;
  next.version += 1;
  next.generation = 2;
  const auto updated = jobs().Update(job.spec.key, next, {});
  ASSERT_TRUE(updated.has_value());
  EXPECT_EQ(updated->counters, job::Counters{});
  EXPECT_EQ(home->outcomes().Record(Successes(job.spec.key, {1})).error().reason, "not-running");
  const auto recorded = home->outcomes().Record(Successes(job.spec.key, {0}, 2));
  ASSERT_TRUE(recorded.has_value());
  EXPECT_TRUE(recorded->already_recorded.empty()) << "another generation, another set of outcomes";
  EXPECT_EQ(home->outcomes().Read(job.spec.key, 1, 0, 10, 1000)->size(), 1U) << "the earlier ones stay";
}

TEST_P(JobStoreContract, ListsATenantsJobsNewestFirstInPages) {
  for (int i = 0; i < 7; ++i) Created(RunningJob(KeyOf("ana", "j" + std::to_string(i)), 1, i / 2));
  Created(RunningJob(KeyOf("an", "other"), 1, 3));
  Created(RunningJob(KeyOf("anab", "other"), 1, 3));
  const std::vector<std::string> newest_first{"j6", "j5", "j4", "j3", "j2", "j1", "j0"};
  for (const std::size_t limit : {1U, 2U, 3U, 7U, 50U}) EXPECT_EQ(Listed({.limit = limit}), newest_first);
  EXPECT_EQ(Listed({}, "eva"), std::vector<std::string>{});
}

TEST_P(JobStoreContract, ListsByStatus) {
  const job::Job done = Created(RunningJob(KeyOf("ana", "done"), 1, 1));
  const job::Job failed = Created(RunningJob(KeyOf("ana", "failed"), 1, 2));
  Created(RunningJob(KeyOf("ana", "waiting"), 1, 3));
  Ended(done, At(9));
  Ended(failed, At(9), "cancelled");
  EXPECT_EQ(Listed({.status = job::JobStatus::kCompleted, .limit = 1}), std::vector<std::string>{"done"});
  EXPECT_EQ(Listed({.status = job::JobStatus::kFailed, .limit = 1}), std::vector<std::string>{"failed"});
  EXPECT_EQ(Listed({.status = job::JobStatus::kPending, .limit = 1}), std::vector<std::string>{"waiting"});
  EXPECT_EQ(Listed({.status = job::JobStatus::kProcessing}), std::vector<std::string>{});
}

TEST_P(JobStoreContract, KnowsTheUnfinishedInSubmissionOrder) {
  std::vector<job::Job> made;
  for (const int second : {5, 1, 3, 2, 4}) {
    made.push_back(
        Created(RunningJob(KeyOf(second % 2 == 0 ? "ana" : "eva", "j" + std::to_string(second)), 1, second)));
  }
  Ended(made[2], At(9));  // j3
  home->Reopen();
  std::vector<std::string> ids;
  std::string cursor;
  do {
    const auto page = jobs().Unfinished(cursor, 2);
    ASSERT_TRUE(page.has_value());
    for (const job::Job& job : page->jobs) ids.push_back(job.spec.key.job.str());
    cursor = page->next;
  } while (!cursor.empty());
  EXPECT_EQ(ids, (std::vector<std::string>{"j1", "j2", "j4", "j5"}));
}

TEST_P(JobStoreContract, AJobThatIsRetriedIsUnfinishedAndNotExpiredAnyMore) {
  job::Job job = Ended(Created(RunningJob(KeyOf("ana", "j1"), 1)), At(10), "too-many-failed-toons");
  ASSERT_EQ(jobs().Expired(At(10), std::chrono::seconds(0), 10)->size(), 1U);
  ASSERT_TRUE(jobs().Unfinished("", 10)->jobs.empty());
  job.state.phase = job::Phase::kRunning;
  job.state.generation = 2;
  job.state.completed_at.reset();
  job.state.version += 1;
  ASSERT_TRUE(jobs().Update(job.spec.key, job.state, {}).has_value());
  EXPECT_TRUE(jobs().Expired(At(10'000), std::chrono::seconds(0), 10)->empty());
  EXPECT_EQ(jobs().Unfinished("", 10)->jobs.size(), 1U);
}

TEST_P(JobStoreContract, ExpiresByTheJobsOwnRetentionOrTheDefault) {
  ports::NewJob own = RunningJob(KeyOf("ana", "own"), 1);
  own.spec.retention = std::chrono::seconds(100);
  Ended(Created(own), At(0));
  Ended(Created(RunningJob(KeyOf("eva", "default"), 1)), At(0));
  Created(RunningJob(KeyOf("eva", "running"), 1));
  const auto expired = [&](std::int64_t second, std::optional<std::chrono::seconds> retention) {
    const auto keys = jobs().Expired(At(second), retention, 10);
    std::set<std::string> ids;
    for (const ports::ExpiredJob& job : *keys) ids.insert(job.key.job.str());
    return ids;
  };
  using Ids = std::set<std::string>;
  EXPECT_EQ(expired(50, std::chrono::seconds(51)), Ids{});
  EXPECT_EQ(expired(50, std::chrono::seconds(50)), Ids{"default"});
  EXPECT_EQ(expired(99, std::nullopt), Ids{});
  EXPECT_EQ(expired(100, std::nullopt), Ids{"own"});
  EXPECT_EQ(expired(100, std::chrono::seconds(10)), (Ids{"own", "default"}));
  EXPECT_EQ(jobs().Expired(At(100), std::chrono::seconds(10), 1)->size(), 1U);
}

TEST_P(JobStoreContract, AJobThatChangedSinceItExpiredIsNotDeleted) {
  job::Job job = Ended(Created(RunningJob(KeyOf("ana", "j1"), 1)), At(10), "too-many-failed-toons");
  const auto expired = jobs().Expired(At(10), std::chrono::seconds(0), 10).value();
  ASSERT_EQ(expired.size(), 1U);
  EXPECT_EQ(expired[0].key, job.spec.key);
  job.state.phase = job::Phase::kRunning;
  job.state.generation = 2;
  job.state.completed_at.reset();
  job.state.version += 1;
  const job::Job retried = jobs().Update(job.spec.key, job.state, {}).value();
  const auto refused = jobs().Delete(expired[0].key, expired[0].version);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, base::Code::kConflict);
  EXPECT_EQ(refused.error().reason, "version-changed");
  home->Reopen();
  EXPECT_EQ(Got(job.spec.key), retried);
  EXPECT_EQ(jobs().Unfinished("", 10)->jobs.size(), 1U);
  ASSERT_TRUE(jobs().Delete(job.spec.key, retried.state.version).has_value());
  EXPECT_EQ(Got(job.spec.key), std::nullopt);
}

TEST_P(JobStoreContract, ADeletedJobLeavesNothingBehind) {
  const job::JobKey key = KeyOf("ana", "j1");
  ports::NewJob job = RunningJob(key, 10);
  job.first_page = {{.first = 0, .count = 10, .offset = 0, .length = 100, .work_class = "data"}};
  Created(job);
  ports::RecordCommit commit = Successes(key, {0, 1});
  commit.retries = {NoteAt(5)};
  ASSERT_TRUE(home->outcomes().Record(commit).has_value());
  ASSERT_TRUE(DeleteNow(jobs(), key).has_value());
  ASSERT_TRUE(DeleteNow(jobs(), key).has_value()) << "absent is fine";
  home->Reopen();
  EXPECT_EQ(Got(key), std::nullopt);
  EXPECT_TRUE(Listed({}).empty());
  EXPECT_TRUE(jobs().Unfinished("", 10)->jobs.empty());
  EXPECT_EQ(*home->plans().ReadPage(job.spec.manifest, 1, 0), std::nullopt);
  Created(RunningJob(key, 10));
  EXPECT_TRUE(home->outcomes().Read(key, 1, 0, 10, 1000)->empty()) << "a job made again sees no earlier rows";
  EXPECT_TRUE(home->outcomes().Retries(key, 1, 0, 10)->empty());
  EXPECT_TRUE(home->outcomes().Aggregates(key)->empty());
  EXPECT_EQ(Got(key).value_or(job::Job{.counters = {.failed = 1}}).counters, job::Counters{});
  EXPECT_EQ(home->outcomes().Record(Successes(key, {0}))->already_recorded.size(), 0U);
}

TEST_P(JobStoreContract, APlanIsReadPageByPage) {
  const job::ManifestRef manifest{.blob = "m/1", .bytes = 10};
  const std::vector<job::Segment> first{
      {.first = 0, .count = 7, .offset = 0, .length = 1ULL << 40U, .work_class = "data"},
      {.first = 7, .count = 1, .offset = 1ULL << 40U, .length = 9, .work_class = "x"}};
  ASSERT_TRUE(home->plans().PutPage(manifest, 1, 0, first).has_value());
  ASSERT_TRUE(home->plans().PutPage(manifest, 1, 1, {}).has_value());
  ASSERT_TRUE(home->plans().PutPage(manifest, 1, 0, first).has_value()) << "computed again after a crash";
  home->Reopen();
  EXPECT_EQ(*home->plans().ReadPage(manifest, 1, 0), first);
  EXPECT_EQ(*home->plans().ReadPage(manifest, 1, 1), std::vector<job::Segment>{});
  EXPECT_EQ(*home->plans().ReadPage(manifest, 1, 2), std::nullopt);
  EXPECT_EQ(*home->plans().ReadPage(manifest, 2, 0), std::nullopt);
  EXPECT_EQ(*home->plans().ReadPage({.blob = "m/10", .bytes = 1}, 1, 0), std::nullopt);
}

TEST_P(JobStoreContract, EventsWaitInTheOutboxInOrderUntilTheyAreDone) {
  const job::JobKey key = KeyOf("ana", "j1");
  ports::NewJob job = RunningJob(key, 1);
  job.events = {{.id = "", .type = "JobAccepted", .key = key, .body_json = R"({"n":1})"}};
  const job::Job created = Created(job);
  job::JobState next = created.state;
  next.version += 1;
  ASSERT_TRUE(
      jobs().Update(key, next, {{.id = "", .type = "JobCompleted", .key = key, .body_json = "{}"}}).has_value());
  home->Reopen();
  const auto events = home->outbox().Pending("", 10);
  ASSERT_TRUE(events.has_value());
  ASSERT_EQ(events->size(), 2U);
  EXPECT_EQ((*events)[0].type, "JobAccepted");
  EXPECT_EQ((*events)[0].body_json, R"({"n":1})");
  EXPECT_EQ((*events)[0].key, key);
  EXPECT_EQ((*events)[1].type, "JobCompleted");
  EXPECT_LT((*events)[0].id, (*events)[1].id);
  EXPECT_EQ(home->outbox().Pending("", 1)->size(), 1U);
  EXPECT_EQ(home->outbox().Pending((*events)[0].id, 10)->front().type, "JobCompleted");
  ASSERT_TRUE(home->outbox().Done((*events)[0].id).has_value());
  ASSERT_TRUE(home->outbox().Done((*events)[0].id).has_value()) << "twice is fine";
  EXPECT_EQ(home->outbox().Pending("", 10)->size(), 1U);
  ASSERT_TRUE(home->outbox().Done((*events)[1].id).has_value());
  home->Reopen();
  next.version += 1;
  ASSERT_TRUE(jobs().Update(key, next, {{.id = "", .type = "JobFailed", .key = key, .body_json = "{}"}}).has_value());
  EXPECT_GT(home->outbox().Pending("", 10)->front().id, (*events)[1].id) << "an id is never given twice";
}

TEST_P(JobStoreContract, AnUpdateThatLosesSendsNothing) {
  const job::Job job = Created(RunningJob(KeyOf("ana", "j1"), 1));
  const auto lost = jobs().Update(job.spec.key, job.state, {{.id = "", .type = "JobFailed", .key = job.spec.key}});
  ASSERT_FALSE(lost.has_value());
  EXPECT_TRUE(home->outbox().Pending("", 10)->empty());
}

}  // namespace
}  // namespace contract
