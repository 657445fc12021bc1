#include "sandbox/channel.h"

#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/sanitizer.h"
#include "sandbox/protocol.h"

namespace sandbox {

namespace {

constexpr std::size_t kComplaintBytes = base::kSanitized ? 64U << 10U : 300;  // of them are kept; a finding is long
constexpr std::size_t kComplaintRead = 4096;
constexpr std::size_t kMostPolledMs = 60'000;

int Milliseconds(base::SteadyPoint deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, kMostPolledMs));
}

}  // namespace

void IgnoreBrokenPipes() {
  struct sigaction current{};
  if (::sigaction(SIGPIPE, nullptr, &current) == 0 && current.sa_handler == SIG_DFL) (void)::signal(SIGPIPE, SIG_IGN);
}

Channel::Channel(const Process& process)
    : tasks_(process.tasks()), replies_(process.replies()), complaints_(process.complaints()) {
  tail_.reserve(kComplaintBytes + kComplaintRead);
}

void Channel::Send(std::vector<iovec> pieces) {
  pieces_ = std::move(pieces);
  next_ = 0;
  Write();
}

void Channel::Write() {
  while (next_ < pieces_.size() && tasks_ >= 0) {
    const std::size_t count = std::min<std::size_t>(pieces_.size() - next_, IOV_MAX);
    const ssize_t wrote = ::writev(tasks_, &pieces_[next_], static_cast<int>(count));
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0 && errno == EAGAIN) return;
    if (wrote < 0) {  // it reads no more; a reply may still come
      tasks_ = -1;
      return;
    }
    auto left = static_cast<std::size_t>(wrote);
    while (next_ < pieces_.size() && left >= pieces_[next_].iov_len) left -= pieces_[next_++].iov_len;
    if (next_ == pieces_.size()) return;
    pieces_[next_].iov_base = static_cast<char*>(pieces_[next_].iov_base) + left;
    pieces_[next_].iov_len -= left;
  }
}

Channel::State Channel::Read(std::span<char> to, base::SteadyPoint deadline) {
  while (!to.empty()) {
    const ssize_t got = ::read(replies_, to.data(), to.size());
    if (got == 0) return State::kClosed;
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno != EAGAIN) return State::kClosed;
    if (got > 0) to = to.subspan(static_cast<std::size_t>(got));
    // Also after a part: a child that sends byte by byte has no more time than others.
    if (!to.empty() && !Wait(deadline)) return State::kLate;
  }
  return State::kOk;
}

Channel::State Channel::ReadAll(std::string& to, std::size_t most, base::SteadyPoint deadline) {
  char byte = 0;
  while (to.size() < most) {
    const State state = Read({&byte, 1}, deadline);
    if (state == State::kClosed) return State::kOk;
    if (state != State::kOk) return state;
    to += byte;
  }
  return State::kOk;
}

bool Channel::Wait(base::SteadyPoint deadline) {
  if (std::chrono::steady_clock::now() >= deadline) return false;
  pollfd fds[] = {{.fd = replies_, .events = POLLIN, .revents = 0},
                  {.fd = complaints_, .events = POLLIN, .revents = 0},
                  {.fd = sent() ? -1 : tasks_, .events = POLLOUT, .revents = 0}};
  const int ready = ::poll(fds, std::size(fds), Milliseconds(deadline));
  if (ready <= 0) return true;  // the next call looks at the clock
  if (fds[1].revents != 0) DrainComplaints();
  if (fds[2].revents != 0) Write();
  return true;
}

void Channel::DrainComplaints() {
  char buffer[kComplaintRead];
  const ssize_t got = ::read(complaints_, buffer, sizeof buffer);
  if (got > 0) {
    tail_.append(buffer, static_cast<std::size_t>(got));
    if (tail_.size() > kComplaintBytes) tail_.erase(0, tail_.size() - kComplaintBytes);
  } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
    complaints_ = -1;
  }
}

bool Channel::Quiet() const {
  if (!sent() || tasks_ < 0) return false;
  pollfd fds[] = {{.fd = replies_, .events = POLLIN, .revents = 0}, {.fd = tasks_, .events = 0, .revents = 0}};
  return ::poll(fds, std::size(fds), 0) == 0;
}

std::string Channel::Complaints() {
  constexpr int kMostReads = 256;  // a pipe's worth, and no endless listening
  for (int i = 0; i < kMostReads && complaints_ >= 0; ++i) {
    pollfd wait{.fd = complaints_, .events = POLLIN, .revents = 0};
    if (::poll(&wait, 1, 0) <= 0) break;
    DrainComplaints();
  }
  return CleanText(tail_, kComplaintBytes);
}

}  // namespace sandbox
