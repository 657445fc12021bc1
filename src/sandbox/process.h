// One started executor program and what is left of it when it ends.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "sandbox/fd.h"
#include "sandbox/protocol.h"

namespace sandbox {

// How a process ended: by a signal, or with an exit status.
struct End {
  int signal = 0;  // 0: it exited
  int status = 0;
  bool system_ran_out_of_memory = false;   // the kernel killed someone for memory while it lived
  [[nodiscard]] std::string Text() const;  // "SIGABRT", "exit status 3"
};

// Leads a process group of its own; the whole group is killed with it. The kernel kills it when the THREAD that started
// it ends. Not thread-safe.
class Process {
 public:
  enum class Output : std::uint8_t {
    kReplies,         // standard output goes where complaints go
    kStandardOutput,  // standard output is what Replies() reads
  };
  // Environment: kEnvironment. Folder: "/". Every descriptor closed but those of protocol.h. Does not wait for the
  // program: one that cannot be executed ends at once and says why in its recorder. kUnavailable: no process, no pipe.
  [[nodiscard]] static base::Result<Process> Start(const std::string& program, std::vector<std::string> arguments,
                                                   Output output);
  Process(Process&&) noexcept = default;
  Process& operator=(Process&&) = delete;
  ~Process() { (void)Kill(); }

  [[nodiscard]] pid_t pid() const { return pid_; }
  // Our ends, non-blocking.
  [[nodiscard]] int tasks() const { return tasks_.get(); }
  [[nodiscard]] int replies() const { return replies_.get(); }
  [[nodiscard]] int complaints() const { return complaints_.get(); }
  // A copy of the recorder as it is now; it outlives the process.
  struct Record {
    bool out_of_memory = false;
    Phase phase = Phase::kStarting;
    int start_errno = 0;
    bool no_thread = false;
  };
  [[nodiscard]] Record ReadRecorder() const;
  struct Memory {
    std::uint64_t resident = 0;  // bytes; 0 if unknown
    std::uint64_t own = 0;       // of them, without what files back, which the kernel can drop
  };
  [[nodiscard]] Memory ReadMemory() const;
  // The most that was ever resident; 0 if unknown. Costs ten times what ReadMemory does.
  [[nodiscard]] std::uint64_t PeakBytes() const;
  // SIGKILL to its group, unless it has ended by itself, and reaps it. Again: the same answer.
  End Kill();
  // Waits until it ends by itself, after its replies have ended: at most `milliseconds`, then kills.
  End Await(int milliseconds);

 private:
  Process(pid_t pid, Fd tasks, Fd replies, Fd complaints, Fd recorder);
  End Reap();

  struct Pid {  // moves as an owner does
    pid_t value = -1;
    Pid() = default;
    explicit Pid(pid_t pid) : value(pid) {}
    Pid(Pid&& other) noexcept : value(std::exchange(other.value, -1)) {}
    Pid& operator=(Pid&&) = delete;
  };
  pid_t pid_ = -1;
  Pid living_;
  Fd tasks_;
  Fd replies_;
  Fd complaints_;
  Fd recorder_;
  Fd memory_;  // /proc/PID/statm
  std::uint64_t oom_kills_ = 0;
  End end_;
};

}  // namespace sandbox
