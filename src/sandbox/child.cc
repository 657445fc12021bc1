#include "sandbox/child.h"

#include <fmt/format.h>
#include <signal.h>

#include <numeric>
#include <utility>

#include "base/log.h"
#include "base/sanitizer.h"
#include "job/limits.h"
#include "sandbox/finding.h"

namespace sandbox {

namespace {

base::SteadyPoint In(std::chrono::seconds patience) {
  return std::chrono::steady_clock::now() + patience;
}

std::chrono::seconds Wall(const TaskLimits& limits) {
  return std::chrono::seconds(static_cast<std::int64_t>(limits.wall_seconds));
}

ports::ProcessorFailure Lethal(std::string code, std::string message) {
  return {.error = {.code = std::move(code), .message = std::move(message)}, .blame = ports::Blame::kLethal};
}

ports::ProcessorFailure MemoryLimit(const TaskLimits& limits) {
  return Lethal("memory-limit", fmt::format("decoding needs more memory than it may have: {} bytes (maxExecutorMemory)",
                                            limits.memory_bytes));
}

// Nobody's fault: all executors of this machine may run as one user, whose threads are counted together.
ports::ProcessorFailure NoThreads() {
  return {.error = {.code = "no-threads", .message = "the executor could not start a thread"},
          .blame = ports::Blame::kResource};
}

iovec Piece(std::string_view bytes) {
  return {.iov_base = const_cast<char*>(bytes.data()), .iov_len = bytes.size()};
}

std::string_view FileName(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

}  // namespace

Child::Child(const PoolOptions& options, Process process)
    : options_(options), process_(std::move(process)), channel_(process_) {}

base::Result<std::unique_ptr<Child>> Child::Start(const PoolOptions& options) {
  UT_TRY_ASSIGN(Process process,
                Process::Start(options.program, ToArguments({.level = options.level, .limits = options.limits}),
                               Process::Output::kReplies));
  return std::unique_ptr<Child>(new Child(options, std::move(process)));
}

base::Result<Hello> Child::Greet() {
  if (!hello_) {
    UT_TRY_ASSIGN(hello_, ReadHello());
    fresh_bytes_ = process_.ReadMemory().resident;
  }
  return *hello_;
}

base::Result<Hello> Child::ReadHello() {
  const std::string_view name = FileName(options_.program);
  const auto head = ReadHead(kMaxHelloBytes, In(job::kExecutorStart));
  const auto hello = head ? DecodeHello(*head) : std::nullopt;
  if (hello && hello->level <= options_.level) return *hello;
  const ports::ProcessorFailure end = Bury(head ? Cause::kGarbled : head.error());
  if (hello) {
    return base::Fail(
        base::Code::kUnsupported,
        fmt::format("{} cannot be isolated as 'strict' asks ({}); where the system does not allow it, set "
                    "isolation = \"contained\"",
                    name, hello->refusal));
  }
  if (const int error = process_.ReadRecorder().start_errno; error != 0) {
    auto failed = base::FailErrno(fmt::format("start {}", name), error);
    failed.error().code = base::Code::kUnsupported;
    return failed;
  }
  // One that ends by itself would do so again; one that is slow or killed may do better.
  const bool by_itself = ended_ && ended_->signal == 0;
  return base::Fail(by_itself ? base::Code::kUnsupported : base::Code::kUnavailable,
                    fmt::format("{} does not start: {}", name, end.error.message));
}

Answer Child::Run(const ports::IsolatedTask& task) {
  ++tasks_;
  const std::string head = EncodeTask(task);
  const auto prefix = MakePrefix(head.size());
  std::vector<iovec> pieces = {Piece({prefix.data(), prefix.size()}), Piece(head)};
  for (const std::string_view input : task.inputs) pieces.push_back(Piece(input));
  const base::SteadyPoint deadline = In(Wall(options_.limits));
  channel_.Send(std::move(pieces));
  auto reply = ReadReply(deadline);
  if (!reply) return std::unexpected(Bury(reply.error()));
  // A decoder that took a failed allocation politely still failed for want of memory.
  const bool starved = !*reply && process_.ReadRecorder().out_of_memory;
  if (starved) *reply = std::unexpected(MemoryLimit(options_.limits));
  if (!*reply && !starved && process_.ReadRecorder().no_thread) *reply = std::unexpected(NoThreads());
  const bool lethal = !*reply && reply->error().blame == ports::Blame::kLethal;
  // Unread input would be taken for the next task.
  if (lethal || !channel_.sent()) (void)Bury(Cause::kItself);
  return *std::move(reply);
}

std::expected<std::string, Child::Cause> Child::ReadHead(std::size_t most, base::SteadyPoint deadline) {
  const auto cause = [](Channel::State state) {
    return std::unexpected(state == Channel::State::kLate ? Cause::kLate : Cause::kItself);
  };
  std::array<char, kPrefixBytes> prefix{};
  if (const auto state = channel_.Read(prefix, deadline); state != Channel::State::kOk) return cause(state);
  const auto bytes = ReadPrefix(prefix);
  if (!bytes) return std::unexpected(Cause::kGarbled);
  if (*bytes > most) return std::unexpected(Cause::kOutput);
  std::string head(*bytes, '\0');
  if (const auto state = channel_.Read(head, deadline); state != Channel::State::kOk) return cause(state);
  return head;
}

std::expected<Answer, Child::Cause> Child::ReadReply(base::SteadyPoint deadline) {
  const auto head = ReadHead(kMaxReplyHeadBytes, deadline);
  if (!head) return std::unexpected(head.error());
  auto reply = DecodeReply(*head);
  if (!reply) return std::unexpected(Cause::kGarbled);
  std::uint64_t left = options_.limits.output_bytes;
  for (const std::uint64_t bytes : reply->artifact_bytes) {
    if (bytes > left) return std::unexpected(Cause::kOutput);
    left -= bytes;
  }
  for (std::size_t i = 0; i < reply->artifact_bytes.size(); ++i) {
    std::string& bytes = reply->answer->artifacts[i].bytes;
    auto state = Channel::State::kOk;
    // Straight into its place, which is not filled with zeros first.
    bytes.resize_and_overwrite(reply->artifact_bytes[i], [&](char* to, std::size_t size) {
      state = channel_.Read({to, size}, deadline);
      return state == Channel::State::kOk ? size : 0;
    });
    if (state != Channel::State::kOk) {
      return std::unexpected(state == Channel::State::kLate ? Cause::kLate : Cause::kItself);
    }
  }
  return std::move(reply->answer);
}

ports::ProcessorFailure Child::Bury(Cause cause) {
  const Process::Record record = process_.ReadRecorder();
  ended_ = process_.Kill();
  if (base::kSanitized) {
    (void)channel_.Complaints();
    PassOnFinding(channel_.complained());
  }
  if (base::LogEnabled(base::LogLevel::kDebug)) {
    base::Log(base::LogLevel::kDebug, "executor-ended",
              {{"program", FileName(options_.program)},
               {"pid", process_.pid()},
               {"end", ended_->Text()},
               {"phase", kPhaseNames[static_cast<std::size_t>(record.phase)]},
               {"said", channel_.Complaints()}});
  }
  return Verdict(cause, *ended_, record);
}

ports::ProcessorFailure Child::Verdict(Cause cause, const End& end, const Process::Record& record) const {
  const TaskLimits& limits = options_.limits;
  const std::string_view phase = kPhaseNames[static_cast<std::size_t>(record.phase)];
  if (cause == Cause::kLate) {
    return Lethal("time-limit",
                  fmt::format("decoding takes longer than it may: {} seconds (by the clock)", limits.wall_seconds));
  }
  if (cause == Cause::kOutput) {
    return Lethal("output-limit", fmt::format("the result is larger than it may be: {} bytes (maxExecutorOutput)",
                                              limits.output_bytes));
  }
  if (cause == Cause::kGarbled) return Lethal("executor-died", "the executor's answer does not decode");
  if (end.signal == SIGXCPU) {
    return Lethal("cpu-limit",
                  fmt::format("decoding uses more processor time than it may: {} seconds", limits.cpu_seconds));
  }
  if (end.signal == SIGSYS) {
    return Lethal("forbidden-call", "the executor was killed at a system call that decoding does not need");
  }
  if (record.out_of_memory) return MemoryLimit(limits);
  if (end.system_ran_out_of_memory) {
    return {.error = {.code = "out-of-memory", .message = "the machine ran out of memory while the executor decoded"},
            .blame = ports::Blame::kResource};
  }
  if (record.no_thread) return NoThreads();
  return Lethal("executor-died", fmt::format("the executor died while {}: {}", phase, end.Text()));
}

}  // namespace sandbox
