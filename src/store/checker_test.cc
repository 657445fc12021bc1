// One row is changed in a sound folder, one kind of problem is told. Blobs and files: tests/e2e/damage_test.py.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <set>

#include "fakes/blobs.h"
#include "job/payload.h"
#include "store/check.h"
#include "store/database.h"
#include "store/jobs.h"
#include "store/store.h"
#include "wire/outcome_codec.h"

namespace store {
namespace {

using Kinds = std::set<std::string, std::less<>>;

class NoMerger final : public ports::PartialMerger {
 public:
  base::Result<std::string> Merge(std::string_view /*reducer*/, std::string_view a, std::string_view) const override {
    return std::string(a);
  }
};

const job::TenantId kAna{"ana"};
const job::JobKey kJob{.tenant = kAna, .job = job::JobId("j1")};
const std::string kManifest = "{1}\n{2}\n{3}\n{4}\n";
const base::Sha256 kBytes = base::Sha256Of("in quarantine");

job::Segment Segment(std::uint32_t count) {
  return {.first = 0, .count = count, .offset = 0, .length = kManifest.size(), .work_class = "data"};
}

std::string Row(const job::Outcome& outcome) {
  const ports::OutcomeRow row = wire::ToRow(outcome);
  return OutcomeFlags(row) + row.row;
}

class CheckerTest : public testing::Test {
 protected:
  // A job of four toons that runs, with outcomes of the first three.
  CheckerTest() {
    dir_ = std::filesystem::temp_directory_path() / "ubertoons-test-XXXXXX";
    EXPECT_NE(mkdtemp(dir_.data()), nullptr);
    const std::string blob = ports::ManifestKey(kAna, "11111111111111111111111111111111");
    blobs_.Plant(blob, kManifest);
    job_.idempotency_key = "once";
    job_.spec.key = kJob;
    job_.spec.manifest = {.blob = blob, .bytes = kManifest.size()};
    job_.spec.payload_sha256 = job::PayloadDigest(job_.spec, base::Sha256Of(kManifest));
    job_.state.phase = job::Phase::kRunning;
    job_.state.toon_count = 4;
    job_.state.scope = 4;
    job_.first_page = {Segment(4)};
    auto store = Open(dir_, {.merger = &merger_});
    EXPECT_TRUE(store.has_value());
    EXPECT_TRUE((*store)->jobs().Create(job_).has_value());
    ports::RecordCommit commit{.key = kJob};
    for (job::Position at = 0; at < 3; ++at) {
      commit.outcomes.push_back(wire::ToRow({.position = at, .state = job::ToonState::kSucceeded}));
    }
    EXPECT_TRUE((*store)->outcomes().Record(commit).has_value());
  }
  ~CheckerTest() override {
    std::error_code ignored;
    std::filesystem::remove_all(dir_, ignored);
  }

  void Edit(const std::function<void(Database&, rocksdb::WriteBatch&)>& edit) {
    auto database = Database::Open(dir_, {.merger = &merger_});
    ASSERT_TRUE(database.has_value()) << database.error().message;
    uid_ = (*database)->FindUid(kJob)->value_or(0);
    rocksdb::WriteBatch batch;
    edit(**database, batch);
    ASSERT_GT(batch.Count(), 0U);
    ASSERT_TRUE((*database)->Write(batch).has_value());
  }
  void Put(const std::function<std::string()>& key, const std::string& value) {
    Edit([&](Database&, rocksdb::WriteBatch& batch) { ASSERT_TRUE(batch.Put(key(), value).ok()); });
  }
  void PutRow(const std::function<std::string()>& key, const std::string& value) {
    Edit([&](Database& database, rocksdb::WriteBatch& batch) {
      ASSERT_TRUE(batch.Put(database.rows(), key(), value).ok());
    });
  }
  void EditState(const std::function<void(StateRow&)>& edit) {
    Edit([&](Database& database, rocksdb::WriteBatch& batch) {
      StateRow row = DecodeState(database.Get(StateKey(uid_))->value()).value();
      edit(row);
      ASSERT_TRUE(batch.Put(StateKey(uid_), EncodeState(row)).ok());
    });
  }

