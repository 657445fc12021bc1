// Both pipes of a child at once, under a deadline: it may answer, stop reading or die at any byte.
#pragma once

#include <sys/uio.h>

#include <chrono>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "sandbox/process.h"

namespace sandbox {

// A child that dies while it is written to would take us along: SIGPIPE is ignored from now on, unless it is handled.
void IgnoreBrokenPipes();

// Not thread-safe. Call IgnoreBrokenPipes first. The process must outlive it.
class Channel {
 public:
  enum class State : std::uint8_t { kOk, kClosed, kLate };

  explicit Channel(const Process& process);
  // Begins to send the pieces; what the pipe does not take at once goes while Read waits. They must stay until a Read
  // has failed or sent() says true.
  void Send(std::vector<iovec> pieces);
  // Exactly to.size() bytes, or: kClosed, the child closed its end; kLate, the deadline passed.
  [[nodiscard]] State Read(std::span<char> to, base::SteadyPoint deadline);
  // Everything up to the end, or the first `most` bytes.
  [[nodiscard]] State ReadAll(std::string& to, std::size_t most, base::SteadyPoint deadline);
  // The child took all of it. False too once it closed its end.
  [[nodiscard]] bool sent() const { return next_ == pieces_.size(); }
  // Nothing unasked came and nobody closed anything: fit for another task.
  [[nodiscard]] bool Quiet() const;
  // The last of what the child complained about on standard error, on one line. Reads what is there; never waits.
  [[nodiscard]] std::string Complaints();
  // As it said it, as far as Complaints has read.
  [[nodiscard]] std::string_view complained() const { return tail_; }

 private:
  [[nodiscard]] bool Wait(base::SteadyPoint deadline);
  void Write();
  void DrainComplaints();

  int tasks_;  // -1: closed by the child
  int replies_;
  int complaints_;  // -1: closed by the child
  std::vector<iovec> pieces_;
  std::size_t next_ = 0;
  std::string tail_;  // has room for what it may hold: nothing here throws
};

}  // namespace sandbox
