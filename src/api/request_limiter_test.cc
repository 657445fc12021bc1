#include "api/request_limiter.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "fakes/clock.h"

namespace api {
namespace {

using std::chrono_literals::operator""s;
using std::chrono_literals::operator""ms;

struct Limited {
  explicit Limited(std::uint64_t per_second) : limiter(per_second, clock) {}
  bool Passes(std::string_view tenant = "ana") { return !limiter.Take(job::TenantId(tenant)); }
  // How many of so many requests at once pass.
  int PassOf(int requests, std::string_view tenant = "ana") {
    int passed = 0;
    for (int i = 0; i < requests; ++i) passed += Passes(tenant) ? 1 : 0;
    return passed;
  }
  fakes::ManualClock clock;
  RequestLimiter limiter;
};

TEST(RequestLimiter, ABurstOfTwoSecondsPassesAndNoMore) {
  Limited limited(10);
  EXPECT_EQ(limited.PassOf(50), 20);
  EXPECT_EQ(limited.limiter.refused(), 30U);
}

TEST(RequestLimiter, RequestsAtTheRateAlwaysPass) {
  Limited limited(10);
  for (int i = 0; i < 1000; ++i) {
    EXPECT_TRUE(limited.Passes()) << i;
    limited.clock.Advance(100ms);
  }
}

TEST(RequestLimiter, RequestsOverTheRateKeepToIt) {
  Limited limited(10);
  int passed = 0;
  for (int i = 0; i < 1000; ++i) {
    passed += limited.Passes() ? 1 : 0;
    limited.clock.Advance(10ms);
  }
  // The burst, and ten a second until the last one, which comes at 9.99 s.
  EXPECT_EQ(passed, 20 + 99);
}

TEST(RequestLimiter, OneTenantsFloodIsNobodyElses) {
  Limited limited(10);
  EXPECT_EQ(limited.PassOf(50, "ana"), 20);
  EXPECT_EQ(limited.PassOf(20, "bob"), 20);
}

TEST(RequestLimiter, WhoeverWaitsAsToldPasses) {
  for (const std::uint64_t rate : {1U, 3U, 10U, 999U}) {
    Limited limited(rate);
    limited.PassOf(5000);
    const auto wait = limited.limiter.Take(job::TenantId("ana"));
    ASSERT_TRUE(wait) << rate;
    EXPECT_EQ(*wait, 1s) << rate;
    limited.clock.Advance(*wait);
    // All that were refused within the same second's worth come back at once.
    EXPECT_EQ(limited.PassOf(5000), static_cast<int>(rate)) << rate;
  }
}

TEST(RequestLimiter, RefusedRequestsCostNothing) {
  Limited limited(10);
  EXPECT_EQ(limited.PassOf(1000), 20);
  limited.clock.Advance(2s);
  EXPECT_EQ(limited.PassOf(1000), 20);
}

TEST(RequestLimiter, BucketsOfTenantsThatWentAreDropped) {
  Limited limited(10);
  for (int i = 0; i < 10'000; ++i) {
    EXPECT_TRUE(limited.Passes(fmt::format("tenant-{}", i)));
    limited.clock.Advance(10ms);
  }
  EXPECT_LT(limited.limiter.tenants(), 1100U);
}

TEST(RequestLimiter, ABucketInUseOutlivesTheSweep) {
  Limited limited(10);
  for (int i = 0; i < 100'000; ++i) {
    EXPECT_TRUE(limited.Passes(fmt::format("tenant-{}", i)));
    if (i % 1000 == 0) limited.PassOf(20, "ana");  // always empty: no time passes
  }
  EXPECT_FALSE(limited.Passes("ana"));
}

}  // namespace
}  // namespace api
