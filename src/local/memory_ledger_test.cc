#include "local/memory_ledger.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <thread>

#include "local/memory_table.h"

namespace local {
namespace {

using ports::MemoryKind;
using ports::MemoryShare;
using Taken = MemoryShare::Taken;

constexpr std::uint64_t kMiB = 1ULL << 20U;
constexpr std::uint64_t kBudget = 64 * 1024 * kMiB;  // far above what this process itself has
constexpr auto kNothing = [] {};

base::SteadyPoint Soon() {
  return std::chrono::steady_clock::now() + std::chrono::seconds(60);
}
base::SteadyPoint Now() {
  return std::chrono::steady_clock::now();
}

class Ledger : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "memory-ledger-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
    path_ = folder_ + "/memory";
    auto ledger = MemoryLedger::Create(path_, kBudget);
    ASSERT_TRUE(ledger) << ledger.error().message;
    ledger_ = *std::move(ledger);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  // As a worker process has it: a table mapped by itself.
  std::unique_ptr<MemoryShare> Join() {
    auto share = JoinMemoryLedger(path_);
    EXPECT_TRUE(share) << share.error().message;
    return *std::move(share);
  }
  // Asks in a thread of its own, and answers once it is known to wait.
  std::future<Taken> Waiting(MemoryShare& share, std::uint64_t bytes) {
    const std::uint64_t before = ledger_->figures().waits;
    auto taken = std::async(std::launch::async, [&share, bytes] { return share.Take(bytes, Soon(), kNothing); });
    while (ledger_->figures().waits == before) std::this_thread::yield();
    return taken;
  }
  std::string folder_;
  std::string path_;
  std::unique_ptr<MemoryLedger> ledger_;
};

TEST_F(Ledger, WhatOneTookAnotherWaitsFor) {
  const auto one = Join();
  const auto other = Join();
  ASSERT_EQ(one->Take(kBudget / 4 * 3, Soon(), kNothing), Taken::kYes);
  EXPECT_EQ(other->Take(kBudget / 2, Now(), kNothing), Taken::kNotYet);
  EXPECT_FALSE(one->Wanted()) << "who gave up does not wait";
  auto taken = Waiting(*other, kBudget / 2);
  EXPECT_TRUE(one->Wanted());
  EXPECT_EQ(ledger_->figures().waiting_bytes, kBudget / 2);
  one->Return(0, 0);
  EXPECT_EQ(taken.get(), Taken::kYes);
  EXPECT_EQ(ledger_->figures().running, kBudget / 2);
  EXPECT_EQ(ledger_->figures().waiting, 0U);
}

TEST_F(Ledger, WhatIsIdleCounts) {
  const auto one = Join();
  const auto other = Join();
  one->Hold(0, kBudget / 2);
  one->Hold(1, kBudget / 4);
  EXPECT_GE(ledger_->figures().idle, kBudget / 4 * 3);
  int asked = 0;
  EXPECT_EQ(other->Take(kBudget / 2, Now(), [&] { ++asked; }), Taken::kNotYet);
  EXPECT_EQ(asked, 1);
  one->Hold(0, 0);
  EXPECT_EQ(other->Take(kBudget / 2, Now(), kNothing), Taken::kYes);
}

TEST_F(Ledger, WhoeverWaitsCallsThoseWhoHold) {
  const auto one = Join();
  const auto other = Join();
  one->Hold(0, kBudget);
  std::jthread giver([&](const std::stop_token& stop) {
    std::uint32_t seen = 0;
    while (one->AwaitWanted(stop, seen)) one->Hold(0, 0);
  });
  EXPECT_EQ(other->Take(kBudget / 2, Soon(), kNothing), Taken::kYes);
}

TEST_F(Ledger, AStopIsHeardHoweverShortlyBeforeTheWait) {
  const auto share = Join();
  for (int i = 0; i < 5'000; ++i) {
    std::atomic<bool> begins{false};
    std::jthread waiter([&](const std::stop_token& stop) {
      std::uint32_t seen = 0;
      begins = true;
      EXPECT_FALSE(share->AwaitWanted(stop, seen));
    });
    while (!begins) std::this_thread::yield();
    waiter.request_stop();
  }
}

TEST_F(Ledger, MoreThanTheWholeBudgetRunsAloneOnceNobodyElseRuns) {
  const auto one = Join();
  const auto other = Join();
  ASSERT_EQ(one->Take(kMiB, Soon(), kNothing), Taken::kYes);
  auto taken = Waiting(*other, 2 * kBudget);
  EXPECT_EQ(ledger_->figures().running, kMiB);
  one->Return(0, kMiB);  // stays idle, and never gives that up
  EXPECT_EQ(taken.get(), Taken::kYes);
}

TEST_F(Ledger, MemoryOfAKilledHolderComesBackAndSoDoesItsPlace) {
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t pid = ::fork();
  if (pid == 0) {
    const auto share = JoinMemoryLedger(path_);
    const bool taken = share && (*share)->Take(kBudget - 512 * kMiB, Soon(), kNothing) == Taken::kYes;
    (void)!::write(ready[1], taken ? "y" : "n", 1);
    for (;;) ::pause();
  }
  char answer = 'n';
  ASSERT_EQ(::read(ready[0], &answer, 1), 1);
  ASSERT_EQ(answer, 'y');
  const auto share = Join();
  EXPECT_EQ(share->Take(kBudget / 2, Now(), kNothing), Taken::kNotYet);
  auto taken = Waiting(*share, kBudget / 2);
  ASSERT_EQ(::kill(pid, SIGKILL), 0);
  ASSERT_EQ(::waitpid(pid, nullptr, 0), pid);
  EXPECT_EQ(taken.get(), Taken::kYes);
  EXPECT_EQ(ledger_->figures().running, kBudget / 2);
}

TEST_F(Ledger, AKilledWaiterDoesNotHoldUpTheQueue) {
  const auto one = Join();
  ASSERT_EQ(one->Take(kBudget / 2, Soon(), kNothing), Taken::kYes);
  const pid_t pid = ::fork();
  if (pid == 0) {
    const auto share = JoinMemoryLedger(path_);
    if (share) (void)(*share)->Take(kBudget, Soon(), kNothing);
    for (;;) ::pause();
  }
  while (ledger_->figures().waiting == 0) std::this_thread::yield();
  ASSERT_EQ(::kill(pid, SIGKILL), 0);
  ASSERT_EQ(::waitpid(pid, nullptr, 0), pid);
  EXPECT_EQ(ledger_->figures().waiting, 0U);
  const auto other = Join();
  EXPECT_EQ(other->Take(kBudget / 4, Now(), kNothing), Taken::kYes);
}

TEST_F(Ledger, ANewTableLeavesTheOldOneToItsUsers) {
  const auto old = Join();
  ASSERT_EQ(old->Take(kBudget / 2, Now(), kNothing), Taken::kYes);
  auto fresh = MemoryLedger::Create(path_, kMiB);
  ASSERT_TRUE(fresh);
  EXPECT_EQ((*fresh)->figures().running, 0U);
  EXPECT_EQ(Join()->budget(), kMiB);
  EXPECT_EQ(old->budget(), kBudget);
}

TEST_F(Ledger, WhatIsNoTableIsRefused) {
  EXPECT_FALSE(JoinMemoryLedger(folder_ + "/absent"));
  std::filesystem::resize_file(path_, 100);
  EXPECT_FALSE(JoinMemoryLedger(path_));
}

TEST_F(Ledger, AFactorRisesFastFallsSlowlyAndIsSharedAndBounded) {
  const auto one = Join();
  const auto other = Join();
  const double before = other->Factor(MemoryKind::kSound);
  one->Learn(MemoryKind::kSound, before + 1);
  const double risen = other->Factor(MemoryKind::kSound);
  EXPECT_NEAR(risen, before + 0.5, 1e-9);
  one->Learn(MemoryKind::kSound, risen - 0.5);
  EXPECT_NEAR(other->Factor(MemoryKind::kSound), risen - 0.01, 1e-9);
  for (int i = 0; i < 1000; ++i) one->Learn(MemoryKind::kSound, 0);
  EXPECT_GE(other->Factor(MemoryKind::kSound), 0.25);
  for (int i = 0; i < 1000; ++i) one->Learn(MemoryKind::kSound, 1e9);
  EXPECT_LE(other->Factor(MemoryKind::kSound), 4);
  EXPECT_EQ(ledger_->figures().factors[static_cast<std::size_t>(MemoryKind::kSound)],
            other->Factor(MemoryKind::kSound));
}

TEST(MemoryShareOfOneProcess, IsABudgetOfItsOwn) {
  const auto share = NewMemoryShare(kBudget);
  ASSERT_TRUE(share);
  EXPECT_EQ((*share)->Take(kBudget / 2, Now(), kNothing), Taken::kYes);
  EXPECT_EQ((*share)->budget(), kBudget);
}

TEST(MemoryShareOfOneProcess, MoreThanAllOfItRunsAlone) {
  const auto share = NewMemoryShare(kMiB);
  ASSERT_TRUE(share);
  EXPECT_EQ((*share)->Take(kBudget, Soon(), kNothing), Taken::kYes);
}

// ---- who may take, by the table alone
// --------------------------------------------------------------------------------

constexpr std::int64_t kLate = 10'000'000'000;  // a time at which every patience is over

struct Queue {
  std::unique_ptr<MemoryPage> page = std::make_unique<MemoryPage>();
  Queue() {
    page->budget = 1'600;
    page->lines = 4;
  }
  void Wait(std::size_t line, std::uint64_t bytes, std::uint64_t ticket) {
    page->line[line].wanted = bytes;
    page->line[line].ticket = ticket;
  }
  [[nodiscard]] bool May(std::size_t line, std::uint64_t bytes, std::int64_t now = kLate) const {
    return MayTake(*page, line, bytes, now);
  }
};

TEST(MayTake, TheFirstThatWaitsComesBeforeLaterOnesThatWouldFit) {
  Queue queue;
  queue.page->line[0].running = 1'000;
  queue.Wait(1, 800, 1);
  queue.Wait(2, 500, 2);
  EXPECT_FALSE(queue.May(1, 800));
  EXPECT_FALSE(queue.May(2, 500)) << "else the head would starve";
  EXPECT_TRUE(queue.May(2, 500, 0)) << "while the head has only begun to wait";
  queue.page->line[0].running = 800;
  EXPECT_TRUE(queue.May(1, 800));
}

TEST(MayTake, SmallOnesFlowPastAHeadThatTheyCannotStarve) {
  Queue queue;
  queue.page->line[0].running = 1'000;
  queue.Wait(1, 1'200, 1);
  EXPECT_TRUE(queue.May(2, 100));
  EXPECT_FALSE(queue.May(2, 101)) << "not small";
  queue.page->line[3].running = 100;
  queue.page->line[2].running = 100;
  queue.page->lines = 6;
  queue.page->line[4].running = 100;
  EXPECT_TRUE(queue.May(5, 100));
  EXPECT_FALSE(queue.May(5, 101));
  queue.page->line[0].running = 0;
  EXPECT_TRUE(queue.May(1, 1'200)) << "all small ones together leave it its room";
}

TEST(MayTake, AHeadThatNeedsNearlyAllClosesTheWayOfSmallOnes) {
  Queue queue;
  queue.page->line[0].running = 1'000;
  queue.Wait(1, 1'201, 1);
  EXPECT_FALSE(queue.May(2, 100));
  EXPECT_TRUE(queue.May(2, 100, 0));
}

TEST(MayTake, WhoRunsAloneMayHaveMoreThanAll) {
  Queue queue;
  queue.page->line[0].own = 50;
  queue.page->line[0].idle[1] = 50;
  queue.Wait(1, 5'000, 1);
  EXPECT_FALSE(queue.May(1, 5'000, 0)) << "idle children end first";
  EXPECT_TRUE(queue.May(1, 5'000));
  queue.page->line[0].idle[1] = 0;
  EXPECT_TRUE(queue.May(1, 5'000, 0));
  queue.page->line[2].running = 1;
  EXPECT_FALSE(queue.May(1, 5'000));
}

}  // namespace
}  // namespace local
