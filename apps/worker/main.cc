// ubertoons-worker: a Lambda runtime that processes chunks of toons. Locally `ubertoons serve` starts it.
//   UBERTOONS_BLOBS=DIR        where manifests, uploads and artifacts lie
//   UBERTOONS_MEMORY_MB=N      address space at most (RLIMIT_AS); absent or 0: no limit
//   and those of executors.h
//   --versions                 prints {"<type>":"<processor version>",…} and ends
//   --isolation                prints what holds the media executors, and what they still could do, and ends
#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "base/sanitizer.h"
#include "executors.h"
#include "job/types.h"
#include "local/file_blobs.h"
#include "processors/registry.h"
#include "reducers/registry.h"
#include "runtime/answer_recorder.h"
#include "runtime/chunk_handler.h"
#include "runtime/runtime.h"
#include "sandbox/parent.h"
#include "wire/chunk_codec.h"

namespace {

std::string_view Variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// Ours alone: an executor inherits the hard limit, and has limits of its own.
void Limit(int resource, rlim_t most) {
  rlimit limit{};
  (void)::getrlimit(static_cast<__rlimit_resource_t>(resource), &limit);
  limit.rlim_cur = std::min(most, limit.rlim_max);
  if (::setrlimit(static_cast<__rlimit_resource_t>(resource), &limit) != 0) {
    base::LogWarn("limit-refused", {{"resource", resource}});
  }
}

// Before any byte of a toon is read: no core dumps (they hold payloads), memory that others cannot read, no new
// privileges, no life after the server's.
void Confine() {
  Limit(RLIMIT_CORE, 0);
  (void)::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (!sandbox::HideMemory()) base::LogWarn("memory-not-hidden", {});
  const std::string_view memory = Variable("UBERTOONS_MEMORY_MB");
  rlim_t megabytes = 0;
  (void)std::from_chars(memory.data(), memory.data() + memory.size(), megabytes);
  if (megabytes > 0 && !base::kSanitized) Limit(RLIMIT_AS, megabytes << 20U);
}

int Refuse(const base::Error& error) {
  fmt::print(stderr, "ubertoons-worker: {}\n", error.message);
  return base::PolicyOf(error.code).exit_code;
}

// As in a worker that serves: what an executor finds in its parent is part of it.
int PrintIsolation() {
  Confine();
  const auto report = worker::MediaExecutors::Examine();
  if (!report) return Refuse(report.error());
  fmt::print("{}\n", *report);
  return std::fflush(stdout) == 0 ? 0 : 1;
}

int PrintVersions() {
  const auto executors = worker::MediaExecutors::FromEnvironment();
  if (!executors) return Refuse(executors.error());
  const auto processors = processors::NewProcessors(executors->Pointers());
  std::string json;
  for (const std::string_view type : job::kBuiltinTypeNames) {
    const ports::Processor* processor = processors->Find(type);
    if (processor == nullptr) continue;
    json += fmt::format(R"({}"{}":)", json.empty() ? "" : ",", type);
    base::AppendJsonString(json, processor->version());
  }
  fmt::print("{{{}}}\n", json);
  return std::fflush(stdout) == 0 ? 0 : 1;
}

base::Status Serve(const std::string& api) {
  const std::string blob_dir(Variable("UBERTOONS_BLOBS"));
  if (blob_dir.empty()) return base::Fail(base::Code::kInvalid, "UBERTOONS_BLOBS is not set");
  UT_TRY_ASSIGN(const auto blobs, local::OpenFileBlobs(blob_dir));
  UT_TRY_ASSIGN(const worker::MediaExecutors executors, worker::MediaExecutors::FromEnvironment());
  const auto processors = processors::NewProcessors(executors.Pointers());
  const auto reducers = reducers::NewReducers();
  // All that it says has been read, and an executor must find nothing there. The dynamic loader of one reads the first.
  constexpr std::string_view kKept[] = {"LD_LIBRARY_PATH", "TZ", "LANG"};
  sandbox::ScrubEnvironment(kKept);
  const base::SystemClock clock;
  base::SystemRandom random;
  flow::ChunkProcessor processor(*blobs, *processors, *reducers, executors.Pointers().image, clock, random);
  runtime::AnswerRecorder recorder;
  const runtime::Handler handle = runtime::NewChunkHandler(processor, recorder, wire::kAnswerContentType);
  return runtime::Run(api, [&](std::string_view event, const runtime::InvocationContext& context) {
    const bool known = context.deadline != base::TimePoint();
    executors.SetDeadline(known ? clock.Steady() + (context.deadline - clock.Now()) : base::SteadyPoint::max());
    return handle(event, context);
  });
}

int Main() {
  const auto api = runtime::ApiFromEnvironment();
  if (!api) {
    fmt::print(stderr, "ubertoons-worker: {}\n", api.error().message);
    return 2;
  }
  Confine();
  const base::Status served = Serve(*api);
  if (served) return 0;
  base::LogError("worker-failed", {{"error", served.error().message}});
  runtime::ReportInitError(*api, served.error());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::string_view(argv[1]) == "--versions") return PrintVersions();
  if (argc == 2 && std::string_view(argv[1]) == "--isolation") return PrintIsolation();
  if (argc != 1) {
    fmt::print(stderr, "usage: ubertoons-worker [--versions | --isolation]\n");
    return 2;
  }
  return Main();
}
