#include "job/lifecycle.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

namespace job {
namespace {

const base::TimePoint kNow = base::FromUnixMicros(1'767'225'600'000'000);

Job Running(std::uint64_t toons, Counters counters = {}) {
  Job job;
  job.spec.key = {TenantId("t"), JobId("j")};
  job.state.phase = Phase::kRunning;
  job.state.toon_count = toons;
  job.state.scope = toons;
  job.state.started_at = kNow;
  job.counters = counters;
  return job;
}

// Runs every reducer of a job whose toons all ended.
Job Finished(Job job) {
  job.state = BeginReduce(job, kNow).value();
  for (const ReducerSpec& reducer : ReducersOf(job.spec)) {
    job.state = Reduced(job, {.reducer = reducer.name}, kNow).value();
  }
  return job;
}

TEST(Lifecycle, AJobIsPendingUntilWorkStartsAndProcessingUntilItsReducersEnded) {
  Job job = Running(2);
  job.state.started_at.reset();
  EXPECT_EQ(StatusOf(job), JobStatus::kPending);
  job.state = Started(job, kNow).value();
  EXPECT_EQ(StatusOf(job), JobStatus::kProcessing);
  job.counters.succeeded = 2;
  job.spec.reducers = {{.name = "timeline", .params_json = "{}"}};
  job.state = BeginReduce(job, kNow).value();
  job.state = Reduced(job, {.reducer = "summary"}, kNow).value();
  EXPECT_EQ(StatusOf(job), JobStatus::kProcessing);
  job.state = Reduced(job, {.reducer = "timeline"}, kNow).value();
  EXPECT_EQ(StatusOf(job), JobStatus::kCompleted);
}

TEST(Lifecycle, AFailedToonFailsTheJobUnlessTolerated) {
  EXPECT_EQ(StatusOf(Finished(Running(10, {.succeeded = 9, .failed = 1}))), JobStatus::kFailed);
  Job job = Running(10, {.succeeded = 9, .failed = 1});
  job.spec.tolerance.failed_count = 1;
  EXPECT_EQ(StatusOf(Finished(job)), JobStatus::kCompleted);
  job.spec.tolerance = {.failed_percent = 9.9};
  EXPECT_EQ(Finished(job).state.reason, "too-many-failed-toons");
  job.spec.tolerance = {.failed_percent = 10};
  EXPECT_EQ(StatusOf(Finished(job)), JobStatus::kCompleted);
}

TEST(Lifecycle, AFailedReducerFailsTheJob) {
  Job job = Running(1, {.succeeded = 1});
  job.state = BeginReduce(job, kNow).value();
  job.state = Reduced(job, {.reducer = "summary", .error = ToonError{.code = "x"}}, kNow).value();
  EXPECT_EQ(StatusOf(job), JobStatus::kFailed);
  EXPECT_EQ(job.state.reason, "reducer-failed");
}

TEST(Lifecycle, AReducerEndsOnce) {
  Job job = Running(1, {.succeeded = 1});
  job.spec.reducers = {{.name = "timeline", .params_json = "{}"}};
  job.state = BeginReduce(job, kNow).value();
  job.state = Reduced(job, {.reducer = "summary"}, kNow).value();
  EXPECT_EQ(Reduced(job, {.reducer = "summary"}, kNow).error().code, base::Code::kConflict);
}

TEST(Lifecycle, TheFanInWaitsForEveryToon) {
  EXPECT_FALSE(BeginReduce(Running(2, {.succeeded = 1}), kNow).has_value());
  EXPECT_TRUE(BeginReduce(Running(2, {.succeeded = 1, .failed = 1}), kNow).has_value());
}

TEST(Lifecycle, ACancelCoversWhatHasNoOutcomeAndOnlyThat) {
  Job job = Running(10, {.succeeded = 3, .failed = 2});
  job.state = Cancelled(job, kNow).value();
  EXPECT_EQ(StatusOf(job), JobStatus::kFailed);
  EXPECT_EQ(job.state.reason, "cancelled");
  EXPECT_EQ(Succeeded(job), 3U);
  EXPECT_EQ(Failed(job), 7U);
  EXPECT_FALSE(Cancelled(job, kNow).has_value());
}

TEST(Lifecycle, ARetryCarriesSuccessesAndReopensTheRest) {
  Job job = Finished(Running(10, {.succeeded = 7, .failed = 3}));
  job.state = Retried(job, kNow).value();
  job.counters = {};
  EXPECT_EQ(job.state.generation, 2U);
  EXPECT_EQ(job.state.scope, 3U);
  EXPECT_EQ(Succeeded(job), 7U);
  EXPECT_EQ(Failed(job), 0U);
  EXPECT_EQ(StatusOf(job), JobStatus::kProcessing);
  job.counters = {.succeeded = 3};
  EXPECT_EQ(StatusOf(Finished(job)), JobStatus::kCompleted);
}

TEST(Lifecycle, ARetryNeedsAnEndedJobWithFailures) {
  EXPECT_FALSE(Retried(Running(1), kNow).has_value());
  EXPECT_FALSE(Retried(Finished(Running(1, {.succeeded = 1})), kNow).has_value());
}

TEST(Lifecycle, EveryChangeRaisesTheVersion) {
  const Job job = Running(1, {.succeeded = 1});
  EXPECT_EQ(BeginReduce(job, kNow)->version, job.state.version + 1);
  EXPECT_EQ(Cancelled(job, kNow)->version, job.state.version + 1);
}

// Whatever the counters are, the status follows from them and nothing is counted twice.
RC_GTEST_PROP(Lifecycle, StatusIsAFunctionOfTheCounters, ()) {
  const auto toons = *rc::gen::inRange<std::uint64_t>(1, 1000);
  const auto succeeded = *rc::gen::inRange<std::uint64_t>(0, toons + 1);
  const auto failed = *rc::gen::inRange<std::uint64_t>(0, toons - succeeded + 1);
  Job job = Running(toons, {.succeeded = succeeded, .failed = failed});
  if (*rc::gen::arbitrary<bool>()) job.spec.tolerance.failed_count = *rc::gen::inRange<std::uint64_t>(0, toons);
  RC_ASSERT(Processed(job) <= toons);
  RC_ASSERT(AllRecorded(job) == (succeeded + failed == toons));
  if (*rc::gen::arbitrary<bool>()) job.state = Cancelled(job, kNow).value();
  if (!job.state.cancelled && AllRecorded(job)) job = Finished(job);
  const bool ended = job.state.phase == Phase::kEnded;
  RC_ASSERT(ended == (StatusOf(job) == JobStatus::kCompleted || StatusOf(job) == JobStatus::kFailed));
  if (ended) {
    RC_ASSERT(Processed(job) == toons);
    const bool good = !job.state.cancelled && Failed(job) <= job.spec.tolerance.failed_count.value_or(0);
    RC_ASSERT((StatusOf(job) == JobStatus::kCompleted) == good);
  }
}

}  // namespace
}  // namespace job
