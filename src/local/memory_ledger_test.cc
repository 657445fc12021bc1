#include "local/memory_ledger.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <future>
#include <limits>
#include <string>
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
    auto ledger = MemoryLedger::Create(kBudget);
    ASSERT_TRUE(ledger) << ledger.error().message;
    ledger_ = *std::move(ledger);
  }
  // As a worker process has it: a table mapped by itself.
  std::unique_ptr<MemoryShare> Join() {
    auto share = JoinMemoryLedger(ledger_->descriptor());
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
  for (int i = 0; i < 20'000; ++i) {
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
    const auto share = JoinMemoryLedger(ledger_->descriptor());
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

TEST_F(Ledger, AStoppedProcessThatHoldsTheLockStopsNobodyElse) {
  const auto one = Join();
  const auto other = Join();
  ASSERT_EQ(one->Take(kBudget / 4 * 3, Soon(), kNothing), Taken::kYes);
  ASSERT_EQ(ledger_->figures().running, kBudget / 4 * 3);
  auto table = MemoryTable::Map(OpenFile("/proc/self/fd/" + std::to_string(ledger_->descriptor()), O_RDWR),
                                MemoryTable::Begin::kJoin);
  ASSERT_TRUE(table);
  {
    const MemoryTable::Lock stopped(**table);
    ASSERT_TRUE(stopped.held());
    EXPECT_EQ(other->Take(kMiB, Now(), kNothing), Taken::kNotYet);
    one->Return(0, kMiB);
    one->Learn(MemoryKind::kSound, 2);
    const auto share = JoinMemoryLedger(ledger_->descriptor());
    ASSERT_FALSE(share);
    EXPECT_EQ(share.error().code, base::Code::kUnavailable);
    EXPECT_EQ(ledger_->figures().running, kBudget / 4 * 3);
  }
  one->Hold(1, 0);
  EXPECT_EQ((*table)->page().line[0].running, 0U) << "what was given back meanwhile is told with the next word";
  EXPECT_EQ((*table)->page().line[0].idle[0], kMiB);
  EXPECT_EQ(other->Take(kBudget / 2, Now(), kNothing), Taken::kYes);
  EXPECT_EQ((*table)->page().waiting, 0U);
}

// Whom a killed waiter leaves behind; nobody has looked at the table since.
class KilledWaiter : public Ledger {
 protected:
  void SetUp() override {
    Ledger::SetUp();
    one_ = Join();
    ASSERT_EQ(one_->Take(kBudget / 2, Soon(), kNothing), Taken::kYes);
    const pid_t pid = ::fork();
    if (pid == 0) {
      const auto share = JoinMemoryLedger(ledger_->descriptor());
      if (share) (void)(*share)->Take(kBudget, Soon(), kNothing);
      for (;;) ::pause();
    }
    auto table = MemoryTable::Map(OpenFile("/proc/self/fd/" + std::to_string(ledger_->descriptor()), O_RDWR),
                                  MemoryTable::Begin::kJoin);
    ASSERT_TRUE(table);
    table_ = *std::move(table);
    while (table_->page().waiting == 0) std::this_thread::yield();
    ASSERT_EQ(::kill(pid, SIGKILL), 0);
    ASSERT_EQ(::waitpid(pid, nullptr, 0), pid);
    // As if all that was long ago.
    table_->page().reaped_ns = 0;
    table_->page().line[1].since_ns = 0;
    ASSERT_GT(table_->page().line[1].wanted, 0U);
  }
  std::unique_ptr<MemoryShare> one_;
  std::unique_ptr<MemoryTable> table_;
};

TEST_F(KilledWaiter, DoesNotHoldUpTheQueue) {
  auto* page = &table_->page();
  page->line[2].own = 1;  // of one that died too: it is wiped as well
  page->lines = 3;
  int waits = 0;
  EXPECT_EQ(one_->Take(kBudget / 4, Now(), [&] { ++waits; }), Taken::kYes);
  EXPECT_EQ(waits, 0) << "nobody is before it";
  EXPECT_EQ(page->line[2].own, 0U);
}

TEST_F(KilledWaiter, IsNotWantingAnyMore) {
  EXPECT_FALSE(one_->Wanted());
}

TEST_F(KilledWaiter, IsNotWantingAnyMoreOnceAnotherHasItsLine) {
  table_->page().reaped_ns = std::numeric_limits<std::int64_t>::max();  // nobody looks
  const auto other = Join();
  EXPECT_EQ(table_->page().waiting, 0U);
}

TEST_F(KilledWaiter, IsLookedForOnceInAWhileByAllTogether) {
  const std::int64_t now = std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1);
  table_->page().reaped_ns = now;
  const MemoryTable::Lock lock(*table_);
  table_->ReapIfDue(std::nullopt, now + kReapEvery / std::chrono::nanoseconds(1) - 1);
  EXPECT_EQ(table_->page().waiting, 1U);
  table_->ReapIfDue(std::nullopt, now + kReapEvery / std::chrono::nanoseconds(1));
  EXPECT_EQ(table_->page().waiting, 0U);
}

TEST_F(Ledger, HasAllItsPagesFromTheStartAndKeepsThem) {
  struct stat status{};
  ASSERT_EQ(::fstat(ledger_->descriptor(), &status), 0);
  EXPECT_EQ(status.st_nlink, 0U) << "no name on any disk";
  EXPECT_EQ(::ftruncate(ledger_->descriptor(), 0), -1) << "else its users die of SIGBUS";
  EXPECT_GE(static_cast<std::uint64_t>(status.st_blocks) * 512, sizeof(MemoryPage));
}

TEST_F(Ledger, WhatIsNoTableIsRefused) {
  EXPECT_FALSE(JoinMemoryLedger(-1));
  const Fd small(::memfd_create("small", MFD_CLOEXEC));
  ASSERT_EQ(::ftruncate(small.get(), 100), 0);
  EXPECT_FALSE(JoinMemoryLedger(small.get()));
  ASSERT_EQ(::ftruncate(small.get(), sizeof(MemoryPage)), 0);
  EXPECT_FALSE(JoinMemoryLedger(small.get())) << "no magic";
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

TEST_F(Ledger, TheHeadCallsAgainThoseWhoBecameIdleMeanwhile) {
  const auto one = Join();
  const auto other = Join();
  const auto third = Join();
  ASSERT_EQ(third->Take(kMiB, Soon(), kNothing), Taken::kYes);  // so that nobody runs alone
  one->Hold(0, kBudget);
  std::jthread giver([&](const std::stop_token& stop) {
    std::uint32_t seen = 0;
    if (one->AwaitWanted(stop, seen)) one->Hold(0, kBudget / 4 * 3);
    if (one->AwaitWanted(stop, seen)) one->Hold(0, 0);
  });
  EXPECT_EQ(other->Take(kBudget / 2, Soon(), kNothing), Taken::kYes);
}

}  // namespace
}  // namespace local
