// Memory before work: what a task is expected to need is taken from the budget before a child sees a byte of it.
//
//   expected = a fresh child + estimate (by the header) x factor (learned, per kind), at most what a child may have
//
// Waiting costs the task nothing: its time limits begin with its child. It ends early enough for the task to use all
// the time it may before the deadline of whoever gave it to us; then the task is given back as the platform's failure
// ("memory-busy"), which consumes no attempt however often it happens: flow halves the chunk and comes back later. A
// task whose header alone says that neither the whole budget nor the executor's own limit will do is refused as
// "memory-limit"; all others run, at worst alone.
//
// After a task that was expected to be large the kernel's figure (VmHWM) of its child tells what it really took, and
// the factor moves. A child cannot lie about that, and its factor is bounded. Not thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "sandbox/warm_children.h"

namespace sandbox {

class Admission {
 public:
  explicit Admission(const PoolOptions& options) : options_(options) {}
  // Takes memory for the task; may end what is warm and block. A failure: nothing was taken. Once it took (or without a
  // budget) the caller calls warm.Keep, whatever happens.
  [[nodiscard]] std::optional<ports::ProcessorFailure> Enter(const ports::IsolatedTask& task, WarmChildren& warm);
  // Before and after the child's run of the task that entered.
  void Begin(const Child& child);
  void End(const Child& child, const Answer& answer);

 private:
  [[nodiscard]] std::uint64_t MostBytes(const ports::IsolatedTask& task) const;
  [[nodiscard]] std::optional<ports::ProcessorFailure> Wait(std::uint64_t bytes, WarmChildren& warm);
  [[nodiscard]] bool Learns() const;

  const PoolOptions& options_;
  ports::MemoryEstimate estimate_;  // of the task at hand
  std::uint64_t peak_before_ = 0;   // of the child at hand
  base::SteadyPoint deadline_{};    // of the chunk at hand
  bool waited_ = false;             // in it
};

}  // namespace sandbox
