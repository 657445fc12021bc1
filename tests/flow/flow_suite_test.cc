// The flow as a whole, on the store that is as strict as DynamoDB and on RocksDB.
#include <set>

#include "flow/collect.h"
#include "flow/record.h"
#include "harness.h"
#include "job/limits.h"

namespace flow {
namespace {

using job::JobStatus;
using job::ToonState;
using ports::WorkerEnd;

class Flow : public testing::TestWithParam<StoreKind> {
 protected:
  Harness home{GetParam()};
};

TEST_P(Flow, AJobOfThousandsOfToonsEndsWithOneOutcomeEach) {
  const auto answer = home.Submit(Harness::Body("j", 2500));
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(job::StatusOf(answer->job), JobStatus::kPending);
  EXPECT_EQ(answer->job.state.toon_count, 2500U);
  home.RunAll();
  EXPECT_EQ(job::StatusOf(home.JobOf("j")), JobStatus::kCompleted);
  home.ExpectWhole("j", 2500);
}

TEST_P(Flow, TheSameSubmissionIsAnsweredOnceAndAnotherOneRefused) {
  ASSERT_TRUE(home.Submit(Harness::Body("j", 3)).has_value());
  const auto again = home.Submit(Harness::Body("j", 3, " "));
  ASSERT_TRUE(again.has_value());
  EXPECT_TRUE(again->replayed);
  EXPECT_EQ(home.Submit(Harness::Body("j", 4)).error().reason, "job-id-taken");
  EXPECT_TRUE(home.Submit(Harness::Body("j", 4), "other-tenant").has_value());
  home.RunAll();
  home.ExpectWhole("j", 3);
}

TEST_P(Flow, AnIdempotencyKeyStandsForAMissingJobId) {
  const std::string body = R"({"toons":[{"toonId":"t0","type":"message","text":"x"}]})";
  const auto first = home.Submit(body, "acme", "key-1");
  const auto second = home.Submit(body, "acme", "key-1");
  ASSERT_TRUE(first.has_value() && second.has_value());
  EXPECT_TRUE(second->replayed);
  EXPECT_EQ(first->job.spec.key, second->job.spec.key);
  const std::string other = R"({"toons":[{"toonId":"t0","type":"message","text":"y"}]})";
  EXPECT_EQ(home.Submit(other, "acme", "key-1").error().code, base::Code::kConflict);
}

TEST_P(Flow, BadInputFailsItsToonOnlyAndTheFirstTry) {
  home.processors.Set("message", [](const ports::ToonInput& input) {
    return input.bytes == "bad" ? fakes::FakeProcessor::Failure("bad-input", ports::Blame::kInput)
                                : fakes::FakeProcessor::CountBytes(input);
  });
  ASSERT_TRUE(home.Submit(Harness::Body("j", 300, R"("tolerance":{"failedCount":1},)",
                                        [](int i) { return i == 150 ? "bad" : "good"; }))
                  .has_value());
  home.RunAll();
  home.ExpectWhole("j", 300);
  EXPECT_EQ(job::StatusOf(home.JobOf("j")), JobStatus::kCompleted);
  const auto failed = home.Results("j", {.state = ToonState::kFailed});
  ASSERT_EQ(failed.size(), 1U);
  EXPECT_EQ(failed[0].attempts, 1U);
  EXPECT_EQ(failed[0].error->code, "bad-input");
  EXPECT_TRUE(failed[0].sha256.has_value());
}

TEST_P(Flow, AFailureThatMayPassIsTriedAgainLaterUpToTheLimit) {
  int tries = 0;
  home.processors.Set("message", [&](const ports::ToonInput& input) {
    if (input.bytes == "flaky") {
      tries += 1;
      if (tries < 3) return fakes::FakeProcessor::Failure("busy", ports::Blame::kResource);
    }
    if (input.bytes == "hopeless") return fakes::FakeProcessor::Failure("busy", ports::Blame::kResource);
    return fakes::FakeProcessor::CountBytes(input);
  });
  ASSERT_TRUE(
      home.Submit(Harness::Body("j", 10, "", [](int i) { return i == 3   ? "flaky"
                                                                : i == 7 ? "hopeless"
                                                                         : "good"; }))
          .has_value());
  home.RunAll();
  home.ExpectWhole("j", 10);
  const auto results = home.Results("j");
  EXPECT_EQ(results[3].state, ToonState::kSucceeded);
  EXPECT_EQ(results[3].attempts, 3U);
  EXPECT_EQ(results[7].attempts, job::kMaxAttempts);
  EXPECT_EQ(results[7].error->code, "busy");
}

// The worker dies whenever a chunk holds this toon.
Harness::Dies DiesOn(job::Position poison, WorkerEnd end) {
  return [=](const ports::Chunk& chunk) -> std::optional<WorkerEnd> {
    if (chunk.kind != ports::Chunk::Kind::kProcess) return std::nullopt;
    const job::Position first = chunk.segment.first;
    bool holds = chunk.only.empty() && poison >= first && poison < first + chunk.segment.count;
    for (const std::uint32_t index : chunk.only) holds = holds || first + index == poison;
    if (holds) return end;
    return std::nullopt;
  };
}

TEST_P(Flow, AToonThatKillsItsWorkersIsFoundAndTheOthersGoOn) {
  ASSERT_TRUE(home.Submit(Harness::Body("j", 1000)).has_value());
  home.RunAll(DiesOn(617, WorkerEnd::kCrashed));
  home.ExpectWhole("j", 1000);
  const auto failed = home.Results("j", {.state = ToonState::kFailed});
  ASSERT_EQ(failed.size(), 1U);
  EXPECT_EQ(failed[0].position, 617U);
  EXPECT_EQ(failed[0].error->code, "worker-died");
  EXPECT_EQ(failed[0].attempts, job::kMaxLethalAttempts);
  EXPECT_LT(home.chunks, 60) << "halving finds it in about 2 log2(1000) chunks";
}

TEST_P(Flow, AToonThatHangsTimesOut) {
  ASSERT_TRUE(home.Submit(Harness::Body("j", 4)).has_value());
  home.RunAll(DiesOn(2, WorkerEnd::kTimedOut));
  home.ExpectWhole("j", 4);
  EXPECT_EQ(home.Results("j")[2].error->code, "timeout");
}

TEST_P(Flow, WhatThePlatformDoesConsumesNoAttempt) {
  ASSERT_TRUE(home.Submit(Harness::Body("j", 10)).has_value());
  int losses = 0;
  home.RunAll([&](const ports::Chunk&) -> std::optional<WorkerEnd> {
    if (++losses <= 8) return WorkerEnd::kPlatform;
    return std::nullopt;
  });
  home.ExpectWhole("j", 10);
  for (const job::Outcome& outcome : home.Results("j")) EXPECT_EQ(outcome.attempts, 1U);
  EXPECT_EQ(job::StatusOf(home.JobOf("j")), JobStatus::kCompleted);
}

TEST_P(Flow, WantOfMemoryConsumesNoAttemptHoweverOften) {
  int given_back = 0;
  home.processors.Set("message", [&](const ports::ToonInput& input) {
    if (++given_back <= 100) return fakes::FakeProcessor::Failure("memory-busy", ports::Blame::kPlatform);
    return fakes::FakeProcessor::CountBytes(input);
  });
  ASSERT_TRUE(home.Submit(Harness::Body("j", 4)).has_value());
  home.RunAll();
  home.ExpectWhole("j", 4);
  for (const job::Outcome& outcome : home.Results("j")) {
    EXPECT_EQ(outcome.attempts, 1U);
    EXPECT_EQ(outcome.state, ToonState::kSucceeded);
  }
}

TEST_P(Flow, CancellingStopsTheRestAndKeepsWhatEnded) {
  ASSERT_TRUE(home.Submit(Harness::Body("j", 2500)).has_value());
  ASSERT_TRUE(home.Step());
  auto running = home.fan_out->Take({"data"});
  ASSERT_TRUE(running.has_value());
  const auto cancelled = Control(*home.context, *home.fan_out).Cancel(Harness::Key("j"));
  ASSERT_TRUE(cancelled.has_value());
  EXPECT_FALSE(home.fan_out->Wanted(running->id));
  ChunkProcessor worker(home.blobs, home.processors, home.reducers, nullptr, home.clock, home.random);
  home.fan_out->Answered(running->id, worker.Run(running->chunk).value());
  home.RunAll();
  home.ExpectWhole("j", 2500);
  const job::Job job = home.JobOf("j");
  EXPECT_EQ(job.state.reason, "cancelled");
  EXPECT_GT(job::Succeeded(job), 0U);
  const auto failed = home.Results("j", {.state = ToonState::kFailed});
  EXPECT_EQ(failed.back().error->code, "cancelled");
  EXPECT_TRUE(Control(*home.context, *home.fan_out).Cancel(Harness::Key("j")).has_value()) << "repeating is harmless";
}

TEST_P(Flow, RetryRunsTheFailedOnesAgainAndOnlyThose) {
  std::set<std::string> seen;
  bool broken = true;
  home.processors.Set("message", [&](const ports::ToonInput& input) {
    seen.emplace(input.bytes);
    return broken && input.bytes.ends_with("7") ? fakes::FakeProcessor::Failure("bad-input", ports::Blame::kInput)
                                                : fakes::FakeProcessor::CountBytes(input);
  });
  ASSERT_TRUE(home.Submit(Harness::Body("j", 1200)).has_value());
  home.RunAll();
  EXPECT_EQ(job::StatusOf(home.JobOf("j")), JobStatus::kFailed);
  EXPECT_EQ(home.JobOf("j").counters.failed, 120U);
  seen.clear();
  broken = false;
  ASSERT_TRUE(Control(*home.context, *home.fan_out).Retry(Harness::Key("j")).has_value());
  EXPECT_EQ(home.Results("j", {.state = ToonState::kPending}).size(), 120U);
  home.RunAll();
  EXPECT_EQ(seen.size(), 120U);
  EXPECT_EQ(job::StatusOf(home.JobOf("j")), JobStatus::kCompleted);
  home.ExpectWhole("j", 1200);
  EXPECT_FALSE(Control(*home.context, *home.fan_out).Retry(Harness::Key("j")).has_value());
}

TEST_P(Flow, ACancelledJobCanBeRetriedToTheEnd) {
  ASSERT_TRUE(home.Submit(Harness::Body("j", 2200)).has_value());
  ASSERT_TRUE(home.Step());
  ASSERT_TRUE(Control(*home.context, *home.fan_out).Cancel(Harness::Key("j")).has_value());
  ASSERT_TRUE(Control(*home.context, *home.fan_out).Retry(Harness::Key("j")).has_value());
  ASSERT_TRUE(home.Step());
  ASSERT_TRUE(Control(*home.context, *home.fan_out).Cancel(Harness::Key("j")).has_value());
  ASSERT_TRUE(Control(*home.context, *home.fan_out).Retry(Harness::Key("j")).has_value());
  EXPECT_EQ(home.JobOf("j").state.generation, 3U);
  home.RunAll();
  EXPECT_EQ(job::StatusOf(home.JobOf("j")), JobStatus::kCompleted);
  home.ExpectWhole("j", 2200);
}

TEST_P(Flow, ARestartGoesOnWhereTheStoreStands) {
  int tries = 0;
  home.processors.Set("message", [&](const ports::ToonInput& input) {
    if (input.bytes != "hopeless") return fakes::FakeProcessor::CountBytes(input);
    tries += 1;
    return fakes::FakeProcessor::Failure("busy", ports::Blame::kResource);
  });
  ASSERT_TRUE(
      home.Submit(Harness::Body("j", 2500, "", [](int i) { return i == 5 ? "hopeless" : "good"; })).has_value());
  home.Restart();
  ASSERT_TRUE(home.Step());
  auto lost = home.fan_out->Take({"data"});  // in flight when the process dies
  ASSERT_TRUE(lost.has_value());
  home.Restart();
  EXPECT_EQ(home.fan_out->BacklogOf(job::TenantId("acme")).tenant_jobs, 1U);
  ASSERT_TRUE(home.Step());
  home.Restart();
  home.RunAll();
  home.ExpectWhole("j", 2500);
  EXPECT_EQ(home.Results("j")[5].attempts, job::kMaxAttempts);
  EXPECT_EQ(tries, static_cast<int>(job::kMaxAttempts)) << "attempts survive restarts";
}

TEST_P(Flow, ARestartDuringTheFanInRunsTheReducersThatDidNotEnd) {
  home.reducers.Add(std::make_unique<fakes::CountingReducer>("timeline"));
  ASSERT_TRUE(home.Submit(Harness::Body("j", 10, R"("reducers":["timeline"],)")).has_value());
  while (home.JobOf("j").state.phase != job::Phase::kReducing) ASSERT_TRUE(home.Step());
  ASSERT_TRUE(home.Step());
  home.Restart();
  home.RunAll();
  const job::Job job = home.JobOf("j");
  EXPECT_EQ(job::StatusOf(job), JobStatus::kCompleted);
  EXPECT_EQ(job.state.reduced.size(), 2U);
}

TEST_P(Flow, RecordingAnAnswerTwiceChangesNothing) {
  ASSERT_TRUE(home.Submit(Harness::Body("j", 500)).has_value());
  auto lease = home.fan_out->Take({"data"});
  ASSERT_TRUE(lease.has_value());
  ChunkProcessor worker(home.blobs, home.processors, home.reducers, nullptr, home.clock, home.random);
  const ports::ChunkAnswer answer = worker.Run(lease->chunk).value();
  Record record(*home.context);
  const auto first = record.Run(Harness::Key("j"), 1, {"summary"}, answer);
  const auto second = record.Run(Harness::Key("j"), 1, {"summary"}, answer);
  ASSERT_TRUE(first.has_value() && second.has_value());
  EXPECT_EQ(first->accepted, answer.outcomes.size());
  EXPECT_EQ(second->accepted, 0U);
  EXPECT_EQ(first->job.counters, second->job.counters);
  home.fan_out->Answered(lease->id, answer);
  home.RunAll();
  home.ExpectWhole("j", 500);
}

TEST_P(Flow, MixedTypesAndSingleToonChunks) {
  std::string body = R"({"jobId":"j","chunking":"per-toon","toons":[)";
  for (int i = 0; i < 60; ++i) {
    const char* type = i % 3 == 0 ? "image" : i % 3 == 1 ? "audio" : "message";
    body += fmt::format(R"({}{{"toonId":"t{}","type":"{}","data":"aGk="}})", i == 0 ? "" : ",", i, type);
  }
  ASSERT_TRUE(home.Submit(body + "]}").has_value());
  home.RunAll();
  home.ExpectWhole("j", 60);
  EXPECT_EQ(home.chunks, 61);
  EXPECT_EQ(home.Results("j", {.type = "audio"}).size(), 20U);
}

TEST_P(Flow, PagesOfResultsAreTheWholeInOrder) {
  ASSERT_TRUE(home.Submit(Harness::Body("j", 250)).has_value());
  home.RunAll();
  EXPECT_EQ(home.Results("j", {.page_size = 7}).size(), 250U);
  const auto page = Query(*home.context).Results(Harness::Key("j"), {.page_size = 7});
  ResultFilter other{.state = ToonState::kFailed, .page_token = page->next_page_token};
  EXPECT_EQ(Query(*home.context).Results(Harness::Key("j"), other).error().fields[0].pointer, "/pageToken");
}

std::string UploadOf(Harness& home, const std::string& bytes) {
  const base::Sha256 digest = base::Sha256Of(bytes);
  Upload upload(*home.context);
  const job::TenantId tenant("acme");
  EXPECT_TRUE(upload.Promise({.tenant = tenant, .sha256 = digest, .bytes = bytes.size()}).has_value());
  auto receiving = upload.Receive(tenant, digest);
  EXPECT_TRUE(receiving.has_value());
  EXPECT_TRUE((*receiving)->Write(bytes).has_value());
  EXPECT_TRUE((*receiving)->Finish().has_value());
  return "upload://" + base::ToHex(digest);
}

TEST_P(Flow, AnUploadedManifestIsCountedAfterItsAcceptance) {
  std::string lines;
  for (int i = 0; i < 3000; ++i)
    lines += fmt::format("{{\"toonId\":\"t{}\",\"type\":\"message\",\"text\":\"x\"}}\n", i);
  const std::string uri = UploadOf(home, lines);
  const auto answer = home.Submit(fmt::format(R"({{"jobId":"j","manifestUri":"{}"}})", uri));
  ASSERT_TRUE(answer.has_value());
  EXPECT_FALSE(answer->job.state.toon_count.has_value());
  home.Restart();  // before it was validated
  home.RunAll();
  EXPECT_EQ(job::StatusOf(home.JobOf("j")), JobStatus::kCompleted);
  home.ExpectWhole("j", 3000);
}

TEST_P(Flow, JobsOverOneUploadedManifestHavePlansOfTheirOwn) {
  std::string lines;
  for (int i = 0; i < 300; ++i)
    lines += fmt::format("{{\"toonId\":\"t{}\",\"type\":\"message\",\"text\":\"{}\"}}\n", i, i);
  const std::string uri = UploadOf(home, lines);
  std::string bad;
  home.processors.Set("message", [&](const ports::ToonInput& input) {
    return input.bytes == bad ? fakes::FakeProcessor::Failure("bad-input", ports::Blame::kInput)
                              : fakes::FakeProcessor::CountBytes(input);
  });
  for (const char* name : {"a", "b"}) {
    bad = name[0] == 'a' ? "7" : "200";
    ASSERT_TRUE(home.Submit(fmt::format(R"({{"jobId":"{}","manifestUri":"{}"}})", name, uri)).has_value());
    home.RunAll();
  }
  bad.clear();
  Control control(*home.context, *home.fan_out);
  ASSERT_TRUE(control.Retry(Harness::Key("a")).has_value());
  ASSERT_TRUE(control.Retry(Harness::Key("b")).has_value());
  home.Restart();
  home.RunAll();
  for (const char* name : {"a", "b"}) {
    home.ExpectWhole(name, 300);
    EXPECT_EQ(job::StatusOf(home.JobOf(name)), JobStatus::kCompleted);
  }
  ASSERT_TRUE(home.context->jobs.Delete(Harness::Key("a"), home.JobOf("a").state.version).has_value());
  EXPECT_EQ(home.Results("b").size(), 300U);
}

TEST_P(Flow, ABadLineFailsTheJobAndNamesThePlace) {
  const std::string uri = UploadOf(home,
                                   "{\"toonId\":\"t0\",\"type\":\"message\",\"text\":\"x\"}\n"
                                   "{\"toonId\":\"t0\",\"type\":\"message\",\"txt\":\"x\"}\n");
  ASSERT_TRUE(home.Submit(fmt::format(R"({{"jobId":"j","manifestUri":"{}"}})", uri)).has_value());
  home.RunAll();
  const job::Job job = home.JobOf("j");
  EXPECT_EQ(job.state.reason, "invalid-manifest");
  ASSERT_FALSE(job.state.problems.empty());
  EXPECT_TRUE(job.state.problems[0].pointer.starts_with("/1")) << job.state.problems[0].pointer;
}

TEST_P(Flow, AUriNamesTheTenantsOwnBytesOnly) {
  const std::string uri = UploadOf(home, "some bytes");
  const std::string body =
      fmt::format(R"({{"jobId":"j","toons":[{{"toonId":"t0","type":"binary","uri":"{}"}}]}})", uri);
  const auto refused = home.Submit(body, "mallory");
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().fields[0].pointer, "/toons/0/uri");
  ASSERT_TRUE(home.Submit(body).has_value());
  home.RunAll();
  EXPECT_EQ(home.Results("j")[0].sha256, base::Sha256Of("some bytes"));
}

TEST_P(Flow, AnUploadMustBeWhatWasAnnounced) {
  Upload upload(*home.context);
  const job::TenantId tenant("acme");
  const base::Sha256 digest = base::Sha256Of("right");
  ASSERT_TRUE(upload.Promise({.tenant = tenant, .sha256 = digest, .bytes = 5}).has_value());
  auto receiving = upload.Receive(tenant, digest);
  ASSERT_TRUE((*receiving)->Write("wrong").has_value());
  EXPECT_EQ((*receiving)->Finish().error().reason, "checksum-mismatch");
  receiving = upload.Receive(tenant, digest);
  EXPECT_EQ((*receiving)->Write("too long").error().code, base::Code::kTooLarge);
}

TEST_P(Flow, AskedForReuseEqualToonsAreNotProcessedAgain) {
  const std::string reuse = R"("reuse":true,)";
  const auto same = [](int i) { return fmt::format("text {}", i % 50); };
  ASSERT_TRUE(home.Submit(Harness::Body("first", 50, reuse, same)).has_value());
  home.RunAll();
  ASSERT_TRUE(home.Submit(Harness::Body("second", 60, reuse, same)).has_value());
  home.RunAll();
  EXPECT_EQ(home.metrics.reused, 60U);
  home.ExpectWhole("second", 60);
  for (const job::Outcome& outcome : home.Results("second")) EXPECT_TRUE(outcome.reused);
  ASSERT_TRUE(home.Submit(Harness::Body("third", 10, "", same)).has_value());
  home.RunAll();
  EXPECT_FALSE(home.Results("third")[0].reused) << "messages are not looked up unless asked";
  ASSERT_TRUE(home.Submit(Harness::Body("theirs", 10, reuse, same), "other").has_value());
  home.RunAll();
  EXPECT_EQ(home.metrics.reused, 60U) << "never another tenant's";
}

TEST_P(Flow, TheBacklogHasALimit) {
  home.context->limits.max_pending_toons = 100;
  ASSERT_TRUE(home.Submit(Harness::Body("a", 90)).has_value());
  EXPECT_EQ(home.Submit(Harness::Body("b", 90)).error().code, base::Code::kThrottled);
  home.RunAll();
  EXPECT_TRUE(home.Submit(Harness::Body("b", 90)).has_value());
}

TEST_P(Flow, ASmallJobOvertakesABigOneOfAnotherTenant) {
  ASSERT_TRUE(home.Submit(Harness::Body("big", 20'000), "whale").has_value());
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(home.Step());
    home.clock.Advance(std::chrono::milliseconds(50));
  }
  ASSERT_TRUE(home.Submit(Harness::Body("small", 10)).has_value());
  int chunks = 0;
  while (job::StatusOf(home.JobOf("small")) != JobStatus::kCompleted) {
    auto lease = home.fan_out->Take({"data"});
    ASSERT_TRUE(lease.has_value());
    ChunkProcessor worker(home.blobs, home.processors, home.reducers, nullptr, home.clock, home.random);
    auto answer = worker.Run(lease->chunk);
    home.clock.Advance(std::chrono::milliseconds(50));
    home.fan_out->Answered(lease->id, std::move(*answer));
    ASSERT_LT(++chunks, 8);
  }
}

TEST_P(Flow, ExpiredJobsAndUnnamedBytesAreCollected) {
  ASSERT_TRUE(home.Submit(Harness::Body("j", 10, R"("retentionSeconds":60,)")).has_value());
  home.RunAll();
  home.blobs.Plant(ports::ContentKey(job::TenantId("acme"), base::Sha256Of("orphan")), "orphan");
  Collect collect(*home.context, std::nullopt);
  EXPECT_EQ(home.Results("j").size(), 10U);
  home.clock.Advance(std::chrono::hours(2));
  const auto swept = collect.Run();
  ASSERT_TRUE(swept.has_value());
  EXPECT_EQ(swept->jobs, 1U);
  EXPECT_EQ(home.blobs.size(), 0U) << "manifest, summary and orphan";
  EXPECT_FALSE(Query(*home.context).Job(Harness::Key("j")).has_value());
  EXPECT_TRUE(home.Submit(Harness::Body("j", 5)).has_value()) << "the id is free again";
}

TEST_P(Flow, WatchersHearOnlyOfCommittedChanges) {
  ASSERT_TRUE(home.Submit(Harness::Body("j", 10)).has_value());
  home.RunAll();
  const auto published = home.notifier.published();
  ASSERT_FALSE(published.empty());
  EXPECT_EQ(job::StatusOf(published.back()), JobStatus::kCompleted);
  const auto events = home.context->outbox.Pending("", 10).value();
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[0].type, "JobAccepted");
  EXPECT_EQ(events[1].type, "JobCompleted");
}

INSTANTIATE_TEST_SUITE_P(Stores, Flow, testing::Values(StoreKind::kFake, StoreKind::kRocks),
                         [](const auto& info) { return info.param == StoreKind::kFake ? "DynamoLike" : "Rocks"; });

}  // namespace
}  // namespace flow
