// An executor program whose verbs are misdeeds. Where one comes to an end, its result tells what it met.
#include <errno.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <numeric>
#include <thread>
#include <vector>

#include "base/log.h"
#include "sandbox/protocol.h"
#include "sandbox/serve.h"

namespace {

using ports::IsolatedTask;
using ports::ProcessorOutput;
using sandbox::Answer;

constexpr std::size_t kStep = 16U << 20U;

Answer Number(std::string_view key, std::int64_t value) {
  return ProcessorOutput{.result_json = fmt::format(R"({{"{}":{}}})", key, value)};
}
Answer ErrnoOf(bool failed) {
  return Number("errno", failed ? errno : 0);
}

Answer Echo(const IsolatedTask& task) {
  ProcessorOutput output{.result_json = fmt::format(R"({{"pid":{}, "inputs":{}, "tenant":{}}})", ::getpid(),
                                                    task.inputs.size(), task.tenant.size())};
  output.perceptual = "00ff";
  output.fingerprint = base::Sha256Of("echo");
  for (std::size_t i = 0; i < task.inputs.size(); ++i) {
    output.artifacts.push_back({fmt::format("input-{}", i), "text/plain", std::string(task.inputs[i])});
  }
  return output;
}

// Adds to what `allocate` holds until it fails.
void Eat(const std::function<void*(std::size_t)>& allocate) {
  while (void* const more = allocate(kStep)) std::memset(more, 1, kStep);
}
void* Map(std::size_t bytes) {
  void* const at = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return at == MAP_FAILED ? nullptr : at;
}
void* Aligned(std::size_t bytes) {
  void* at = nullptr;
  return ::posix_memalign(&at, 64, bytes) == 0 ? at : nullptr;
}

Answer PoliteOutOfMemory(const IsolatedTask&) {
  std::vector<void*> held;
  while (void* const more = std::malloc(kStep)) held.push_back(more);
  for (void* const one : held) std::free(one);
  return std::unexpected(ports::ProcessorFailure{.error = {.code = "invalid-image", .message = "cannot decode"}});
}

Answer BigArtifact(const IsolatedTask& task) {
  const std::size_t bytes = std::strtoull(task.operations->front().params_json.c_str(), nullptr, 10);
  ProcessorOutput output;
  output.artifacts.push_back({"big", "text/plain", std::string(bytes, 'x')});
  return output;
}

Answer Threads(const IsolatedTask&) {
  constexpr int kThreads = 4;
  std::atomic<int> ran = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < kThreads; ++i) threads.emplace_back([&] { ++ran; });
  }
  return Number("threads", ran);
}

Answer Environment(const IsolatedTask&) {
  std::string json = R"({"environment":[)";
  for (char** entry = environ; *entry != nullptr; ++entry) {
    if (entry != environ) json += ',';
    base::AppendJsonString(json, *entry);
  }
  return ProcessorOutput{.result_json = json + "]}"};
}

Answer Descriptors(const IsolatedTask&) {
  int open = 0;
  constexpr int kMost = 1024;
  for (int fd = 0; fd < kMost; ++fd) open += ::fcntl(fd, F_GETFD) >= 0 ? 1 : 0;
  return Number("descriptors", open);
}

