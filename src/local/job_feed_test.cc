#include "local/job_feed.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace local {
namespace {

job::Job JobOf(const char* tenant, const char* id) {
  job::Job job;
  job.spec.key = {.tenant = job::TenantId(tenant), .job = job::JobId(id)};
  return job;
}

TEST(JobFeedTest, OnlyWatchersOfThatTenantsJobAreWoken) {
  JobFeed feed;
  int mine = 0;
  int other = 0;
  const auto a = feed.Subscribe(JobOf("ann", "j").spec.key, [&] { ++mine; });
  const auto b = feed.Subscribe(JobOf("ann", "j").spec.key, [&] { ++mine; });
  const auto c = feed.Subscribe(JobOf("bob", "j").spec.key, [&] { ++other; });
  feed.Publish(JobOf("ann", "j"));
  EXPECT_EQ(mine, 2);
  EXPECT_EQ(other, 0);
}

TEST(JobFeedTest, AnEndedSubscriptionIsNotCalledAgain) {
  JobFeed feed;
  int calls = 0;
  auto subscription = feed.Subscribe(JobOf("ann", "j").spec.key, [&] { ++calls; });
  feed.Publish(JobOf("ann", "j"));
  subscription.reset();
  feed.Publish(JobOf("ann", "j"));
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(feed.subscriptions(), 0U);
}

TEST(JobFeedTest, AWakeMayEndItsOwnSubscription) {
  JobFeed feed;
  int calls = 0;
  std::unique_ptr<ports::JobFeed::Subscription> subscription;
  subscription = feed.Subscribe(JobOf("ann", "j").spec.key, [&] {
    ++calls;
    subscription.reset();
  });
  feed.Publish(JobOf("ann", "j"));
  feed.Publish(JobOf("ann", "j"));
  EXPECT_EQ(calls, 1);
}

TEST(JobFeedTest, ASubscriptionMayOutliveItsFeed) {
  auto feed = std::make_unique<JobFeed>();
  auto subscription = feed->Subscribe(JobOf("ann", "j").spec.key, [] {});
  feed.reset();
  subscription.reset();
}

TEST(JobFeedTest, NoCallRunsOnceTheSubscriptionIsDestroyed) {
  JobFeed feed;
  const job::Job job = JobOf("ann", "j");
  std::jthread publisher([&](const std::stop_token& stop) {
    while (!stop.stop_requested()) feed.Publish(job);
  });
  std::atomic<int> late = 0;
  for (int i = 0; i < 300; ++i) {
    auto alive = std::make_unique<std::atomic<bool>>(true);
    std::atomic<int> calls = 0;
    auto subscription = feed.Subscribe(job.spec.key, [&] {
      if (!alive->load()) ++late;
      ++calls;
    });
    while (calls == 0) std::this_thread::yield();
    subscription.reset();
    alive->store(false);
    const int before = calls;
    std::this_thread::yield();
    EXPECT_EQ(calls, before);
  }
  EXPECT_EQ(late, 0);
}

}  // namespace
}  // namespace local
