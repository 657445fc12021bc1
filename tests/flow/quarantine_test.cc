// Toons that kill whoever processes them: killed twice, remembered, refused at once, listed, released.
#include <algorithm>

#include "flow/record.h"
#include "harness.h"
#include "job/limits.h"
#include "wire/outcome_codec.h"

namespace flow {
namespace {

using job::JobStatus;
using job::ToonState;
using ports::WorkerEnd;

const job::TenantId kAcme{"acme"};

fakes::FakeProcessor::Answer KilledByBombs(const ports::ToonInput& input) {
  return input.bytes == "bomb" ? fakes::FakeProcessor::Failure("memory-limit", ports::Blame::kLethal)
                               : fakes::FakeProcessor::CountBytes(input);
}
std::string BombAt1(int i) {
  return i == 1 ? "bomb" : fmt::format("toon {}", i);
}
std::string OneToon(const std::string& job_id, const std::string& type, const std::string& source) {
  return fmt::format(R"({{"jobId":"{}","toons":[{{"toonId":"t0","type":"{}",{}}}]}})", job_id, type, source);
}

class Quarantine : public testing::TestWithParam<StoreKind> {
 protected:
  Quarantine() { home.processors.Set("message", KilledByBombs); }
  void Run(const std::string& body, const std::string& tenant = "acme", const Harness::Dies& dies = nullptr) {
    ASSERT_TRUE(home.Submit(body, tenant).has_value());
    home.RunAll(dies);
  }
  // A job of three, the second of which kills: from now on its bytes are in quarantine.
  void Poison() { Run(Harness::Body("first", 3, "", BombAt1)); }
  std::vector<job::Quarantined> All(const job::TenantId& tenant = kAcme) {
    const auto page = Query(*home.context).Quarantined(tenant, std::nullopt, 1000);
    EXPECT_TRUE(page.has_value());
    return page->entries;
  }
  base::Status Release(std::string_view bytes) {
    return Control(*home.context, *home.fan_out).Release(kAcme, base::Sha256Of(bytes));
  }
  std::size_t Calls(std::string_view type = "message") { return home.processors.Find(type)->calls(); }
  Harness home{GetParam()};
};

INSTANTIATE_TEST_SUITE_P(Stores, Quarantine, testing::Values(StoreKind::kFake, StoreKind::kRocks),
                         [](const auto& info) { return info.param == StoreKind::kFake ? "Fake" : "Rocks"; });

TEST_P(Quarantine, AToonThatKillsTwiceFailsAndItsBytesAreListed) {
  Poison();
  home.ExpectWhole("first", 3);
  const job::Outcome failed = home.Results("first")[1];
  EXPECT_EQ(failed.error->code, "memory-limit");
  EXPECT_EQ(failed.attempts, job::kMaxLethalAttempts);
  EXPECT_EQ(Calls(), 2 + job::kMaxLethalAttempts);
  ASSERT_EQ(All().size(), 1U);
  EXPECT_EQ(All().at(0), (job::Quarantined{.bytes = {.sha256 = base::Sha256Of("bomb"), .type = "message"},
                                           .error = *failed.error,
                                           .job = job::JobId("first"),
                                           .toon = job::ToonId("t1"),
                                           .at = failed.processed_at}));
  EXPECT_EQ(home.metrics.quarantined, 1U);
}

// 'b': busy, 'k': killed, 'p': the platform failed, '.': a success; one letter a try.
class Tries : public Quarantine {
 protected:
  job::Outcome After(const std::string& story) {
    std::size_t next = 0;
    home.processors.Set("message", [&](const ports::ToonInput& input) {
      const char now = story.at(next++);
      if (now == '.') return fakes::FakeProcessor::CountBytes(input);
      if (now == 'b') return fakes::FakeProcessor::Failure("busy", ports::Blame::kResource);
      if (now == 'p') return fakes::FakeProcessor::Failure("isolation-unavailable", ports::Blame::kPlatform);
      return fakes::FakeProcessor::Failure("memory-limit", ports::Blame::kLethal);
    });
    Run(OneToon(story, "message", fmt::format(R"("text":"{}")", story)));
    EXPECT_EQ(next, story.size());
    return home.Results(story).at(0);
  }
};
INSTANTIATE_TEST_SUITE_P(Stores, Tries, testing::Values(StoreKind::kFake, StoreKind::kRocks),
                         [](const auto& info) { return info.param == StoreKind::kFake ? "Fake" : "Rocks"; });

TEST_P(Tries, OnlyTwoDeathsInARowQuarantine) {
  EXPECT_EQ(After("k.").state, ToonState::kSucceeded);
  EXPECT_EQ(After("bk.").state, ToonState::kSucceeded);
  EXPECT_EQ(After("bbk.").state, ToonState::kSucceeded);
  EXPECT_EQ(After("kbb").error->code, "busy");
  EXPECT_TRUE(All().empty());
  EXPECT_EQ(After("bkk").error->code, "memory-limit");
  EXPECT_EQ(After("bbkk").attempts, 4U);
  EXPECT_EQ(All().size(), 2U);
}

TEST_P(Tries, ThePlatformsFailuresCostNoAttempt) {
  const job::Outcome outcome = After("pppp.");
  EXPECT_EQ(outcome.state, ToonState::kSucceeded);
  EXPECT_EQ(outcome.attempts, 1U);
}

TEST_P(Quarantine, TheNextJobWithTheSameBytesIsRefusedThemAtOnce) {
  Poison();
  const std::size_t calls = Calls();
  Run(Harness::Body("next", 3, "", BombAt1));
  home.ExpectWhole("next", 3);
  EXPECT_EQ(Calls(), calls + 2) << "its neighbours are processed, it is not";
  const job::Outcome refused = home.Results("next")[1];
  EXPECT_EQ(refused.state, ToonState::kFailed);
  EXPECT_EQ(refused.error->code, "quarantined");
  for (const std::string& told : {std::string("memory-limit"), std::string("job first"), std::string("toon t1"),
                                  "DELETE /quarantine/" + base::ToHex(base::Sha256Of("bomb"))}) {
    EXPECT_TRUE(refused.error->message.contains(told)) << refused.error->message;
  }
  EXPECT_EQ(refused.sha256, base::Sha256Of("bomb"));
  EXPECT_EQ(refused.attempts, 1U);
  EXPECT_EQ(home.metrics.refused, 1U);
  EXPECT_EQ(All().at(0).job.str(), "first") << "a refusal is no new death";
}

TEST_P(Quarantine, AChunkOfRefusedToonsOnlyMeetsNoWorker) {
  Poison();
  const int chunks = home.chunks;
  Run(Harness::Body("next", 500, "", [](int) { return "bomb"; }));
  home.ExpectWhole("next", 500);
  EXPECT_EQ(home.chunks - chunks, 1) << "only the reducer's";
  EXPECT_EQ(home.metrics.refused, 500U);
}

TEST_P(Quarantine, AnotherTenantsBytesAreItsOwnBusiness) {
  Poison();
  const std::size_t calls = Calls();
  Run(Harness::Body("theirs", 1, "", [](int) { return "bomb"; }), "other");
  EXPECT_EQ(Calls(), calls + job::kMaxLethalAttempts);
  EXPECT_EQ(All(job::TenantId("other")).size(), 1U);
  EXPECT_EQ(home.metrics.refused, 0U);
}

TEST_P(Quarantine, BytesThatKillAsOneTypeAreHarmlessAsAnother) {
  Poison();
  Run(OneToon("same-class", "gameplay", R"("text":"bomb")"));
  Run(OneToon("other-class", "image", R"("text":"bomb")"));
  EXPECT_EQ(home.Results("same-class")[0].state, ToonState::kSucceeded);
  EXPECT_EQ(home.Results("other-class")[0].state, ToonState::kSucceeded);
}

TEST_P(Quarantine, TheBytesCountNotTheWayTheyCame) {
  Poison();
  const base::Sha256 digest = base::Sha256Of("bomb");
  Run(OneToon("base64", "message", fmt::format(R"("data":"{}")", base::ToBase64("bomb"))));
  EXPECT_EQ(home.Results("base64")[0].error->code, "quarantined");
  flow::Upload upload(*home.context);
  ASSERT_TRUE(upload.Promise({.tenant = kAcme, .sha256 = digest, .bytes = 4}).has_value());
  auto receiving = upload.Receive(kAcme, digest);
  ASSERT_TRUE(receiving.has_value());
  ASSERT_TRUE((*receiving)->Write("bomb").has_value());
  ASSERT_TRUE((*receiving)->Finish().has_value());
  Run(OneToon("uri", "message", fmt::format(R"("uri":"upload://{}")", base::ToHex(digest))));
  EXPECT_EQ(home.Results("uri")[0].error->code, "quarantined");
}

TEST_P(Quarantine, RetryingFailsUntilTheBytesAreReleased) {
  Poison();
  Control control(*home.context, *home.fan_out);
  ASSERT_TRUE(control.Retry(Harness::Key("first")).has_value());
  const std::size_t calls = Calls();
  home.RunAll();
  EXPECT_EQ(Calls(), calls);
  EXPECT_EQ(home.Results("first")[1].error->code, "quarantined");
  EXPECT_EQ(job::StatusOf(home.JobOf("first")), JobStatus::kFailed);

  home.processors.Set("message", &fakes::FakeProcessor::CountBytes);
  ASSERT_TRUE(Release("bomb").has_value());
  EXPECT_TRUE(All().empty());
  ASSERT_TRUE(control.Retry(Harness::Key("first")).has_value());
  home.RunAll();
  EXPECT_EQ(job::StatusOf(home.JobOf("first")), JobStatus::kCompleted);
  home.ExpectWhole("first", 3);
}

TEST_P(Quarantine, ReleasedBytesThatKillAgainComeBack) {
  Poison();
  ASSERT_TRUE(Release("bomb").has_value());
  EXPECT_EQ(Release("bomb").error().code, base::Code::kNotFound);
  Run(Harness::Body("again", 3, "", BombAt1));
  EXPECT_EQ(home.Results("again")[1].error->code, "memory-limit");
  ASSERT_EQ(All().size(), 1U);
  EXPECT_EQ(All().at(0).job.str(), "again");
}

Harness::Dies DiesOnBombsOf(const std::string& job_id, job::Position poison, WorkerEnd end) {
  return [=](const ports::Chunk& chunk) -> std::optional<WorkerEnd> {
    const job::Position first = chunk.segment.first;
    bool holds = chunk.only.empty() && poison >= first && poison < first + chunk.segment.count;
    for (const std::uint32_t index : chunk.only) holds = holds || first + index == poison;
    const bool process = chunk.kind == ports::Chunk::Kind::kProcess && chunk.key.job.str() == job_id;
    return process && holds ? std::optional(end) : std::nullopt;
  };
}

TEST_P(Quarantine, ToonsThatKillOrHangWholeWorkersAreQuarantinedToo) {
  home.processors.Set("message", &fakes::FakeProcessor::CountBytes);
  const auto bomb = [](int i) { return i == 17 ? "bomb" : i == 30 ? "sloth" : fmt::format("toon {}", i); };
  ASSERT_TRUE(home.Submit(Harness::Body("first", 40, "", bomb)).has_value());
  const auto dies = [](const ports::Chunk& chunk) {
    const auto crash = DiesOnBombsOf("first", 17, WorkerEnd::kCrashed)(chunk);
    return crash ? crash : DiesOnBombsOf("first", 30, WorkerEnd::kTimedOut)(chunk);
  };
  home.RunAll(dies);
  home.ExpectWhole("first", 40);
  std::vector<std::pair<base::Sha256, std::string>> listed;
  for (const job::Quarantined& entry : All()) listed.emplace_back(entry.bytes.sha256, entry.error.code);
  std::vector<std::pair<base::Sha256, std::string>> expected{{base::Sha256Of("bomb"), "worker-died"},
                                                             {base::Sha256Of("sloth"), "timeout"}};
  std::ranges::sort(expected);
  EXPECT_EQ(listed, expected);
  EXPECT_EQ(home.Results("first")[17].source_bytes, 4U);
  const int chunks = home.chunks;
  Run(Harness::Body("next", 40, "", bomb), "acme", [](const ports::Chunk& chunk) {
    const auto dies_now = DiesOnBombsOf("next", 17, WorkerEnd::kCrashed)(chunk);
    EXPECT_FALSE(dies_now.has_value()) << "no worker is given it";
    return dies_now;
  });
  EXPECT_LE(home.chunks - chunks, 3) << "nothing is lost, so nothing is halved";
  EXPECT_EQ(home.Results("next")[17].error->code, "quarantined");
  EXPECT_EQ(home.Results("next")[30].error->code, "quarantined");
}

TEST_P(Quarantine, AWorkersOwnErrorAndAPlatformsFailureQuarantineNothing) {
  home.processors.Set("message", &fakes::FakeProcessor::CountBytes);
  Run(Harness::Body("errs", 1), "acme", [](const ports::Chunk& chunk) {
    return chunk.kind == ports::Chunk::Kind::kProcess ? std::optional(WorkerEnd::kErrored) : std::nullopt;
  });
  EXPECT_EQ(home.Results("errs")[0].error->code, "worker-error");
  EXPECT_EQ(home.Results("errs")[0].attempts, job::kMaxAttempts);
  Run(Harness::Body("stops", 1), "acme", [](const ports::Chunk& chunk) {
    return chunk.kind == ports::Chunk::Kind::kProcess ? std::optional(WorkerEnd::kPlatform) : std::nullopt;
  });
  EXPECT_EQ(home.Results("stops")[0].state, ToonState::kFailed);
  EXPECT_TRUE(All().empty());
}

TEST_P(Quarantine, ATryThatWaitsIsRefusedIfItsBytesWereQuarantinedMeanwhile) {
  ASSERT_TRUE(home.Submit(Harness::Body("waits", 1, "", [](int) { return "bomb"; })).has_value());
  ASSERT_TRUE(home.Step());
  Poison();  // its retries end together with those of the job that waits: whoever is second is refused
  const auto code = [&](const char* job_id, std::size_t at) { return home.Results(job_id)[at].error->code; };
  EXPECT_NE(code("waits", 0), code("first", 1));
  EXPECT_TRUE(code("waits", 0) == "quarantined" || code("first", 1) == "quarantined");
  EXPECT_EQ(home.metrics.refused, 1U);
}

TEST_P(Quarantine, ARestartForgetsNothing) {
  Poison();
  ASSERT_TRUE(home.Submit(Harness::Body("next", 3, "", BombAt1)).has_value());
  home.Restart();
  home.RunAll();
  home.ExpectWhole("next", 3);
  EXPECT_EQ(home.Results("next")[1].error->code, "quarantined");
}

TEST_P(Quarantine, WhatIsQuarantinedIsNotAnsweredFromAnEarlierSuccess) {
  home.processors.Set("message", &fakes::FakeProcessor::CountBytes);
  Run(Harness::Body("good", 2, R"("reuse":true,)", BombAt1));
  home.processors.Set("message", KilledByBombs);
  Poison();
  Run(Harness::Body("next", 2, R"("reuse":true,)", BombAt1));
  home.ExpectWhole("next", 2);
  EXPECT_TRUE(home.Results("next")[0].reused);
  EXPECT_EQ(home.Results("next")[1].error->code, "quarantined");
}

TEST_P(Quarantine, AnAnswerOfManyDeathsIsSlicedToTheStoresLimits) {
  home.processors.Set("message", [](const ports::ToonInput& input) {
    auto failure = fakes::FakeProcessor::Failure("cpu-limit", ports::Blame::kLethal);
    failure.error().error.message = std::string(job::kMaxErrorMessageBytes + 100, 'x') + std::string(input.bytes);
    return failure;
  });
  Run(Harness::Body("many", 400, "", [](int i) { return fmt::format("bomb {}", i % 300); }));
  home.ExpectWhole("many", 400);
  EXPECT_EQ(All().size(), 300U) << "equal bytes once";
  EXPECT_EQ(home.metrics.quarantined, 300U);
}

TEST_P(Quarantine, ARecordedAnswerThatComesAgainDoesNotUndoARelease) {
  ASSERT_TRUE(home.Submit(Harness::Body("j", 2)).has_value());
  const auto row = [](job::Position position, std::string_view bytes) {
    return wire::ToRow({.position = position,
                        .state = ToonState::kFailed,
                        .toon_id = job::ToonId("t"),
                        .type = "message",
                        .sha256 = base::Sha256Of(bytes),
                        .error = job::ToonError{.code = "forbidden-call", .message = "m"}});
  };
  Record record(*home.context);
  EXPECT_EQ(record.Run(Harness::Key("j"), 1, {}, {.outcomes = {row(0, "a")}})->quarantined, 1U);
  ASSERT_TRUE(Release("a").has_value());
  const auto again = record.Run(Harness::Key("j"), 1, {}, {.outcomes = {row(0, "a"), row(1, "b")}});
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(again->quarantined, 1U);
  ASSERT_EQ(All().size(), 1U);
  EXPECT_EQ(All().at(0).bytes.sha256, base::Sha256Of("b"));
}

class QuarantineFaults : public testing::TestWithParam<std::uint64_t> {};

TEST_P(QuarantineFaults, AnEntryAndItsOutcomeAreThereTogetherOrNotAtAll) {
  const std::uint64_t seed = GetParam();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  Harness home(StoreKind::kFake, seed);
  home.processors.Set("message", KilledByBombs);
  ASSERT_TRUE(home.Submit(Harness::Body("j", 5, "", BombAt1)).has_value());
  const auto is_listed = [&] { return !home.context->quarantine.List(kAcme, std::nullopt, 1)->entries.empty(); };
  const auto is_recorded = [&] {
    const auto rows = home.context->outcomes.Read(Harness::Key("j"), 1, 1, 1, 1U << 20U);
    return !rows->empty() && rows->front().position == 1;
  };
  for (int step = 0; step < 500 && job::StatusOf(home.JobOf("j")) < JobStatus::kCompleted; ++step) {
    switch (home.random.Next() % 5) {
      case 0:
        home.fake.commit_fault.FailNext(1);
        break;
      case 1:
        home.fake.lost_answer.FailNext(1);
        break;
      case 2:
        home.fake.read_fault.FailNext(1);
        break;
      case 3:
        if (home.random.Next() % 4 == 0) home.Restart();
        break;
      default:
        break;
    }
    (void)home.Step();
    (void)home.fan_out->RunDue();
    home.clock.Advance(std::chrono::milliseconds(200));
    home.fake.commit_fault.FailNext(0);
    home.fake.lost_answer.FailNext(0);
    home.fake.read_fault.FailNext(0);
    ASSERT_EQ(is_listed(), is_recorded());
  }
  home.RunAll();
  home.ExpectWhole("j", 5);
  EXPECT_TRUE(is_listed());
}

INSTANTIATE_TEST_SUITE_P(Seeds, QuarantineFaults, testing::Range<std::uint64_t>(1, 101));

}  // namespace
}  // namespace flow
