#include "flow/schedule.h"

#include <gtest/gtest.h>

#include <map>

namespace flow {
namespace {

using std::chrono::milliseconds;
const std::vector<job::WorkClass> kData{"data"};

job::TenantId Tenant(const char* name) {
  return job::TenantId(name);
}

TEST(FairSchedule, NothingRunnableMeansNothingPicked) {
  FairSchedule schedule;
  EXPECT_FALSE(schedule.Pick(kData).has_value());
  schedule.Add(1, Tenant("a"), 0);
  EXPECT_FALSE(schedule.Pick(kData).has_value());
  schedule.Set(1, "image", FairSchedule::Has::kWork);
  EXPECT_FALSE(schedule.Pick(kData).has_value());
  EXPECT_EQ(schedule.Pick({"data", "image"})->first, 1U);
}

TEST(FairSchedule, TenantsShareWorkerTimeHoweverManyJobsTheyHave) {
  FairSchedule schedule;
  for (FairSchedule::JobNo no = 1; no <= 10; ++no) {
    schedule.Add(no, Tenant(no == 10 ? "small" : "large"), 0);
    schedule.Set(no, "data", FairSchedule::Has::kWork);
  }
  std::map<bool, int> served;
  for (int i = 0; i < 1000; ++i) {
    const auto no = schedule.Pick(kData)->first;
    served[no == 10] += 1;
    schedule.Charge(no, milliseconds(10));
  }
  EXPECT_NEAR(served[true], 500, 10);
}

TEST(FairSchedule, ATenantKeepsTheWorkerForAQuantum) {
  FairSchedule schedule;
  schedule.Add(1, Tenant("a"), 0);
  schedule.Add(2, Tenant("b"), 0);
  for (FairSchedule::JobNo no : {1U, 2U}) schedule.Set(no, "data", FairSchedule::Has::kWork);
  int changes = 0;
  FairSchedule::JobNo last = 0;
  for (int i = 0; i < 100; ++i) {
    const auto no = schedule.Pick(kData)->first;
    changes += no != last ? 1 : 0;
    last = no;
    schedule.Charge(no, milliseconds(10));
  }
  EXPECT_LE(changes, 21);  // 100 × 10 ms in quanta of 50 ms
}

TEST(FairSchedule, ANewcomerIsServedNextAndBringsNoCredit) {
  FairSchedule schedule;
  schedule.Add(1, Tenant("old"), 0);
  schedule.Set(1, "data", FairSchedule::Has::kWork);
  for (int i = 0; i < 1000; ++i) schedule.Charge(1, milliseconds(100));
  schedule.Add(2, Tenant("new"), 0);
  schedule.Set(2, "data", FairSchedule::Has::kWork);
  schedule.Charge(1, milliseconds(50));
  EXPECT_EQ(schedule.Pick(kData)->first, 2U);
  int in_a_row = 0;
  while (schedule.Pick(kData)->first == 2U && in_a_row < 100) {
    schedule.Charge(2, milliseconds(50));
    ++in_a_row;
  }
  EXPECT_LE(in_a_row, 4);
}

TEST(FairSchedule, PriorityOrdersTheJobsOfOneTenantOnly) {
  FairSchedule schedule;
  schedule.Add(1, Tenant("a"), 0);
  schedule.Add(2, Tenant("a"), 5);
  schedule.Add(3, Tenant("b"), -100);
  for (FairSchedule::JobNo no : {1U, 2U, 3U}) schedule.Set(no, "data", FairSchedule::Has::kWork);
  std::map<FairSchedule::JobNo, int> served;
  for (int i = 0; i < 100; ++i) {
    const auto no = schedule.Pick(kData)->first;
    served[no] += 1;
    schedule.Charge(no, milliseconds(50));
  }
  EXPECT_EQ(served[1], 0);
  EXPECT_NEAR(served[3], 50, 2);
  schedule.Set(2, "data", FairSchedule::Has::kNothing);
  schedule.Remove(3);
  EXPECT_EQ(schedule.Pick(kData)->first, 1U);
}

}  // namespace
}  // namespace flow
