#include "local/worker_launch.h"

#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "base/sanitizer.h"

namespace local {

namespace {

std::string AbsoluteIfFile(const std::string& argument) {
  std::error_code error;
  if (argument.empty() || argument.front() == '/' || argument.front() == '-') return argument;
  if (!std::filesystem::exists(argument, error) || error) return argument;
  const std::filesystem::path absolute = std::filesystem::absolute(argument, error);
  return error ? argument : absolute.string();
}

std::string WorkingFolder() {
  std::error_code error;
  const std::filesystem::path folder = std::filesystem::current_path(error);
  return error ? "/" : folder.string();
}

}  // namespace

std::string FunctionArn(const WorkerSpec& spec) {
  return fmt::format("arn:aws:lambda:local:000000000000:function:ubertoons-{}", spec.name);
}

ChildSpec LaunchOf(const WorkerSpec& spec, const std::string& runtime_api, const std::string& folder) {
  ChildSpec child{.command = spec.command, .environment = {}, .folder = folder, .given = spec.descriptor};
  for (std::size_t i = 0; i < child.command.size(); ++i) {
    const bool looked_up = i == 0 && child.command[i].find('/') == std::string::npos;
    if (!looked_up) child.command[i] = AbsoluteIfFile(child.command[i]);
  }
  for (const char* name : {"PATH", "LANG", "TZ"}) {
    if (const char* value = std::getenv(name)) child.environment[name] = value;
  }
  if (base::kSanitized) {
    for (const char* name : {"ASAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS"}) {
      if (const char* value = std::getenv(name)) child.environment[name] = value;
    }
  }
  child.environment["TMPDIR"] = folder;
  child.environment["LAMBDA_TASK_ROOT"] = WorkingFolder();
  child.environment["_HANDLER"] = spec.handler;
  child.environment["AWS_LAMBDA_FUNCTION_NAME"] = fmt::format("ubertoons-{}", spec.name);
  child.environment["AWS_LAMBDA_FUNCTION_VERSION"] = "$LATEST";
  child.environment["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] = std::to_string(spec.max_rss_mb);
  for (const auto& [name, value] : spec.environment) child.environment[name] = value;
  child.environment["AWS_LAMBDA_RUNTIME_API"] = runtime_api;
  return child;
}

}  // namespace local
