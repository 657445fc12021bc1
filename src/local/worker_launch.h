// What a worker process is started with: the command and the environment that Lambda would give it.
#pragma once

#include <string>

#include "local/child_process.h"
#include "local/worker_pool.h"

namespace local {

// "arn:aws:lambda:local:000000000000:function:ubertoons-<name>"
[[nodiscard]] std::string FunctionArn(const WorkerSpec& spec);
// runtime_api: the value of AWS_LAMBDA_RUNTIME_API. folder: the worker's own temp folder.
[[nodiscard]] ChildSpec LaunchOf(const WorkerSpec& spec, const std::string& runtime_api, const std::string& folder);

}  // namespace local
