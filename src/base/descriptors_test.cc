#include "base/descriptors.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

namespace base {
namespace {

TEST(Descriptors, TheLimitIsRaisedAsFarAsIsAllowed) {
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  const rlim_t most = limit.rlim_max;
  limit.rlim_cur = most / 2;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  EXPECT_EQ(DescriptorLimit(), most / 2);
  EXPECT_EQ(RaiseDescriptorLimit(), most);
  EXPECT_EQ(DescriptorLimit(), most);
}

}  // namespace
}  // namespace base
