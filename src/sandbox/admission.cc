#include "sandbox/admission.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "job/limits.h"
#include "ports/work.h"

namespace sandbox {

namespace {

// Below this what a child takes says more about libraries that load than about the task; and reading it costs time.
constexpr std::uint64_t kLearnFrom = 24ULL << 20U;

ports::ProcessorFailure Busy(std::uint64_t bytes) {
  return {.error = {.code = std::string(ports::kMemoryBusy),
                    .message = fmt::format("no memory for a task of {} bytes until its chunk's deadline", bytes)},
          .blame = ports::Blame::kPlatform};
}

}  // namespace

// Address space is limited to this beyond what an idle child has; resident memory cannot be more.
std::uint64_t Admission::MostBytes(const ports::IsolatedTask& task) const {
  std::uint64_t input = 0;
  for (const std::string_view bytes : task.inputs) input += bytes.size();
  return options_.limits.memory_bytes + input;
}

std::optional<ports::ProcessorFailure> Admission::Enter(const ports::IsolatedTask& task, WarmChildren& warm) {
  if (options_.memory == nullptr) return std::nullopt;
  estimate_ = options_.estimate(task);
  const std::uint64_t most = MostBytes(task);
  const std::uint64_t budget = options_.memory->budget();
  if (estimate_.bytes > most && estimate_.bytes > budget) {
    return ports::ProcessorFailure{
        .error = {.code = "memory-limit",
                  .message = fmt::format("by its header, decoding needs about {} bytes: more than an executor may have "
                                         "({}, maxExecutorMemory) and than the whole memory budget ({})",
                                         estimate_.bytes, options_.limits.memory_bytes, budget)}};
  }
  const double expected = static_cast<double>(estimate_.bytes) * options_.memory->Factor(estimate_.kind);
  return Wait(kFreshChildBytes + std::min(most, static_cast<std::uint64_t>(expected)), warm);
}

std::optional<ports::ProcessorFailure> Admission::Wait(std::uint64_t bytes, WarmChildren& warm) {
  const base::SteadyPoint deadline = options_.deadline ? options_.deadline() : base::SteadyPoint::max();
  if (deadline != deadline_) waited_ = false;
  deadline_ = deadline;
  base::SteadyPoint until = std::chrono::steady_clock::now() + job::kMaxMemoryWait;
  if (deadline != base::SteadyPoint::max()) {
    const std::chrono::seconds wall(options_.limits.wall_seconds);
    until = std::min(until, deadline - wall - job::kExecutorStart);
    // The time that earlier toons waited is missing now: better given back than killed half way.
    if (waited_ && std::chrono::steady_clock::now() > until) return Busy(bytes);
  }
  const auto taken = options_.memory->Take(bytes, until, [&] {
    waited_ = true;
    warm.Retire();
  });
  if (taken == ports::MemoryShare::Taken::kYes) return std::nullopt;
  return Busy(bytes);
}

bool Admission::Learns() const {
  return options_.memory != nullptr && estimate_.bytes >= kLearnFrom;
}

void Admission::Begin(const Child& child) {
  if (Learns()) peak_before_ = child.PeakBytes();
}

void Admission::End(const Child& child, const Answer& answer) {
  if (!Learns() || !answer || child.ended()) return;
  const std::uint64_t peak = child.PeakBytes();
  if (peak <= child.fresh_bytes() || child.fresh_bytes() == 0) return;
  const double ratio = static_cast<double>(peak - child.fresh_bytes()) / static_cast<double>(estimate_.bytes);
  // The kernel's figure is of the child's whole life: unless it grew it says only what this task did not exceed.
  if (peak > peak_before_ || ratio < options_.memory->Factor(estimate_.kind)) {
    options_.memory->Learn(estimate_.kind, ratio);
  }
}

}  // namespace sandbox