  Kinds Told() {
    Kinds kinds;
    last_ = store::Check(dir_, {.blobs = &blobs_,
                                .tell =
                                    [&](const Problem& problem) {
                                      EXPECT_FALSE(problem.what.empty() || problem.remedy.empty()) << problem.kind;
                                      kinds.emplace(problem.kind);
                                    }})
                .value_or(Checked{});
    EXPECT_EQ(kinds.empty(), last_.problems == 0);
    return kinds;
  }

  NoMerger merger_;
  fakes::FakeBlobStore blobs_;
  ports::NewJob job_;
  std::string dir_;
  Uid uid_ = 0;
  Checked last_;
};

TEST_F(CheckerTest, ASoundFolderHasNoProblem) {
  EXPECT_EQ(Told(), Kinds{});
  EXPECT_EQ(last_.counts["jobs"], 1U);
  EXPECT_EQ(last_.counts["outcomes"], 3U);
  EXPECT_EQ(last_.counts["pending toons"], 1U);
}

TEST_F(CheckerTest, APlanThatDoesNotCoverTheManifestIsBroken) {
  Put([&] { return PlanKey(job_.spec.manifest.blob, 1, 0); }, EncodeSegments({Segment(3)}));
  EXPECT_EQ(Told(), Kinds{"plan-broken"});
}

TEST_F(CheckerTest, APlanWithoutOneOfItsPagesIsBroken) {
  Put([&] { return PlanKey(job_.spec.manifest.blob, 1, 2); }, EncodeSegments({}));
  EXPECT_EQ(Told(), Kinds{"plan-broken"});
}

TEST_F(CheckerTest, CountersThatAreNotThoseOfTheOutcomesAreAMismatch) {
  EditState([](StateRow& row) { row.counters.succeeded = 4; });
  EXPECT_EQ(Told(), Kinds{"counter-mismatch"});
}

TEST_F(CheckerTest, SuccessesOfGenerationsThatNeverWereAreAMismatch) {
  EditState([](StateRow& row) { row.state.carried_succeeded = 1; });
  EXPECT_EQ(Told(), Kinds{"counter-mismatch"});
}

TEST_F(CheckerTest, AJobThatReducesBeforeAllToonsEndedIsAMismatch) {
  EditState([](StateRow& row) { row.state.phase = job::Phase::kReducing; });
  EXPECT_EQ(Told(), Kinds{"counter-mismatch"});
}

TEST_F(CheckerTest, AnOutcomeUnderAnotherToonsKeyIsAMismatch) {
  PutRow([&] { return OutcomeKey(uid_, 1, 1); }, Row({.position = 2, .state = job::ToonState::kSucceeded}));
  EXPECT_EQ(Told(), Kinds{"outcome-mismatch"});
}

TEST_F(CheckerTest, AnOutcomeOfAGenerationThatNeverWasIsAMismatch) {
  PutRow([&] { return OutcomeKey(uid_, 2, 3); }, Row({.position = 3, .state = job::ToonState::kFailed}));
  EXPECT_EQ(Told(), Kinds{"outcome-mismatch"});
}

TEST_F(CheckerTest, ARetryOfAToonThatHasAnOutcomeIsAMismatch) {
  Put([&] { return NoteKey(uid_, 1, 0); }, EncodeNote({.position = 0, .attempts = 1}));
  EXPECT_EQ(Told(), Kinds{"outcome-mismatch"});
}

TEST_F(CheckerTest, EachIndexRowThatIsMissingIsTold) {
  const job::Job job{.spec = job_.spec, .state = job_.state, .counters = {}};
  const std::function<std::string()> keys[] = {
      [] { return JobIndexKey(kJob); },
      [&] { return ListKey(kAna, job_.spec.submitted_at, "j1"); },
      [&] { return PhaseIndexKey(job, uid_); },
      [] { return IdempotencyKey(kAna, "once"); },
  };
  for (const auto& key : keys) {
    std::string value;
    Edit([&](Database& database, rocksdb::WriteBatch& batch) {
      value = database.Get(key())->value();
      ASSERT_TRUE(batch.Delete(key()).ok());
    });
    EXPECT_EQ(Told(), Kinds{"index-broken"}) << base::ToHex(key());
    Put(key, value);
    EXPECT_EQ(Told(), Kinds{});
  }
}

TEST_F(CheckerTest, AnIndexRowThatLeadsToAnotherJobIsBroken) {
  Put([] { return JobIndexKey({.tenant = kAna, .job = job::JobId("j2")}); }, EncodeNumber(1));
  EXPECT_EQ(Told(), Kinds{"index-broken"});
}

TEST_F(CheckerTest, RowsOfAJobThatIsNotThereAreOrphans) {
  Put([] { return AggregateKey(999, "summary"); }, "1");
  EXPECT_EQ(Told(), Kinds{"orphan-row"});
}

TEST_F(CheckerTest, OutcomesOfAJobThatIsNotThereAreOrphans) {
  PutRow([] { return OutcomeKey(999, 1, 0); }, Row({.state = job::ToonState::kSucceeded}));
  EXPECT_EQ(Told(), Kinds{"orphan-row"});
}

TEST_F(CheckerTest, ARowThatDoesNotDecodeIsUnreadable) {
  Put([&] { return NoteKey(uid_, 1, 3); }, "no note");
  EXPECT_EQ(Told(), Kinds{"row-unreadable"});
}

TEST_F(CheckerTest, AnOutcomeThatDoesNotDecodeIsUnreadableAndNotCounted) {
  PutRow([&] { return OutcomeKey(uid_, 1, 0); }, "no outcome");
  EXPECT_EQ(Told(), (Kinds{"row-unreadable", "counter-mismatch"}));
}

TEST_F(CheckerTest, ARowOfNoKindIsUnknown) {
  Put([] { return std::string("Z?"); }, "");
  EXPECT_EQ(Told(), Kinds{"unknown-row"});
}

TEST_F(CheckerTest, AnOutcomesKeyOfAnotherLengthIsToldAndHidesNoOrphanBehindIt) {
  PutRow([] { return std::string(3, '\0'); }, "");
  EXPECT_EQ(Told(), Kinds{"unknown-row"});
  PutRow([] { return OutcomePrefix(998) + "odd"; }, "");
  PutRow([] { return OutcomeKey(999, 1, 0); }, Row({.state = job::ToonState::kSucceeded}));
  EXPECT_EQ(Told(), (Kinds{"unknown-row", "orphan-row"}));
  EXPECT_EQ(last_.problems, 3U);
}

TEST_F(CheckerTest, AQuarantineThatItsCountDoesNotKnowIsTold) {
  const job::Quarantined entry{.bytes = {.sha256 = kBytes, .type = job::ToonType("message")},
                               .error = {.code = "timeout", .message = "took too long"},
                               .job = kJob.job,
                               .toon = job::ToonId("t1")};
  Put([&] { return QuarantineRowKey(kAna, entry.bytes); }, EncodeQuarantined(entry));
  EXPECT_EQ(Told(), Kinds{"quarantine-count"});
  const job::WorkClass work_class(job::WorkClassOf("message"));
  Put([] { return QuarantineCountKey(kAna); }, EncodeCounts({{work_class, 1}}));
  EXPECT_EQ(Told(), Kinds{});
  Put([] { return QuarantineCountKey(kAna); }, EncodeCounts({{work_class, 2}}));
  EXPECT_EQ(Told(), Kinds{"quarantine-count"});
}

}  // namespace
}  // namespace store
