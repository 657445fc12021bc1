#include "executors.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <string_view>

#include "local/files.h"
#include "local/memory_ledger.h"
#include "processors/estimate/estimate.h"
#include "sandbox/executor_pool.h"

namespace worker {

namespace {

std::string_view Variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

struct LimitVariable {
  const char* name;
  std::uint64_t sandbox::TaskLimits::* member;
};
constexpr LimitVariable kLimits[] = {
    // of both executors
    {"UBERTOONS_LIMITS_MAX_MEDIA_BYTES", &sandbox::TaskLimits::max_input_bytes},
    {"UBERTOONS_LIMITS_MAX_IMAGE_PIXELS", &sandbox::TaskLimits::max_image_pixels},
    {"UBERTOONS_LIMITS_MAX_EXECUTOR_MEMORY", &sandbox::TaskLimits::memory_bytes},
    {"UBERTOONS_LIMITS_MAX_EXECUTOR_OUTPUT", &sandbox::TaskLimits::output_bytes},
};

// One executor: its program, and what time its toons may take.
struct Kind {
  std::string_view program;
  LimitVariable cpu;
  LimitVariable wall;
  std::uint64_t cpu_seconds = 0;  // built in
  std::uint64_t wall_seconds = 0;
};
constexpr Kind kKinds[] = {{"ubertoons-exec-image",
                            {"UBERTOONS_LIMITS_MAX_IMAGE_CPU_SECONDS", &sandbox::TaskLimits::cpu_seconds},
                            {"UBERTOONS_LIMITS_MAX_IMAGE_WALL_SECONDS", &sandbox::TaskLimits::wall_seconds},
                            job::Limits{}.max_image_cpu_seconds,
                            job::Limits{}.max_image_wall_seconds},
                           {"ubertoons-exec-media",
                            {"UBERTOONS_LIMITS_MAX_MEDIA_CPU_SECONDS", &sandbox::TaskLimits::cpu_seconds},
                            {"UBERTOONS_LIMITS_MAX_MEDIA_WALL_SECONDS", &sandbox::TaskLimits::wall_seconds},
                            job::Limits{}.max_media_cpu_seconds,
                            job::Limits{}.max_media_wall_seconds}};

base::Status ReadLimit(const LimitVariable& variable, sandbox::TaskLimits& limits) {
  const std::string_view text = Variable(variable.name);
  if (text.empty()) return {};
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value == 0 || value > limits.*variable.member) {
    return base::Fail(base::Code::kInvalid,
                      fmt::format("{} must be a number from 1 to {}", variable.name, limits.*variable.member));
  }
  limits.*variable.member = value;
  return {};
}

std::string ExecutorFolder() {
  if (const std::string_view folder = Variable("UBERTOONS_EXECUTORS"); !folder.empty()) return std::string(folder);
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  return error ? "." : self.parent_path().string();
}

base::Result<sandbox::PoolOptions> Options(const Kind& kind) {
  sandbox::PoolOptions options{.program = fmt::format("{}/{}", ExecutorFolder(), kind.program)};
  options.limits.cpu_seconds = kind.cpu_seconds;
  options.limits.wall_seconds = kind.wall_seconds;
  if (const std::string_view level = Variable("UBERTOONS_ISOLATION"); !level.empty()) {
    const auto found = std::ranges::find(sandbox::kLevelNames, level);
    if (found == std::end(sandbox::kLevelNames)) {
      return base::Fail(base::Code::kInvalid, "UBERTOONS_ISOLATION must be strict or contained");
    }
    options.level = static_cast<sandbox::Level>(found - std::begin(sandbox::kLevelNames));
  }
  for (const LimitVariable& limit : kLimits) UT_TRY(ReadLimit(limit, options.limits));
  UT_TRY(ReadLimit(kind.cpu, options.limits));
  UT_TRY(ReadLimit(kind.wall, options.limits));
  return options;
}

// Of a Lambda's memory: what the runtime around us and the pages of our programs take, which nobody counts.
constexpr std::uint64_t kUncountedMb = 64;

// nullptr: nobody counts.
base::Result<std::shared_ptr<ports::MemoryShare>> Memory() {
  const std::string_view ledger = Variable("UBERTOONS_MEMORY_LEDGER");
  const std::string_view size = Variable("AWS_LAMBDA_FUNCTION_MEMORY_SIZE");
  std::uint64_t megabytes = 0;
  (void)std::from_chars(size.data(), size.data() + size.size(), megabytes);
  if (ledger == "off" || (ledger.empty() && megabytes == 0)) return nullptr;
  if (!ledger.empty()) {
    int descriptor = -1;
    const auto read = std::from_chars(ledger.data(), ledger.data() + ledger.size(), descriptor);
    if (read.ptr != ledger.data() + ledger.size() || descriptor <= STDERR_FILENO) {
      return base::Fail(base::Code::kInvalid, "UBERTOONS_MEMORY_LEDGER must be off or a descriptor's number");
    }
    const local::Fd inherited(descriptor);  // closed: nobody whom we start has it
    return local::JoinMemoryLedger(descriptor);
  }
  return local::NewMemoryShare(std::max(megabytes - std::min(megabytes, kUncountedMb), kUncountedMb) << 20U);
}

}  // namespace

base::Result<MediaExecutors> MediaExecutors::FromEnvironment() {
  MediaExecutors executors;
  UT_TRY_ASSIGN(const std::shared_ptr<ports::MemoryShare> memory, Memory());
  std::unique_ptr<ports::Executor>* const places[] = {&executors.image_, &executors.media_};
  for (std::size_t i = 0; i < std::size(kKinds); ++i) {
    UT_TRY_ASSIGN(sandbox::PoolOptions options, Options(kKinds[i]));
    options.memory = memory;
    options.estimate = processors::EstimateMemory;
    options.holder = i;
    options.deadline = [deadline = executors.deadline_] { return *deadline; };
    *places[i] = sandbox::NewExecutorPool(std::move(options));
  }
  return executors;
}

base::Result<std::string> MediaExecutors::Examine() {
  std::string json = "[";
  for (const Kind& kind : kKinds) {
    UT_TRY_ASSIGN(const sandbox::PoolOptions options, Options(kind));
    if (::access(options.program.c_str(), X_OK) != 0) continue;
    UT_TRY_ASSIGN(const std::string report, sandbox::Examine(options));
    if (json.size() > 1) json += ',';
    json += report;
  }
  return json + "]";
}

}  // namespace worker
