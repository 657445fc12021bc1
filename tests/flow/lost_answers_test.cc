// What flow_sim found, each as its own small story.
#include "flow/collect.h"
#include "harness.h"
#include "job/limits.h"

namespace flow {
namespace {

using job::JobStatus;

struct LostAnswers : testing::Test {
  LostAnswers() { home.RunAll(); }
  Harness home{StoreKind::kFake};
};

TEST_F(LostAnswers, ASubmissionThatWasStoredRunsAlthoughItsClientWasToldOtherwise) {
  home.fake.lost_answer.FailNext(1);
  EXPECT_EQ(home.Submit(Harness::Body("j", 3)).error().code, base::Code::kUnavailable);
  home.RunAll();
  home.ExpectWhole("j", 3);
  EXPECT_TRUE(home.Submit(Harness::Body("j", 3))->replayed);
}

TEST_F(LostAnswers, ARetryThatWasStoredRuns) {
  ASSERT_TRUE(home.Submit(Harness::Body("j", 3)).has_value());
  Control control(*home.context, *home.fan_out);
  ASSERT_TRUE(control.Cancel(Harness::Key("j")).has_value());
  int writes = 0;
  home.fake.lost_answer.Ask([&] { return ++writes == 2; });  // the plan, then the job
  EXPECT_EQ(control.Retry(Harness::Key("j")).error().code, base::Code::kUnavailable);
  home.RunAll();
  home.ExpectWhole("j", 3);
  EXPECT_EQ(job::StatusOf(home.JobOf("j")), JobStatus::kCompleted);
}

TEST_F(LostAnswers, ACancelThatWasStoredStopsTheWork) {
  ASSERT_TRUE(home.Submit(Harness::Body("j", 3)).has_value());
  home.fake.lost_answer.FailNext(1);
  EXPECT_FALSE(Control(*home.context, *home.fan_out).Cancel(Harness::Key("j")).has_value());
  (void)home.fan_out->RunDue();
  EXPECT_EQ(home.fan_out->Snapshot().jobs, 0U);
}

TEST_F(LostAnswers, AFanInThatWasStoredGoesOn) {
  ASSERT_TRUE(home.Submit(Harness::Body("j", 3)).has_value());
  (void)home.fan_out->RunDue();
  auto lease = home.fan_out->Take({"data"});
  (void)home.fan_out->RunDue();
  ChunkProcessor worker(home.blobs, home.processors, home.reducers, nullptr, home.clock, home.random);
  int writes = 0;
  home.fake.lost_answer.Ask([&] { return ++writes == 2; });  // the outcomes, then the fan-in
  home.fan_out->Answered(lease->id, worker.Run(lease->chunk).value());
  EXPECT_EQ(home.JobOf("j").state.phase, job::Phase::kReducing);
  home.RunAll();
  home.ExpectWhole("j", 3);
  EXPECT_EQ(job::StatusOf(home.JobOf("j")), JobStatus::kCompleted);
}

TEST_F(LostAnswers, AClockThatJumpsBackDelaysNoRetryByMoreThanTheCap) {
  bool busy = true;
  home.processors.Set("message", [&](const ports::ToonInput& input) {
    return busy ? fakes::FakeProcessor::Failure("busy", ports::Blame::kResource)
                : fakes::FakeProcessor::CountBytes(input);
  });
  ASSERT_TRUE(home.Submit(Harness::Body("j", 1)).has_value());
  auto lease = home.fan_out->Take({"data"});
  ChunkProcessor worker(home.blobs, home.processors, home.reducers, nullptr, home.clock, home.random);
  const ports::ChunkAnswer answer = worker.Run(lease->chunk).value();
  home.clock.JumpTo(home.clock.Now() - std::chrono::hours(24));
  home.fan_out->Answered(lease->id, answer);
  busy = false;
  home.RunAll();
  EXPECT_EQ(job::StatusOf(home.JobOf("j")), JobStatus::kCompleted);
}

TEST_F(LostAnswers, AToonThatKillsKeepsItsIdWhileItsManifestCannotBeRead) {
  ASSERT_TRUE(home.Submit(Harness::Body("j", 1)).has_value());
  int last_tries = 0;
  home.RunAll([&](const ports::Chunk& chunk) -> std::optional<ports::WorkerEnd> {
    if (chunk.kind == ports::Chunk::Kind::kReduce) return std::nullopt;
    if (chunk.attempt == job::kMaxLethalAttempts && ++last_tries == 1) home.blobs.read_fault.FailNext(1);
    return ports::WorkerEnd::kCrashed;
  });
  EXPECT_EQ(last_tries, 2) << "one of them consumed nothing";
  EXPECT_EQ(home.Results("j").at(0).attempts, job::kMaxLethalAttempts);
  EXPECT_EQ(home.Results("j").at(0).toon_id.str(), "t0");
}

TEST_F(LostAnswers, ARefusedSubmissionLeavesNoCopyOfItsManifest) {
  ASSERT_TRUE(home.Submit(Harness::Body("j", 1)).has_value());
  home.RunAll();
  const std::string lines = "{\"toonId\":\"t0\",\"type\":\"message\",\"text\":\"x\"}\n";
  const base::Sha256 digest = base::Sha256Of(lines);
  Upload upload(*home.context);
  const job::TenantId tenant("acme");
  ASSERT_TRUE(upload.Promise({.tenant = tenant, .sha256 = digest, .bytes = lines.size()}).has_value());
  auto receiving = upload.Receive(tenant, digest).value();
  ASSERT_TRUE(receiving->Write(lines).has_value());
  ASSERT_TRUE(receiving->Finish().has_value());
  const std::size_t before = home.blobs.size();
  const std::string body = fmt::format(R"({{"jobId":"j","manifestUri":"upload://{}"}})", base::ToHex(digest));
  EXPECT_EQ(home.Submit(body).error().code, base::Code::kConflict);
  EXPECT_EQ(home.blobs.size(), before + 1);
  home.clock.Advance(std::chrono::hours(2));
  ASSERT_TRUE(Collect(*home.context, std::nullopt).Run().has_value());
  EXPECT_EQ(home.blobs.size(), before);
}

TEST_F(LostAnswers, AnArtifactMadeAgainOutlivesTheJobThatMadeItFirst) {
  ASSERT_TRUE(home.Submit(Harness::Body("old", 1, R"("retentionSeconds":60,)")).has_value());
  home.RunAll();  // its summary says "1"
  home.clock.Advance(std::chrono::hours(2));
  ASSERT_TRUE(home.Submit(Harness::Body("new", 1)).has_value());
  while (home.JobOf("new").state.phase != job::Phase::kReducing) ASSERT_TRUE(home.Step());
  auto lease = home.fan_out->Take({"data"});
  ChunkProcessor worker(home.blobs, home.processors, home.reducers, nullptr, home.clock, home.random);
  const ports::ChunkAnswer answer = worker.Run(lease->chunk).value();
  ASSERT_TRUE(Collect(*home.context, std::nullopt).Run().has_value());
  home.fan_out->Answered(lease->id, answer);
  const job::Artifact summary = home.JobOf("new").state.reduced.at(0).artifacts.at(0);
  EXPECT_TRUE(home.blobs.Size(ports::ContentKey(job::TenantId("acme"), summary.sha256))->has_value());
}

}  // namespace
}  // namespace flow
