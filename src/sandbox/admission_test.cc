#include "sandbox/admission.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <condition_variable>
#include <fstream>
#include <set>
#include <vector>

#include "sandbox/executor_pool.h"

namespace sandbox {
namespace {

using ports::MemoryKind;
using Taken = ports::MemoryShare::Taken;

constexpr std::uint64_t kMiB = 1ULL << 20U;

// Notes what is asked of it; somebody waits when the test says so.
class FakeShare final : public ports::MemoryShare {
 public:
  std::uint64_t most = 1'024 * kMiB;
  double factor = 2;
  Taken answer = Taken::kYes;
  std::vector<std::uint64_t> taken;
  std::vector<double> learned;
  base::SteadyPoint deadline{};
  int returned = 0;

  [[nodiscard]] std::uint64_t budget() const override { return most; }
  [[nodiscard]] double Factor(MemoryKind) const override { return factor; }
  void Learn(MemoryKind, double ratio) override { learned.push_back(ratio); }
  void Hold(std::size_t, std::uint64_t bytes) override { SetHeld(bytes); }
  [[nodiscard]] Taken Take(std::uint64_t bytes, base::SteadyPoint until, const std::function<void()>& wait) override {
    taken.push_back(bytes);
    deadline = until;
    if (answer == Taken::kNotYet) wait();
    return answer;
  }
  void Return(std::size_t, std::uint64_t bytes) override {
    ++returned;
    SetHeld(bytes);
  }
  [[nodiscard]] bool Wanted() const override {
    const std::lock_guard lock(mutex_);
    return wanted_;
  }
  [[nodiscard]] bool AwaitWanted(const std::stop_token& stop, std::uint32_t& seen) override {
    std::unique_lock lock(mutex_);
    const bool called = changed_.wait(lock, stop, [&] { return wanted_ && seen == 0; });
    seen = 1;
    return called;
  }
  void SetWanted() {
    const std::lock_guard lock(mutex_);
    wanted_ = true;
    changed_.notify_all();
  }
  void AwaitHeld(std::uint64_t bytes) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return held_ == bytes; });
  }
  std::uint64_t held() {
    const std::lock_guard lock(mutex_);
    return held_;
  }

 private:
  void SetHeld(std::uint64_t bytes) {
    const std::lock_guard lock(mutex_);
    held_ = bytes;
    changed_.notify_all();
  }
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  bool wanted_ = false;
  std::uint64_t held_ = 0;
};

std::set<std::int64_t> Children() {
  std::set<std::int64_t> pids;
  std::ifstream file("/proc/self/task/" + std::to_string(::getpid()) + "/children");
  for (std::int64_t pid = 0; file >> pid;) pids.insert(pid);
  return pids;
}

