// ubertoons-worker as a tool: what it answers to its options.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/error.h"
#include "config/config.h"

// The worker that these settings name, else the one beside our own program.
[[nodiscard]] std::string WorkerPath(const config::Config& settings);

// What a worker's media executors are told by these settings (apps/worker/executors.h).
[[nodiscard]] std::map<std::string, std::string> ExecutorEnvironment(const config::Config& settings);

// `worker OPTION` -> its standard output. kUnavailable if it does not start or fails. Blocks until it ends.
[[nodiscard]] base::Result<std::string> AskWorker(const std::string& worker, std::string_view option,
                                                  const std::map<std::string, std::string>& environment);
