// Memory as something to be lent. Whoever is about to decode takes the bytes that decoding will need from a budget that
// all workers of one home share, waits while there are too few, and gives them back. What lies idle (children kept
// warm, the worker itself) is held without waiting, and is given up first when somebody waits.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <stop_token>
#include <string_view>

#include "base/clock.h"

namespace ports {

// Tasks whose need follows the same rule; each kind has a factor of its own.
enum class MemoryKind : std::uint8_t { kImageLines, kImageWhole, kAnimation, kSheet, kSound, kVideo };
inline constexpr std::array<std::string_view, 6> kMemoryKindNames = {"image-lines", "image-whole", "animation",
                                                                     "sheet",       "sound",       "video"};

// What a task is expected to add to an idle executor, by what its header says: before the learned factor.
struct MemoryEstimate {
  MemoryKind kind = MemoryKind::kImageWhole;
  std::uint64_t bytes = 0;
};

// One process's part of the budget. Its bytes come back by themselves when the process ends, however it ends.
// Thread-safe; Take by one thread at a time.
class MemoryShare {
 public:
  enum class Taken : std::uint8_t {
    kYes,
    kNotYet,  // until `deadline` there were too few
  };
  virtual ~MemoryShare() = default;
  [[nodiscard]] virtual std::uint64_t budget() const = 0;  // bytes
  // How many times its estimate a task of this kind needs: a high quantile of what was seen, see Learn.
  [[nodiscard]] virtual double Factor(MemoryKind kind) const = 0;
  // `ratio`: bytes that a task really took, over its estimate. What is larger counts at once, what is smaller slowly.
  virtual void Learn(MemoryKind kind, double ratio) = 0;

  // What the idle children of one holder (a number below kHolders, the caller's choice) have resident. Never waits, may
  // exceed the budget: they are there already.
  static constexpr std::size_t kHolders = 4;
  virtual void Hold(std::size_t holder, std::uint64_t bytes) = 0;
  // Takes `bytes` for one task; at most one at a time. Without waiting if they are there and nobody has waited for too
  // long; else, unless the deadline is over, calls `wait` once (to give up what is idle) and then blocks. More than the
  // whole budget is given to one who runs alone.
  [[nodiscard]] virtual Taken Take(std::uint64_t bytes, base::SteadyPoint deadline,
                                   const std::function<void()>& wait) = 0;
  // Gives back what Take took, and holds `bytes` from now on, in one step.
  virtual void Return(std::size_t holder, std::uint64_t bytes) = 0;

  // Somebody, in any process, waits for memory.
  [[nodiscard]] virtual bool Wanted() const = 0;
  // Blocks until somebody waits who did not when `seen` was noted (true), or `stop` is requested (false). `seen` begins
  // as 0 and is the caller's own.
  [[nodiscard]] virtual bool AwaitWanted(const std::stop_token& stop, std::uint32_t& seen) = 0;
};

}  // namespace ports
