// `ubertoons status`, `jobs`, `cancel` and `retry`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "cli/shell.h"

namespace cli {

struct JobOptions {
  std::string job_id;
  bool json = false;
  bool watch = false;  // retry only
};
[[nodiscard]] Try<Exit> RunStatus(Shell& shell, const JobOptions& options);
[[nodiscard]] Try<Exit> RunCancel(Shell& shell, const JobOptions& options);
[[nodiscard]] Try<Exit> RunRetry(Shell& shell, const JobOptions& options);

struct ListOptions {
  std::string status;  // one of job::kJobStatusNames; empty: all
  std::optional<std::uint64_t> limit;
  bool json = false;  // one document {"jobs":[…]}
};
[[nodiscard]] Try<Exit> RunJobs(Shell& shell, const ListOptions& options);

// The status document for people, several lines.
[[nodiscard]] std::string RenderStatus(const json::value& document, const Stream& out);

}  // namespace cli
