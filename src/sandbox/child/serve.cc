#include "sandbox/serve.h"

#include <fmt/format.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <new>
#include <span>

#include "sandbox/child/lockdown.h"
#include "sandbox/child/probes.h"
#include "sandbox/child/recorder.h"
#include "sandbox/protocol.h"

namespace sandbox {

namespace {

constexpr int kUsageStatus = 2;
constexpr int kFailedStatus = 1;

// False at the end of the pipe.
bool ReadExactly(std::span<char> to) {
  while (!to.empty()) {
    const ssize_t got = ::read(kTaskFd, to.data(), to.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    to = to.subspan(static_cast<std::size_t>(got));
  }
  return true;
}

bool WriteAll(std::span<iovec> pieces) {
  while (!pieces.empty()) {
    const ssize_t wrote = ::writev(kReplyFd, pieces.data(), static_cast<int>(pieces.size()));
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return false;
    auto left = static_cast<std::size_t>(wrote);
    while (!pieces.empty() && left >= pieces.front().iov_len) {
      left -= pieces.front().iov_len;
      pieces = pieces.subspan(1);
    }
    if (pieces.empty()) break;
    pieces.front().iov_base = static_cast<char*>(pieces.front().iov_base) + left;
    pieces.front().iov_len -= left;
  }
  return true;
}

bool SendFrame(std::string head, std::span<std::string* const> body) {
  auto prefix = MakePrefix(head.size());
  std::vector<iovec> pieces = {{.iov_base = prefix.data(), .iov_len = prefix.size()},
                               {.iov_base = head.data(), .iov_len = head.size()}};
  for (std::string* bytes : body) pieces.push_back({.iov_base = bytes->data(), .iov_len = bytes->size()});
  return WriteAll(pieces);
}

bool SendAnswer(Answer answer) {
  if (answer && answer->result_json.size() > job::kMaxResultBytes) {
    answer = std::unexpected(
        ports::ProcessorFailure{.error = {.code = "result-too-large",
                                          .message = fmt::format("the result has {} bytes, {} may be",
                                                                 answer->result_json.size(), job::kMaxResultBytes)}});
  }
  std::vector<std::string*> body;
  if (answer) {
    for (ports::ArtifactBytes& artifact : answer->artifacts) body.push_back(&artifact.bytes);
  }
  return SendFrame(EncodeReply(answer), body);
}

Answer Probe(const TaskHead& task) {
  const std::string_view name = task.operations.empty() ? std::string_view() : task.operations.front().name;
  return ports::ProcessorOutput{.result_json = fmt::format(R"({{"probe":"{}"}})", RunProbe(name))};
}

// One task from the pipe to the pipe. False: the parent is done with us, or it does not speak our language.
bool ServeOne(ports::Executor& executor, const Lockdown& lockdown, const TaskLimits& limits) {
  NotePhase(Phase::kWaiting);
  std::array<char, kPrefixBytes> prefix{};
  if (!ReadExactly(prefix)) return false;
  NotePhase(Phase::kReading);
  ForgetShortages();
  const auto head_bytes = ReadPrefix(prefix);
  if (!head_bytes || *head_bytes > kMaxTaskHeadBytes) return false;
  std::string head(*head_bytes, '\0');
  if (!ReadExactly(head)) return false;
  const auto task = DecodeTask(head);
  if (!task) return false;
  std::size_t total = 0;
  for (const std::size_t bytes : task->input_bytes) total += bytes;
  BeginTask(lockdown, limits, total);
  const auto input = std::make_unique_for_overwrite<char[]>(total);
  if (!ReadExactly({input.get(), total})) return false;
  ports::IsolatedTask isolated{.tenant = {}, .verb = task->verb, .operations = &task->operations, .inputs = {}};
  std::size_t at = 0;
  for (const std::size_t bytes : task->input_bytes) {
    isolated.inputs.emplace_back(input.get() + at, bytes);
    at += bytes;
  }
  NotePhase(Phase::kDecoding);
  Answer answer = task->verb == kProbeVerb ? Probe(*task) : executor.Run(isolated);
  NotePhase(Phase::kReplying);
  return SendAnswer(std::move(answer));
}

int Serve(const ChildOptions& options, const MakeExecutor& make) {
  if (!OpenRecorder()) return kFailedStatus;
  const std::unique_ptr<ports::Executor> executor = make(options.limits);
  Hello hello{.version = executor->version(), .level = Level::kContained, .refusal = {}, .measures = {}};
  NotePhase(Phase::kClosing);
  Lockdown lockdown = LockDown(options.level, options.limits);
  hello.level = lockdown.reached;
  hello.refusal = std::move(lockdown.refusal);
  hello.measures = std::move(lockdown.measures);
  if (!SendFrame(EncodeHello(hello), {})) return kFailedStatus;
  if (lockdown.reached > options.level) return kFailedStatus;  // less than what was asked
  while (ServeOne(*executor, lockdown, options.limits)) {
  }
  return 0;
}

int PrintVersion(const MakeExecutor& make) {
  fmt::print("{}\n", make(TaskLimits{})->version());
  return std::fflush(stdout) == 0 ? 0 : kFailedStatus;
}

}  // namespace

int ServeMain(int argc, char** argv, const MakeExecutor& make) {
  const std::span<const char* const> arguments(argv + 1, static_cast<std::size_t>(std::max(argc, 1) - 1));
  if (arguments.size() == 1 && arguments[0] == kVersionOption) return PrintVersion(make);
  const auto options = FromArguments(arguments);
  if (!options) {
    fmt::print(stderr, "{}\n", options.error().message);
    return kUsageStatus;
  }
  try {
    return Serve(*options, make);
  } catch (const std::bad_alloc&) {
    // Libraries in C were left half way: nothing more is asked of them.
    NoteOutOfMemory();
    ::_exit(kFailedStatus);
  }
}

}  // namespace sandbox
