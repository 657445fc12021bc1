// This process's file descriptors: how many it may open, and how many it has.
#pragma once

#include <dirent.h>

#include <cstddef>
#include <mutex>

namespace base {

// Raises the process's soft limit to its hard one; answers what holds now.
[[nodiscard]] std::size_t RaiseDescriptorLimit();
// Sets the soft limit back to what held before RaiseDescriptorLimit: programs that use select() break above 1024. For a
// child between fork and exec (async-signal-safe); does nothing when no limit was raised.
void RestoreDescriptorLimit();

// Counts open descriptors, also when no more can be opened: it holds the one that it needs. Thread-safe.
class OpenDescriptors {
 public:
  OpenDescriptors();
  ~OpenDescriptors();
  OpenDescriptors(const OpenDescriptors&) = delete;
  OpenDescriptors& operator=(const OpenDescriptors&) = delete;
  // Its own included; 0 without /proc.
  [[nodiscard]] std::size_t Count();

 private:
  std::mutex mutex_;
  DIR* folder_;  // guarded by mutex_; nullptr without /proc
};

}  // namespace base
