// One executor child in the worker's hands: from its hello to its end.
#pragma once

#include <memory>
#include <optional>

#include "base/error.h"
#include "sandbox/channel.h"
#include "sandbox/executor_pool.h"
#include "sandbox/process.h"
#include "sandbox/protocol.h"

namespace sandbox {

// Not thread-safe. Call IgnoreBrokenPipes first. `options` must outlive it.
class Child {
 public:
  // Does not wait for it. kUnavailable: no process to be had.
  [[nodiscard]] static base::Result<std::unique_ptr<Child>> Start(const PoolOptions& options);

  // What it says of itself, at most 15 seconds from now; at once when asked again. kUnavailable if it does not start or
  // does not reach the level.
  [[nodiscard]] base::Result<Hello> Greet();
  // After Greet. Failures as ports::Executor; after one of Blame::kLethal the child is gone.
  [[nodiscard]] Answer Run(const ports::IsolatedTask& task);
  // Fit for another task.
  [[nodiscard]] bool Usable() const { return !ended_ && channel_.Quiet(); }
  [[nodiscard]] Process::Memory ReadMemory() const { return process_.ReadMemory(); }
  [[nodiscard]] std::uint64_t PeakBytes() const { return process_.PeakBytes(); }
  // Resident when it had done nothing yet; 0 if unknown.
  [[nodiscard]] std::uint64_t fresh_bytes() const { return fresh_bytes_; }
  [[nodiscard]] std::uint32_t tasks() const { return tasks_; }
  // How it ended, once it is gone.
  [[nodiscard]] const std::optional<End>& ended() const { return ended_; }

 private:
  enum class Cause : std::uint8_t { kItself, kLate, kOutput, kGarbled };

  Child(const PoolOptions& options, Process process);
  [[nodiscard]] std::expected<std::string, Cause> ReadHead(std::size_t most, base::SteadyPoint deadline);
  [[nodiscard]] std::expected<Answer, Cause> ReadReply(base::SteadyPoint deadline);
  [[nodiscard]] base::Result<Hello> ReadHello();
  // Ends it and says why it did, or why it had to.
  ports::ProcessorFailure Bury(Cause cause);
  [[nodiscard]] ports::ProcessorFailure Verdict(Cause cause, const End& end, const Process::Record& record) const;

  const PoolOptions& options_;
  Process process_;
  Channel channel_;
  std::optional<Hello> hello_;
  std::optional<End> ended_;
  std::uint32_t tasks_ = 0;
  std::uint64_t fresh_bytes_ = 0;
};

}  // namespace sandbox