Answer Complain(const IsolatedTask&) {
  const std::string line = "a library complains of\x1b[31m everything\n";
  for (int i = 0; i < 100'000; ++i) (void)!::write(STDERR_FILENO, line.data(), line.size());
  return Number("complained", 1);
}

Answer Hold(const IsolatedTask&) {
  constexpr std::size_t kBytes = job::kExecutorRecycleBytes + kStep;
  void* const held = Map(kBytes);
  std::memset(held, 1, kBytes);
  return Number("pid", ::getpid());
}

Answer Socket(const IsolatedTask&) {
  return ErrnoOf(::socket(AF_INET, SOCK_STREAM, 0) < 0);
}
Answer OpenFile(const IsolatedTask&) {
  return ErrnoOf(::open("/etc/passwd", O_RDONLY) < 0);
}
Answer Fork(const IsolatedTask&) {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(0);
  if (pid > 0) (void)::waitpid(pid, nullptr, 0);
  return ErrnoOf(pid < 0);
}
Answer Exec(const IsolatedTask&) {
  char name[] = "/bin/true";
  char* const arguments[] = {name, nullptr};
  return ErrnoOf(::execv(name, arguments) < 0);
}
Answer Failure(const IsolatedTask&) {
  return std::unexpected(ports::ProcessorFailure{.error = {.code = "invalid-image", .message = "line\none \xff"}});
}

void Send(std::string_view bytes) {
  (void)!::write(sandbox::kReplyFd, bytes.data(), bytes.size());
}
std::string Framed(const std::string& head) {
  const auto prefix = sandbox::MakePrefix(head.size());
  return std::string(prefix.data(), prefix.size()) + head;
}

// What a sanitizer ends a program for: a read past an end, an unguarded write from two threads.
void Defect() {
  const std::vector<char> bytes(8);
  volatile std::size_t past = bytes.size();
  static volatile int unguarded = 0;
  std::jthread other([&] { unguarded = unguarded + bytes.data()[past]; });
  unguarded = unguarded + 1;
}

// Those that do not come back.
void Misbehave(std::string_view verb) {
  if (verb == "abort") std::abort();
  if (verb == "segv") (void)::raise(SIGSEGV);
  if (verb == "exit") ::_exit(3);
  if (verb == "kill") (void)::kill(::getpid(), SIGKILL);
  if (verb == "eat-malloc") Eat(std::malloc), std::abort();
  if (verb == "eat-aligned") Eat(Aligned), std::abort();
  if (verb == "eat-mmap") Eat(Map), std::abort();
  if (verb == "eat-new") Eat([](std::size_t bytes) { return ::operator new(bytes); });
  if (verb == "kill-parent") (void)::kill(::getppid(), SIGTERM);
  if (verb == "bad-reply") Send("this is no frame at all"), (void)::poll(nullptr, 0, -1);
  if (verb == "huge-head") Send(std::string("UTX1\xff\xff\xff\x7f", 8)), (void)::poll(nullptr, 0, -1);
  if (verb == "part-of-a-reply") Send(Framed(std::string(1000, '\1')).substr(0, 500)), ::_exit(0);
  if (verb == "defect") Defect();
  if (verb == "sleep") (void)::poll(nullptr, 0, -1);
  static std::atomic<std::uint64_t> turns = 0;
  while (verb == "loop") ++turns;
}

class Misdeeds final : public ports::Executor {
 public:
  [[nodiscard]] std::string version() override { return "1+test"; }
  [[nodiscard]] Answer Run(const IsolatedTask& task) override {
    static const std::map<std::string_view, Answer (*)(const IsolatedTask&)> kVerbs = {
        {"echo", Echo},
        {"polite-out-of-memory", PoliteOutOfMemory},
        {"big-artifact", BigArtifact},
        {"threads", Threads},
        {"environment", Environment},
        {"descriptors", Descriptors},
        {"complain", Complain},
        {"hold", Hold},
        {"socket", Socket},
        {"open-file", OpenFile},
        {"fork", Fork},
        {"exec", Exec},
        {"failure", Failure}};
    if (const auto found = kVerbs.find(task.verb); found != kVerbs.end()) return found->second(task);
    if (task.verb == "big-result") return ProcessorOutput{.result_json = std::string(job::kMaxResultBytes + 1, ' ')};
    if (task.verb == "no-json") return ProcessorOutput{.result_json = R"({"a":1},{"b":2})"};
    if (task.verb == "path-name") return ProcessorOutput{.artifacts = {{"../../etc/passwd", "text/plain", "x"}}};
    if (task.verb == "close-input") (void)::close(sandbox::kTaskFd);
    Misbehave(task.verb);
    return Number("pid", ::getpid());
  }
};

}  // namespace

int main(int argc, char** argv) {
  return sandbox::ServeMain(argc, argv, [](const sandbox::TaskLimits&) { return std::make_unique<Misdeeds>(); });
}
