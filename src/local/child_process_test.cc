#include "local/child_process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <vector>

#include "base/descriptors.h"

namespace local {
namespace {

std::string EndOf(ChildProcess child) {
  pollfd ended{.fd = child.pidfd(), .events = POLLIN, .revents = 0};
  EXPECT_EQ(::poll(&ended, 1, 60'000), 1);
  const auto end = child.Reap();
  return end ? end->text : "";
}

// What a shell with one descriptor of ours, whatever its number here, writes into it.
std::string WrittenBy(const std::string& script, int at_least) {
  int pipe_fds[2];
  EXPECT_EQ(::pipe2(pipe_fds, O_CLOEXEC), 0);
  const Fd read_end(pipe_fds[0]);
  Fd write_end(::fcntl(pipe_fds[1], F_DUPFD_CLOEXEC, at_least));
  ::close(pipe_fds[1]);
  auto child = ChildProcess::Start(
      {.command = {"/bin/sh", "-c", script}, .environment = {}, .folder = "/", .given = write_end.get()});
  EXPECT_TRUE(child);
  write_end.Reset(-1);
  std::string text;
  char buffer[256];
  for (ssize_t got = 0; (got = ::read(read_end.get(), buffer, sizeof buffer)) > 0;) {
    text.append(buffer, static_cast<std::size_t>(got));
  }
  EXPECT_EQ(child ? EndOf(*std::move(child)) : "", "exit status 0");
  return text;
}

// While it lives the soft limit of open files is as if we had been started with it.
class StartedWithDescriptors {
 public:
  explicit StartedWithDescriptors(rlim_t count) {
    EXPECT_EQ(getrlimit(RLIMIT_NOFILE, &before_), 0);
    rlimit lower = before_;
    lower.rlim_cur = count;
    EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &lower), 0);
  }
  StartedWithDescriptors(const StartedWithDescriptors&) = delete;
  StartedWithDescriptors& operator=(const StartedWithDescriptors&) = delete;
  ~StartedWithDescriptors() { EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &before_), 0); }

 private:
  rlimit before_{};
};

TEST(ChildProcess, HasTheDescriptorGivenAndNoOther) {
  const Fd other = OpenFile("/dev/null", O_RDONLY);
  ASSERT_EQ(::fcntl(other.get(), F_SETFD, 0), 0);
  for (const int at_least : {0, 4, 5, 50}) {
    EXPECT_EQ(
        WrittenBy("for fd in 0 1 2 3 4 5 6 7 8 9; do [ -e /proc/$$/fd/$fd ] && printf $fd; done >&4; exit 0", at_least),
        "0124");
  }
}

TEST(ChildProcess, HasNoneUnlessItIsGiven) {
  auto child =
      ChildProcess::Start({.command = {"/bin/sh", "-c", "[ ! -e /proc/$$/fd/4 ]"}, .environment = {}, .folder = "/"});
  ASSERT_TRUE(child);
  EXPECT_EQ(EndOf(*std::move(child)), "exit status 0");
}

TEST(ChildProcess, HasTheDescriptorLimitThatWeWereStartedWith) {
  const StartedWithDescriptors limit(300);
  ASSERT_GT(base::RaiseDescriptorLimit(), 300U);
  auto child = ChildProcess::Start(
      {.command = {"sh", "-c", "test $(ulimit -Sn) = 300"}, .environment = {{"PATH", "/usr/bin:/bin"}}, .folder = "/"});
  ASSERT_TRUE(child.has_value()) << child.error().message;
  pollfd ended{.fd = child->pidfd(), .events = POLLIN, .revents = 0};
  ASSERT_EQ(::poll(&ended, 1, 20'000), 1);
  const auto end = child->Reap();
  ASSERT_TRUE(end.has_value());
  EXPECT_TRUE(end && end->clean) << (end ? end->text : "");
}

// As a server with that many connections has them.
TEST(ChildProcess, StartsWhileMoreAreOpenThanItMayHaveItself) {
  const StartedWithDescriptors limit(64);
  ASSERT_GT(base::RaiseDescriptorLimit(), 200U);
  std::vector<Fd> open;
  for (int i = 0; i < 100; ++i) open.push_back(OpenFile("/dev/null", O_RDONLY));
  ASSERT_TRUE(open.back().ok());
  for (const int given : {-1, open.front().get()}) {
    auto child =
        ChildProcess::Start({.command = {"/bin/sh", "-c", "exit 0"}, .environment = {}, .folder = "/", .given = given});
    ASSERT_TRUE(child.has_value()) << child.error().message;
    EXPECT_EQ(EndOf(*std::move(child)), "exit status 0");
  }
}

}  // namespace
}  // namespace local
