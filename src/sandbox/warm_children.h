// Executor children that wait for their next task: those of the tenants served last, and a spare that is nobody's yet.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "sandbox/child.h"
#include "sandbox/executor_pool.h"

namespace sandbox {

// Own memory of a child that has just said hello, and of one that has warmed up on a small toon: 12 to 20 MiB measured.
inline constexpr std::uint64_t kFreshChildBytes = 24ULL << 20U;
// While somebody waits for memory, a child that has more of its own than this is not kept.
inline constexpr std::uint64_t kMostWhileWanted = 48ULL << 20U;

// Take, Keep and Drop by the thread that lives as long as the children; a thread of its own ends all that are idle when
// somebody waits for memory. `options` must outlive it.
class WarmChildren {
 public:
  explicit WarmChildren(const PoolOptions& options) : options_(options) {}
  // The tenant's child, the spare or a new one, greeted; starts the next spare unless memory is short. Errors as Greet.
  [[nodiscard]] base::Result<std::unique_ptr<Child>> Take(std::string_view tenant);
  // After a task: keeps the child if it is fit for more, and gives back the task's memory.
  void Keep(std::string_view tenant, std::unique_ptr<Child> child);
  // Ends all that are idle.
  void Retire();

 private:
  struct Kept {
    std::string tenant;
    std::unique_ptr<Child> child;
    std::uint64_t bytes = 0;  // its own, when it became idle
  };
  [[nodiscard]] std::unique_ptr<Child> TakeKept(std::string_view tenant);
  void StartSpare();
  [[nodiscard]] bool FitForMore(const Child& child, const Process::Memory& memory) const;
  [[nodiscard]] std::uint64_t IdleBytes() const;  // under the mutex
  void Watch();

  const PoolOptions& options_;
  std::mutex mutex_;
  std::vector<Kept> kept_;        // the one used last is last; guarded by mutex_
  std::uint64_t busy_ = 0;        // what the child at work had before its task; guarded by mutex_
  std::unique_ptr<Child> spare_;  // may still be starting; guarded by mutex_
  std::jthread watcher_;          // ends before the rest
};

}  // namespace sandbox
