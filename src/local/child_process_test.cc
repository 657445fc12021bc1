#include "local/child_process.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>

#include <algorithm>

#include "base/descriptors.h"

namespace local {
namespace {

TEST(ChildProcess, HasTheDescriptorLimitThatWeWereStartedWith) {
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit lower = before;
  lower.rlim_cur = 300;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &lower), 0);
  ASSERT_GT(base::RaiseDescriptorLimit(), 300U);
  auto child = ChildProcess::Start(
      {.command = {"sh", "-c", "test $(ulimit -Sn) = 300"}, .environment = {{"PATH", "/usr/bin:/bin"}}, .folder = "/"});
  ASSERT_TRUE(child.has_value()) << child.error().message;
  pollfd ended{.fd = child->pidfd(), .events = POLLIN, .revents = 0};
  ASSERT_EQ(::poll(&ended, 1, 20'000), 1);
  const auto end = child->Reap();
  ASSERT_TRUE(end.has_value());
  EXPECT_TRUE(end->clean) << end->text;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
}

}  // namespace
}  // namespace local
