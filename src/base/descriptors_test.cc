#include "base/descriptors.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>

namespace base {
namespace {

class Descriptors : public ::testing::Test {
 protected:
  Descriptors() { EXPECT_EQ(getrlimit(RLIMIT_NOFILE, &before_), 0); }
  ~Descriptors() override { EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &before_), 0); }
  void SetSoft(rlim_t most) const {
    rlimit lower = before_;
    lower.rlim_cur = std::min(most, before_.rlim_max);
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &lower), 0);
  }
  static rlim_t Soft() {
    rlimit now{};
    EXPECT_EQ(getrlimit(RLIMIT_NOFILE, &now), 0);
    return now.rlim_cur;
  }
  rlimit before_{};
};

TEST_F(Descriptors, TheSoftLimitBecomesTheHardOneAndAgainWhatItWas) {
  SetSoft(256);
  EXPECT_EQ(RaiseDescriptorLimit(), before_.rlim_max);
  EXPECT_EQ(Soft(), before_.rlim_max);
  RestoreDescriptorLimit();
  EXPECT_EQ(Soft(), std::min<rlim_t>(256, before_.rlim_max));
}

TEST_F(Descriptors, AreCountedAlsoWhenNoneIsLeft) {
  OpenDescriptors open;
  const std::size_t first = open.Count();
  EXPECT_GE(first, 1U);
  const int more = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ASSERT_GE(more, 0);
  EXPECT_EQ(open.Count(), first + 1);
  SetSoft(0);
  ASSERT_LT(::open("/dev/null", O_RDONLY | O_CLOEXEC), 0);
  EXPECT_EQ(open.Count(), first + 1);
  ::close(more);
}

}  // namespace
}  // namespace base
