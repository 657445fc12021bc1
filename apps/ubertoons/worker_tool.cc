#include "worker_tool.h"

#include <fmt/format.h>

#include <array>
#include <cstdio>
#include <filesystem>

namespace {

std::string Quoted(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

}  // namespace

std::string WorkerPath(const config::Config& settings) {
  if (!settings.worker_command.empty()) return settings.worker_command;
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  return error ? "ubertoons-worker" : (self.parent_path() / "ubertoons-worker").string();
}

std::map<std::string, std::string> ExecutorEnvironment(const config::Config& settings) {
  const job::Limits& limits = settings.limits;
  return {{"UBERTOONS_ISOLATION", std::string(config::kIsolationNames[static_cast<std::size_t>(settings.isolation)])},
          {"UBERTOONS_LIMITS_MAX_MEDIA_BYTES", std::to_string(limits.max_media_bytes)},
          {"UBERTOONS_LIMITS_MAX_IMAGE_PIXELS", std::to_string(limits.max_image_pixels)},
          {"UBERTOONS_LIMITS_MAX_EXECUTOR_MEMORY", std::to_string(limits.max_executor_memory)},
          {"UBERTOONS_LIMITS_MAX_EXECUTOR_OUTPUT", std::to_string(limits.max_executor_output)},
          {"UBERTOONS_LIMITS_MAX_IMAGE_CPU_SECONDS", std::to_string(limits.max_image_cpu_seconds)},
          {"UBERTOONS_LIMITS_MAX_IMAGE_WALL_SECONDS", std::to_string(limits.max_image_wall_seconds)},
          {"UBERTOONS_LIMITS_MAX_MEDIA_CPU_SECONDS", std::to_string(limits.max_media_cpu_seconds)},
          {"UBERTOONS_LIMITS_MAX_MEDIA_WALL_SECONDS", std::to_string(limits.max_media_wall_seconds)}};
}

base::Result<std::string> AskWorker(const std::string& worker, std::string_view option,
                                    const std::map<std::string, std::string>& environment) {
  const auto fail = [&](std::string_view what) {
    return base::Fail(base::Code::kUnavailable, fmt::format("{} {} {}", worker, option, what));
  };
  std::string command;
  for (const auto& [name, value] : environment) command += fmt::format("{}={} ", name, Quoted(value));
  command += fmt::format("{} {}", Quoted(worker), option);
  std::FILE* pipe = ::popen(command.c_str(), "re");
  if (pipe == nullptr) return fail("does not start");
  std::string text;
  std::array<char, 4096> buffer{};
  for (std::size_t n = 0; (n = std::fread(buffer.data(), 1, buffer.size(), pipe)) > 0;) text.append(buffer.data(), n);
  if (::pclose(pipe) != 0) return fail("fails; is ubertoons-worker beside ubertoons?");
  return text;
}
