// The memory budget of one home: a table in shared memory in which every worker process writes what it holds, what it
// runs and what it waits for.
//
// The table is a memfd, which nothing on a disk can fail: of the server, whose workers inherit it, or of a process
// alone (as on Lambda). A process owns a line of it by an OFD lock on that line's byte: the kernel drops the lock with
// the process, kill -9 or not, and whoever waits next finds the line free and wipes it. One more byte is the lock of
// the whole table; sums are made anew from the lines each time, so that somebody who dies half way leaves nothing wrong
// but his own line. Waiters sleep on a futex in the table.
//
// Who gets memory. Used = what all lines hold and run. The waiter that came first is the head.
//   - the head: when it fits (used + wanted <= budget), or when nobody else runs a task and those who hold idle
//     children had kGiveUpTime to end them: larger than everything, it runs alone and is never stuck. While it waits it
//     calls them again each kGiveUpTime, since others become idle;
//   - anybody else: when it fits and the head has waited for less than kHeadPatience;
//   - a small one (at most 1/16 of the budget, or 40 MiB if that is more): later too, when it fits, the small ones that
//     run stay within a quarter of the budget (the lane), and head, lane and all that is idle fit together.
// So small toons flow past large ones, and a large one waits for those that run already, never for those that come: one
// that the lane or idle children could keep out closes the way after kHeadPatience.
//
// Factors live in the table as well: what one worker learns all know, for as long as the server lives. They are not
// written to disk: limits, decoders and images change, and a few toons teach them again.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "base/error.h"
#include "ports/memory.h"

namespace local {

inline constexpr std::chrono::milliseconds kHeadPatience{2'000};
inline constexpr std::chrono::milliseconds kGiveUpTime{1'000};

// What stands in the table now.
struct MemoryFigures {
  std::uint64_t budget = 0;
  std::uint64_t running = 0;        // bytes taken by tasks
  std::uint64_t idle = 0;           // bytes of idle children and of the workers themselves
  std::uint64_t waiting = 0;        // workers that wait
  std::uint64_t waiting_bytes = 0;  // for so much
  std::uint64_t waits = 0;          // since the start
  std::array<double, ports::kMemoryKindNames.size()> factors{};
};

// Thread-safe. Errors: kUnavailable.
class MemoryLedger {
 public:
  [[nodiscard]] static base::Result<std::unique_ptr<MemoryLedger>> Create(std::uint64_t budget);
  virtual ~MemoryLedger() = default;
  // What a worker inherits, for JoinMemoryLedger. Ours: valid as long as this.
  [[nodiscard]] virtual int descriptor() const = 0;
  // Those of before while a process that is stopped holds the table's lock.
  [[nodiscard]] virtual MemoryFigures figures() = 0;
};

// A line in the table behind `descriptor`, which is opened anew and stays the caller's: locks belong to what was
// opened, not to who has it. kUnavailable: no table there, more processes than lines, or its
// lock is not to be had. Without that lock later what a share holds is told late, and Take says kNotYet.
[[nodiscard]] base::Result<std::unique_ptr<ports::MemoryShare>> JoinMemoryLedger(int descriptor);
// A budget of this process alone.
[[nodiscard]] base::Result<std::unique_ptr<ports::MemoryShare>> NewMemoryShare(std::uint64_t budget);

}  // namespace local
