// Child processes that end with us: started without a shell, with an environment, a folder and descriptors of their
// own.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "local/files.h"

namespace local {

// Where a child finds the descriptor that it was given.
inline constexpr int kGivenDescriptor = 4;

struct ChildSpec {
  std::vector<std::string> command;                // [0] is looked up in our PATH unless it holds a slash
  std::map<std::string, std::string> environment;  // all of it
  std::string folder;                              // working folder
  int given = -1;  // a descriptor of ours that the child has as kGivenDescriptor; -1: none
};

// How a child ended: "exit status 3" or "signal 9 (Killed)".
struct ChildEnd {
  std::string text;
  bool clean = false;  // exit status 0
};

// Leads a process group of its own; the whole group is killed with it. Not thread-safe.
class ChildProcess {
 public:
  // The child's standard input is empty, its output goes to our standard error, every descriptor but the one given is
  // closed. The kernel kills it when the calling THREAD ends (PR_SET_PDEATHSIG): start children from a thread that
  // lives as long. kUnavailable: the command cannot be executed, or no process to be had.
  [[nodiscard]] static base::Result<ChildProcess> Start(const ChildSpec& spec);
  ChildProcess(ChildProcess&&) noexcept = default;
  ChildProcess& operator=(ChildProcess&&) = delete;
  ~ChildProcess();  // kills and reaps
  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] int pidfd() const { return pidfd_.get(); }  // readable once the child has ended
  void Terminate() const;                                   // SIGTERM to the child alone
  void Kill() const;                                        // SIGKILL to its group
  // If it has ended: kills what is left of its group, reaps it. Never blocks.
  [[nodiscard]] std::optional<ChildEnd> Reap();
  [[nodiscard]] std::uint64_t ResidentBytes() const;  // 0 once it has ended

 private:
  ChildProcess(pid_t pid, Fd pidfd) : pid_(pid), pidfd_(std::move(pidfd)) {}
  std::optional<ChildEnd> Wait(int options);

  pid_t pid_ = -1;
  Fd pidfd_;  // not ok() once reaped or moved from
};

}  // namespace local