class AdmittedPool : public ::testing::Test {
 protected:
  std::shared_ptr<FakeShare> share_ = std::make_shared<FakeShare>();
  std::uint64_t estimate_ = 10 * kMiB;
  base::SteadyPoint deadline_ = base::SteadyPoint::max();
  std::unique_ptr<ports::Executor> pool_ = NewExecutorPool(
      {.program = SANDBOX_TEST_EXECUTOR,
       .level = Level::kContained,
       .limits = {.memory_bytes = 1'024 * kMiB, .output_bytes = kMiB, .cpu_seconds = 10, .wall_seconds = 20},
       .memory = share_,
       .estimate =
           [this](const ports::IsolatedTask&) {
             return ports::MemoryEstimate{.kind = MemoryKind::kSound, .bytes = estimate_};
           },
       .deadline = [this] { return deadline_; }});

  Answer Ask(std::string_view verb, std::string_view tenant = "acme") {
    const std::vector<ports::Operation> operations = {{.name = "op"}};
    return pool_->Run({.tenant = tenant, .verb = verb, .operations = &operations, .inputs = {"bytes"}});
  }
};

TEST_F(AdmittedPool, TakesTheEstimateTimesTheFactorAndGivesItBack) {
  ASSERT_TRUE(Ask("echo"));
  EXPECT_EQ(share_->taken, std::vector{kFreshChildBytes + 20 * kMiB});
  EXPECT_EQ(share_->returned, 1);
  ASSERT_FALSE(Ask("abort"));
  EXPECT_EQ(share_->returned, 2) << "a death gives back too";
}

TEST_F(AdmittedPool, NeverTakesMoreThanAnExecutorMayHave) {
  estimate_ = 1'000 * kMiB;
  ASSERT_TRUE(Ask("echo"));
  EXPECT_EQ(share_->taken, std::vector{kFreshChildBytes + 1'024 * kMiB + 5});
}

TEST_F(AdmittedPool, HoldsWhatItsIdleChildrenHave) {
  ASSERT_TRUE(Ask("echo"));
  const std::uint64_t one = share_->held();
  EXPECT_GT(one, kFreshChildBytes) << "the child and the spare";
  ASSERT_TRUE(Ask("echo", "globex"));
  EXPECT_GT(share_->held(), one);
}

TEST_F(AdmittedPool, EndsItsIdleChildrenWhenSomebodyWaits) {
  ASSERT_TRUE(Ask("echo"));
  ASSERT_EQ(Children().size(), 2U);
  share_->SetWanted();
  share_->AwaitHeld(0);
  EXPECT_TRUE(Children().empty());
  ASSERT_TRUE(Ask("echo")) << "and goes on with another";
  EXPECT_EQ(Children().size(), 1U) << "without a spare while memory is short";
}

TEST_F(AdmittedPool, WithoutMemoryUntilTheDeadlineTheTaskIsGivenBack) {
  ASSERT_TRUE(Ask("echo"));
  share_->answer = Taken::kNotYet;
  const Answer answer = Ask("echo");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().error.code, "memory-busy");
  EXPECT_EQ(answer.error().blame, ports::Blame::kPlatform);
  EXPECT_EQ(share_->returned, 1) << "nothing was taken";
  EXPECT_TRUE(Children().empty()) << "who waits holds nothing";
}

TEST_F(AdmittedPool, WaitsNoLongerThanTheTaskCouldStillRun) {
  deadline_ = std::chrono::steady_clock::now() + std::chrono::seconds(100);
  ASSERT_TRUE(Ask("echo"));
  EXPECT_EQ(share_->deadline, deadline_ - std::chrono::seconds(20) - job::kExecutorStart);
}

TEST_F(AdmittedPool, ATaskWhoseTimeWasSpentWaitingIsGivenBackBeforeItBegins) {
  deadline_ = std::chrono::steady_clock::now();
  EXPECT_TRUE(Ask("echo")) << "nobody waited: it may make it";
  share_->answer = Taken::kNotYet;
  EXPECT_FALSE(Ask("echo"));
  share_->answer = Taken::kYes;
  const std::size_t asked = share_->taken.size();
  EXPECT_FALSE(Ask("echo"));
  EXPECT_EQ(share_->taken.size(), asked);
  deadline_ += std::chrono::seconds(1);
  EXPECT_TRUE(Ask("echo")) << "another chunk";
}

TEST_F(AdmittedPool, WhatNeitherBudgetNorExecutorCanGiveIsTheInputsFault) {
  estimate_ = 1'025 * kMiB;
  const Answer answer = Ask("echo");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().error.code, "memory-limit");
  EXPECT_EQ(answer.error().blame, ports::Blame::kInput);
  EXPECT_TRUE(share_->taken.empty());
  share_->most = 2'048 * kMiB;
  EXPECT_TRUE(Ask("echo")) << "an estimate alone refuses nothing that there is room for";
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST_F(AdmittedPool, LearnsWhatALargeTaskReallyTook) {
  estimate_ = 100 * kMiB;
  share_->factor = 1;
  ASSERT_TRUE(Ask("hold"));
  ASSERT_EQ(share_->learned.size(), 1U);
  EXPECT_GT(share_->learned[0], 4) << "it keeps more than 400 MiB";
  EXPECT_LT(share_->learned[0], 6);
}
#endif

TEST_F(AdmittedPool, LearnsNothingFromSmallTasks) {
  ASSERT_TRUE(Ask("hold"));
  EXPECT_TRUE(share_->learned.empty());
}

}  // namespace
}  // namespace sandbox
