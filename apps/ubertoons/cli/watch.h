// `ubertoons watch` and the --watch of submit and retry.
#pragma once

#include <string>

#include "cli/progress.h"
#include "cli/shell.h"

namespace cli {

struct Watched {
  Snapshot job;
  Document document;  // the status document at the end
};
// Follows the job's event stream until it ends, resuming where a connection broke; asks for the status instead where
// there is no stream. SIGINT meanwhile ends the process with kInterrupted; the job goes on. Blocks as long as the job
// runs.
[[nodiscard]] Try<Watched> Follow(Shell& shell, const std::string& job_id, Stream& progress);

struct WatchOptions {
  std::string job_id;
  bool exit_status = false;
  bool json = false;
};
[[nodiscard]] Try<Exit> RunWatch(Shell& shell, const WatchOptions& options);
// Follows with progress on standard error and answers kJobFailed for a job that Failed: submit's and retry's --watch.
[[nodiscard]] Try<Exit> WatchToEnd(Shell& shell, const std::string& job_id, Format format);

}  // namespace cli
