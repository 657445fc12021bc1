#include <rapidcheck.h>

#include <algorithm>
#include <atomic>
#include <numeric>
#include <set>
#include <thread>

#include "contract/homes.h"
#include "contract/samples.h"

namespace contract {
namespace {

class OutcomeStoreContract : public StoreContract {
 protected:
  ports::OutcomeStore& outcomes() { return home->outcomes(); }
  void Make(std::uint64_t toons, const job::JobKey& at) {
    const auto created = home->jobs().Create(RunningJob(at, toons));
    ASSERT_TRUE(created.has_value()) << created.error().message;
  }
  ports::RecordAnswer Recorded(const ports::RecordCommit& commit) {
    auto answer = outcomes().Record(commit);
    EXPECT_TRUE(answer.has_value()) << (answer ? "" : answer.error().message);
    return answer.value_or(ports::RecordAnswer{});
  }
  std::vector<job::Position> Positions(job::Generation generation = 1) {
    const auto rows = outcomes().Read(key, generation, 0, 100'000, 1U << 30U);
    EXPECT_TRUE(rows.has_value());
    std::vector<job::Position> positions;
    for (const ports::OutcomeRow& row : *rows) positions.push_back(row.position);
    return positions;
  }
  job::Counters Counted() { return home->jobs().Get(key)->value_or(job::Job{}).counters; }
  std::string Sum() {
    const auto partials = outcomes().Aggregates(key);
    EXPECT_TRUE(partials.has_value());
    return partials->empty() ? "" : partials->front().bytes;
  }
  const job::JobKey key = KeyOf("ana", "j1");
};
UT_OVER_ALL_STORES(OutcomeStoreContract);

TEST_P(OutcomeStoreContract, KeepsRowsCountersNotesAndAggregates) {
  Make(10, key);
  ports::RecordCommit commit = Successes(key, {3, 1});
  commit.outcomes.push_back(wire::ToRow(FailureAt(2)));
  commit.retries = {NoteAt(7, 2), NoteAt(5)};
  const auto answer = Recorded(commit);
  EXPECT_TRUE(answer.already_recorded.empty());
  EXPECT_EQ(answer.job.counters, (job::Counters{.succeeded = 2, .failed = 1}));
  home->Reopen();
  EXPECT_EQ(*outcomes().Read(key, 1, 0, 10, 10'000),
            (std::vector{wire::ToRow(SuccessAt(1)), wire::ToRow(FailureAt(2)), wire::ToRow(SuccessAt(3))}));
  EXPECT_EQ(*outcomes().Retries(key, 1, 0, 10), (std::vector{NoteAt(5), NoteAt(7, 2)}));
  EXPECT_EQ(*outcomes().Aggregates(key), (std::vector<ports::Partial>{{.reducer = "summary", .bytes = "2"}}));
  EXPECT_EQ(Counted(), (job::Counters{.succeeded = 2, .failed = 1}));
}

TEST_P(OutcomeStoreContract, ARecordedPositionStopsTheWholeCommit) {
  Make(10, key);
  Recorded(Successes(key, {1, 2}));
  home->Reopen();
  ports::RecordCommit again = Successes(key, {4, 2});
  again.retries = {NoteAt(1), NoteAt(6)};
  const auto answer = Recorded(again);
  EXPECT_EQ(answer.already_recorded, (std::vector<job::Position>{1, 2}));
  EXPECT_EQ(answer.job.counters.succeeded, 2U);
  EXPECT_EQ(Positions(), (std::vector<job::Position>{1, 2}));
  EXPECT_TRUE(outcomes().Retries(key, 1, 0, 10)->empty());
  EXPECT_EQ(Sum(), "2");
}

TEST_P(OutcomeStoreContract, AnOutcomeRemovesItsRetryNote) {
  Make(10, key);
  ports::RecordCommit notes{.key = key};
  notes.retries = {NoteAt(1), NoteAt(2)};
  Recorded(notes);
  Recorded({.key = key, .retries = {NoteAt(2, 2)}});
  EXPECT_EQ(*outcomes().Retries(key, 1, 0, 10), (std::vector{NoteAt(1), NoteAt(2, 2)})) << "the later note stands";
  home->Reopen();
  Recorded(Successes(key, {2}));
  EXPECT_EQ(*outcomes().Retries(key, 1, 0, 10), (std::vector{NoteAt(1)}));
  EXPECT_EQ(*outcomes().Retries(key, 1, 2, 10), std::vector<job::RetryNote>{});
}

TEST_P(OutcomeStoreContract, OnlyARunningGenerationTakesOutcomes) {
  Make(10, key);
  const auto code = [&](const ports::RecordCommit& commit) { return outcomes().Record(commit).error(); };
  EXPECT_EQ(code(Successes(key, {1}, 2)).reason, "not-running");
  EXPECT_EQ(code(Successes(KeyOf("ana", "none"), {1})).code, base::Code::kNotFound);
  job::JobState cancelled = home->jobs().Get(key)->value_or(job::Job{}).state;
  cancelled.version += 1;
  cancelled.cancelled = true;
  cancelled.phase = job::Phase::kEnded;
  cancelled.completed_at = At(3);
  ASSERT_TRUE(home->jobs().Update(key, cancelled, {}).has_value());
  EXPECT_EQ(code(Successes(key, {1})).code, base::Code::kConflict);
  EXPECT_EQ(code(Successes(key, {1})).reason, "not-running");
  EXPECT_TRUE(Positions().empty());
}

TEST_P(OutcomeStoreContract, APositionPastTheJobOrTwiceInACommitIsADefect) {
  Make(10, key);
  EXPECT_EQ(outcomes().Record(Successes(key, {10})).error().code, base::Code::kInternal);
  EXPECT_EQ(outcomes().Record(Successes(key, {~job::Position{0}})).error().code, base::Code::kInternal);
  EXPECT_EQ(outcomes().Record(Successes(key, {4, 5, 4})).error().code, base::Code::kInternal);
  ports::RecordCommit both = Successes(key, {4});
  both.retries = {NoteAt(4)};
  EXPECT_EQ(outcomes().Record(both).error().code, base::Code::kInternal);
  EXPECT_TRUE(Recorded(Successes(key, {4, 5})).already_recorded.empty()) << "the refused ones left nothing";
}

TEST_P(OutcomeStoreContract, APartialThatDoesNotMergeStopsTheCommit) {
  Make(10, key);
  Recorded(Successes(key, {0}));
  ports::RecordCommit bad = Successes(key, {1});
  bad.partials.front().bytes = "many";
  EXPECT_EQ(outcomes().Record(bad).error().code, base::Code::kCorrupt);
  EXPECT_EQ(Positions(), (std::vector<job::Position>{0}));
  EXPECT_TRUE(Recorded(Successes(key, {1})).already_recorded.empty());
}

TEST_P(OutcomeStoreContract, ACommitOverTheLimitsIsADefect) {
  const ports::StoreLimits& limits = home->jobs().limits();
  Make(limits.max_items_per_commit + 1, key);
  std::vector<job::Position> positions(limits.max_items_per_commit);
  std::iota(positions.begin(), positions.end(), 0);
  EXPECT_EQ(outcomes().Record(Successes(key, positions)).error().code, base::Code::kInternal);
  ports::RecordCommit large = Successes(key, {0});
  large.outcomes.front().row.resize(limits.max_item_bytes + 1);
  EXPECT_EQ(outcomes().Record(large).error().code, base::Code::kInternal);
  EXPECT_TRUE(Positions().empty());
}

TEST_P(OutcomeStoreContract, ReadsInPagesByRowsAndByBytes) {
  Make(20, key);
  Recorded(Successes(key, {0, 2, 4, 6, 8}));
  const auto read = [&](job::Position from, std::size_t limit, std::size_t bytes) {
    const auto rows = outcomes().Read(key, 1, from, limit, bytes);
    std::vector<job::Position> positions;
    for (const ports::OutcomeRow& row : *rows) positions.push_back(row.position);
    return positions;
  };
  using Positions = std::vector<job::Position>;
  EXPECT_EQ(read(3, 2, 1U << 20U), (Positions{4, 6}));
  EXPECT_EQ(read(9, 10, 1U << 20U), Positions{});
  EXPECT_EQ(read(0, 10, 1), Positions{0}) << "at least one";
  EXPECT_EQ(read(0, 0, 1000), Positions{});
  const std::size_t one = wire::ToRow(SuccessAt(0)).row.size();
  EXPECT_EQ(read(0, 10, one * 3), one > 40 ? read(0, 10, one * 3) : Positions{});
  EXPECT_LE(read(0, 10, one * 3).size(), 3U);
}

TEST_P(OutcomeStoreContract, SaysWhichPositionsOfARangeAreRecorded) {
  Make(20, key);
  Recorded(Successes(key, {3, 5, 9}));
  EXPECT_EQ(*outcomes().Recorded(key, 1, 3, 4), (std::vector<bool>{true, false, true, false}));
  EXPECT_EQ(*outcomes().Recorded(key, 2, 3, 4), (std::vector<bool>(4)));
  EXPECT_EQ(*outcomes().Recorded(KeyOf("ana", "none"), 1, 0, 2), (std::vector<bool>(2)));
}

TEST_P(OutcomeStoreContract, OfThreadsThatRecordTheSamePositionsEachIsTakenOnce) {
  constexpr std::uint64_t kToons = 300;
  constexpr std::uint64_t kSpan = 30;
  Make(kToons, key);
  std::atomic<std::uint64_t> written = 0;
  const auto record_all = [&](std::uint64_t seed) {
    std::uint64_t state = seed;
    for (std::uint64_t step = 0; step < 2 * kToons / kSpan; ++step) {
      state = state * 6364136223846793005ULL + 1442695040888963407ULL;
      const job::Position first = (state >> 33U) % (kToons - kSpan + 1);
      std::vector<job::Position> wanted(kSpan);
      std::iota(wanted.begin(), wanted.end(), first);
      while (!wanted.empty()) {
        const auto answer = outcomes().Record(Successes(key, wanted));
        ASSERT_TRUE(answer.has_value()) << answer.error().message;
        if (answer->already_recorded.empty()) {
          written += wanted.size();
          break;
        }
        std::erase_if(wanted, [&](job::Position p) { return std::ranges::binary_search(answer->already_recorded, p); });
      }
    }
  };
  {
    std::vector<std::jthread> threads;
    for (std::uint64_t i = 0; i < 8; ++i) threads.emplace_back(record_all, i + 1);
  }
  home->Reopen();
  EXPECT_GT(written, kToons / 2);
  EXPECT_EQ(Positions().size(), written);
  EXPECT_EQ(Counted().succeeded, written);
  EXPECT_EQ(Sum(), std::to_string(written));
}

// What recording some commits leaves, in whatever order and however often they come.
struct Left {
  std::vector<job::Position> positions;
  job::Counters counters;
  std::string sum;
  bool operator==(const Left&) const = default;
};

TEST_P(OutcomeStoreContract, RecordingIsIdempotentAndCommutative) {
  int run = 0;
  const auto leave = [&](const std::vector<std::set<job::Position>>& commits) {
    const job::JobKey at = KeyOf("ana", "p" + std::to_string(run++));
    Make(64, at);
    for (const std::set<job::Position>& commit : commits) {
      std::vector<job::Position> wanted(commit.begin(), commit.end());
      while (!wanted.empty()) {
        const auto answer = Recorded(Successes(at, wanted));
        if (answer.already_recorded.empty()) break;
        std::erase_if(wanted, [&](job::Position p) { return std::ranges::binary_search(answer.already_recorded, p); });
      }
    }
    Left left;
    const auto rows = outcomes().Read(at, 1, 0, 100, 1U << 20U);
    for (const auto& row : *rows) left.positions.push_back(row.position);
    left.counters = home->jobs().Get(at)->value_or(job::Job{}).counters;
    const auto partials = outcomes().Aggregates(at);
    for (const auto& partial : *partials) left.sum = partial.bytes;
    return left;
  };
  const bool held = rc::check([&] {
    const auto commits =
        *rc::gen::resize(6, rc::gen::container<std::vector<std::set<job::Position>>>(
                                rc::gen::container<std::set<job::Position>>(rc::gen::inRange<job::Position>(0, 64))));
    const Left once = leave(commits);
    std::vector<std::set<job::Position>> twice(commits.rbegin(), commits.rend());
    twice.insert(twice.end(), commits.begin(), commits.end());
    RC_ASSERT(leave(twice) == once);
    RC_ASSERT(once.counters.succeeded == once.positions.size());
  });
  EXPECT_TRUE(held);
}

}  // namespace
}  // namespace contract
