#include "local/memory_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>
#include <utility>

namespace local {
namespace {

constexpr std::uint64_t kMiB = 1ULL << 20U;
constexpr std::int64_t kLate = 10'000'000'000;  // a time at which every patience is over

struct Queue {
  std::unique_ptr<MemoryPage> page = std::make_unique<MemoryPage>();
  Queue() {
    page->budget = 1'600 * kMiB;
    page->lines = 4;
  }
  void Wait(std::size_t line, std::uint64_t bytes, std::uint64_t ticket) {
    page->line[line].wanted = bytes * kMiB;
    page->line[line].ticket = ticket;
  }
  [[nodiscard]] bool May(std::size_t line, std::uint64_t bytes, std::int64_t now = kLate) const {
    return MayTake(*page, line, bytes * kMiB, now);
  }
};

TEST(MayTake, TheFirstThatWaitsComesBeforeLaterOnesThatWouldFit) {
  Queue queue;
  queue.page->line[0].running = 1'000 * kMiB;
  queue.Wait(1, 800, 1);
  queue.Wait(2, 500, 2);
  EXPECT_FALSE(queue.May(1, 800));
  EXPECT_FALSE(queue.May(2, 500)) << "else the head would starve";
  EXPECT_TRUE(queue.May(2, 500, 0)) << "while the head has only begun to wait";
  queue.page->line[0].running = 800 * kMiB;
  EXPECT_TRUE(queue.May(1, 800));
}

TEST(MayTake, SmallOnesFlowPastAHeadThatTheyCannotStarve) {
  Queue queue;
  queue.page->line[0].running = 1'000 * kMiB;
  queue.Wait(1, 1'200, 1);
  EXPECT_TRUE(queue.May(2, 100));
  EXPECT_FALSE(queue.May(2, 101)) << "not small";
  queue.page->line[3].running = 100 * kMiB;
  queue.page->line[2].running = 100 * kMiB;
  queue.page->lines = 6;
  queue.page->line[4].running = 100 * kMiB;
  EXPECT_TRUE(queue.May(5, 100));
  EXPECT_FALSE(queue.May(5, 101));
  queue.page->line[0].running = 0;
  EXPECT_TRUE(queue.May(1, 1'200)) << "all small ones together leave it its room";
}

TEST(MayTake, AHeadThatNeedsNearlyAllClosesTheWayOfSmallOnes) {
  Queue queue;
  queue.page->line[0].running = 1'000 * kMiB;
  queue.Wait(1, 1'201, 1);
  EXPECT_FALSE(queue.May(2, 100));
  EXPECT_TRUE(queue.May(2, 100, 0));
}

TEST(MayTake, WhoRunsAloneMayHaveMoreThanAll) {
  Queue queue;
  queue.page->line[0].own = 50 * kMiB;
  queue.page->line[0].idle[1] = 50 * kMiB;
  queue.Wait(1, 5'000, 1);
  EXPECT_FALSE(queue.May(1, 5'000, 0)) << "idle children end first";
  EXPECT_TRUE(queue.May(1, 5'000));
  queue.page->line[0].idle[1] = 0;
  EXPECT_TRUE(queue.May(1, 5'000, 0));
  queue.page->line[2].running = 1 * kMiB;
  EXPECT_FALSE(queue.May(1, 5'000));
}

TEST(MayTake, AnExecutorsFirstBytesAreSmallUnderTheLeastBudget) {
  Queue queue;
  queue.page->budget = 256 * kMiB;
  queue.page->line[0].running = 150 * kMiB;
  queue.Wait(1, 150, 1);
  EXPECT_TRUE(queue.May(2, 30));
  EXPECT_FALSE(queue.May(2, 41));
}

// ---- a large task against workers that never stop bringing small ones, by a clock of the test's ----

constexpr std::uint64_t kSmall = 30;  // MiB: a fresh child and 6 more
constexpr std::uint64_t kKept = 18;   // of a child that waits for its next task
constexpr std::size_t kWorkers = 8;

class Crowd {
 public:
  explicit Crowd(std::uint64_t wanted) : wanted_(wanted * kMiB) {
    page_->budget = 1'024 * kMiB;
    page_->lines = kWorkers;
    for (std::size_t i = 0; i < kWorkers; ++i) page_->line[i].own = 15 * kMiB;
    page_->line[0].wanted = wanted_;
    page_->line[0].ticket = ++page_->tickets;
    for (std::size_t i = 1; i < kWorkers; ++i) Begin(i);
  }
  // One of them runs something that is not small, for so long.
  void Occupy(std::uint64_t bytes, std::chrono::nanoseconds time) {
    page_->line[1].running = bytes * kMiB;
    next_[1] = time.count();
  }
  // When the large one ran; nullopt: never until `end`.
  std::optional<std::chrono::nanoseconds> RunUntil(std::chrono::nanoseconds end) {
    for (;;) {
      const std::size_t i = std::ranges::min_element(next_.begin() + 1, next_.end()) - next_.begin();
      now_ = next_[i];
      if (now_ > end.count()) return std::nullopt;
      MemoryLine& line = page_->line[i];
      if (std::exchange(line.running, 0) > 0) line.idle[0] = kKept * kMiB;
      if (MayTake(*page_, 0, wanted_, now_)) return std::chrono::nanoseconds(now_);
      if (MayTake(*page_, i, kSmall * kMiB, now_)) {
        Begin(i);
        continue;
      }
      if (line.wanted == 0) line.ticket = ++page_->tickets;
      line.wanted = kSmall * kMiB;
      line.idle[0] = 0;  // who waits ends its children
      next_[i] = now_ + 100'000'000;
    }
  }
  [[nodiscard]] std::uint64_t begun() const { return begun_; }

 private:
  void Begin(std::size_t i) {
    page_->line[i].running = kSmall * kMiB;
    page_->line[i].wanted = 0;
    next_[i] = now_ + std::uniform_int_distribution<std::int64_t>(50'000'000, 200'000'000)(random_);
    ++begun_;
  }
  std::unique_ptr<MemoryPage> page_ = std::make_unique<MemoryPage>();
  const std::uint64_t wanted_;
  std::array<std::int64_t, kWorkers> next_{};  // when each ends its task or asks again
  std::int64_t now_ = 0;
  std::uint64_t begun_ = 0;
  std::mt19937_64 random_{1};
};

TEST(MayTake, ALargeTaskRunsHoweverManySmallOnesCome) {
  for (std::uint64_t wanted = 100; wanted <= 1'500; wanted += 20) {
    const auto ran = Crowd(wanted).RunUntil(std::chrono::seconds(300));
    ASSERT_TRUE(ran) << wanted;
    EXPECT_LT(*ran, kHeadPatience + std::chrono::seconds(1)) << wanted;
  }
}

TEST(MayTake, SmallOnesFlowWhileALargeTaskWaitsForAnother) {
  Crowd crowd(400);
  crowd.Occupy(500, std::chrono::seconds(20));
  const auto ran = crowd.RunUntil(std::chrono::seconds(300));
  ASSERT_TRUE(ran);
  EXPECT_GE(*ran, std::chrono::seconds(20));
  EXPECT_LT(*ran, std::chrono::seconds(21));
  EXPECT_GT(crowd.begun(), 300U);
}

TEST(CallsAgain, TheHeadAloneOnceInAWhileAndIfThereIsSomethingToGain) {
  Queue queue;
  queue.Wait(1, 800, 1);
  queue.Wait(2, 800, 2);
  EXPECT_FALSE(CallsAgain(*queue.page, 1, kLate));
  queue.page->line[0].idle[1] = 1;
  EXPECT_FALSE(CallsAgain(*queue.page, 1, 1));
  EXPECT_FALSE(CallsAgain(*queue.page, 2, kLate));
  EXPECT_TRUE(CallsAgain(*queue.page, 1, kLate));
  EXPECT_FALSE(CallsAgain(*queue.page, 1, kLate + 1));
  EXPECT_TRUE(CallsAgain(*queue.page, 1, 2 * kLate));
}

}  // namespace
}  // namespace local
