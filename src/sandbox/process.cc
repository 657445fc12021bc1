#include "sandbox/process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>

namespace sandbox {

namespace {

constexpr int kPipeBytes = 1 << 20;  // a usual image fits: neither side waits for the other
constexpr int kHighFd = 16;          // above all that a child has
constexpr rlim_t kMostClosed = 65'536;

struct Pipe {
  Fd read;
  Fd write;
};

base::Result<Pipe> MakePipe() {
  int fds[2];
  if (::pipe2(fds, O_CLOEXEC) != 0) return base::FailErrno("pipe", errno);
  (void)::fcntl(fds[0], F_SETPIPE_SZ, kPipeBytes);  // refused when the user's share is used up: slower, not wrong
  return Pipe{.read = Fd(fds[0]), .write = Fd(fds[1])};
}

void DontBlock(int fd) {
  (void)::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
}

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

std::vector<std::string> Environment() {
  std::vector<std::string> environment(std::begin(kEnvironment), std::end(kEnvironment));
  if (const char* path = std::getenv("LD_LIBRARY_PATH"); path != nullptr) {
    environment.push_back(fmt::format("LD_LIBRARY_PATH={}", path));
  }
  return environment;
}

// Everything the child needs, made before the fork: after it only async-signal-safe calls are allowed.
struct Prepared {
  const char* program = nullptr;
  char* const* arguments = nullptr;
  char* const* environment = nullptr;
  std::array<int, kFirstOtherFd> fds{};  // what becomes descriptor 0, 1, …
  pid_t parent = 0;
};

void ResetSignals() {
  for (int number = 1; number < NSIG; ++number) {
    if (number != SIGKILL && number != SIGSTOP) (void)::signal(number, SIG_DFL);
  }
  sigset_t none;
  (void)sigemptyset(&none);
  (void)sigprocmask(SIG_SETMASK, &none, nullptr);
}

void CloseOthers() {
  if (::close_range(kFirstOtherFd, ~0U, 0) == 0) return;
  rlimit limit{};
  (void)::getrlimit(RLIMIT_NOFILE, &limit);
  const rlim_t most = limit.rlim_cur < kMostClosed ? limit.rlim_cur : kMostClosed;
  for (int fd = kFirstOtherFd; fd < static_cast<int>(most); ++fd) (void)::close(fd);
}

// A worker may hold itself to less than it could have; the child's own limit comes on top of what it needs to start.
void LiftAddressSpace() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_AS, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  (void)::setrlimit(RLIMIT_AS, &limit);
}

// False: errno says why.
bool PlaceDescriptors(const Prepared& child) {
  std::array<int, kFirstOtherFd> high{};
  for (std::size_t i = 0; i < high.size(); ++i) {
    high[i] = ::fcntl(child.fds[i], F_DUPFD, kHighFd);
    if (high[i] < 0) return false;
  }
  for (std::size_t i = 0; i < high.size(); ++i) {
    if (::dup2(high[i], static_cast<int>(i)) < 0) return false;
  }
  CloseOthers();
  return true;
}

[[noreturn]] void RunChild(const Prepared& child) {
  ResetSignals();
  (void)::setpgid(0, 0);
  // Where prctl is refused the child still ends with its pipe.
  (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != child.parent) ::_exit(0);  // the parent died before the line above
  LiftAddressSpace();
  if (PlaceDescriptors(child) && ::chdir("/") == 0) {
    (void)::execve(child.program, child.arguments, child.environment);
  }
  const std::int32_t error = errno;
  (void)!::pwrite(kRecorderFd, &error, sizeof error, offsetof(Recorder, start_errno));
  ::_exit(127);
}

// How many processes the kernel has killed for memory, of the whole system.
std::uint64_t OomKills() {
  const Fd file(::open("/proc/vmstat", O_RDONLY | O_CLOEXEC));
  std::string text(32 * 1024, '\0');
  const ssize_t got = file.ok() ? ::read(file.get(), text.data(), text.size()) : 0;
  text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  constexpr std::string_view kKey = "\noom_kill ";
  const std::size_t at = text.find(kKey);
  std::uint64_t count = 0;
  if (at != std::string::npos) (void)std::from_chars(text.data() + at + kKey.size(), text.data() + text.size(), count);
  return count;
}

}  // namespace

std::string End::Text() const {
  if (signal == 0) return fmt::format("exit status {}", status);
  const char* name = ::sigabbrev_np(signal);
  return fmt::format("SIG{}", name != nullptr ? name : std::to_string(signal).c_str());
}

Process::Process(pid_t pid, Fd tasks, Fd replies, Fd complaints, Fd recorder)
    : pid_(pid),
      living_(pid),
      tasks_(std::move(tasks)),
      replies_(std::move(replies)),
      complaints_(std::move(complaints)),
      recorder_(std::move(recorder)),
      memory_(::open(fmt::format("/proc/{}/statm", pid).c_str(), O_RDONLY | O_CLOEXEC)),
      oom_kills_(OomKills()) {
  for (const int fd : {tasks_.get(), replies_.get(), complaints_.get()}) DontBlock(fd);
}

base::Result<Process> Process::Start(const std::string& program, std::vector<std::string> arguments, Output output) {
  std::error_code ignored;
  const std::string path = std::filesystem::absolute(program, ignored).string();  // the child's folder is another
  arguments.insert(arguments.begin(), path);
  std::vector<std::string> environment = Environment();
  UT_TRY_ASSIGN(Pipe tasks, MakePipe());
  UT_TRY_ASSIGN(Pipe replies, MakePipe());
  UT_TRY_ASSIGN(Pipe complaints, MakePipe());
  const Fd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!null.ok()) return base::FailErrno("open /dev/null", errno);
  Fd recorder(::memfd_create("executor-recorder", MFD_CLOEXEC));
  if (!recorder.ok() || ::ftruncate(recorder.get(), sizeof(Recorder)) != 0) {
    return base::FailErrno("memfd_create", errno);
  }
  const int standard_output = output == Output::kReplies ? complaints.write.get() : replies.write.get();
  const std::vector<char*> argv = Pointers(arguments);
  const std::vector<char*> envp = Pointers(environment);
  const Prepared prepared{.program = path.c_str(),
                          .arguments = argv.data(),
                          .environment = envp.data(),
                          .fds = {null.get(), standard_output, complaints.write.get(), tasks.read.get(),
                                  replies.write.get(), recorder.get()},
                          .parent = ::getpid()};
  const pid_t pid = ::fork();
  if (pid < 0) return base::FailErrno("fork", errno);
  if (pid == 0) RunChild(prepared);
  (void)::setpgid(pid, pid);  // whoever comes first, so that its group can be killed from now on
  return Process(pid, std::move(tasks.write), std::move(replies.read), std::move(complaints.read), std::move(recorder));
}

Process::Record Process::ReadRecorder() const {
  std::uint32_t words[4] = {};
  if (::pread(recorder_.get(), words, sizeof words, 0) != sizeof words) return {};
  const auto last = static_cast<std::uint32_t>(Phase::kReplying);
  return {.out_of_memory = words[0] != 0,
          .phase = static_cast<Phase>(std::min(words[1], last)),
          .start_errno = static_cast<int>(words[2]),
          .no_thread = words[3] != 0};
}

Process::Memory Process::ReadMemory() const {
  char text[128] = {};
  if (!memory_.ok() || ::pread(memory_.get(), text, sizeof text - 1, 0) <= 0) return {};
  unsigned long size = 0;
  unsigned long resident = 0;
  unsigned long shared = 0;
  if (std::sscanf(text, "%lu %lu %lu", &size, &resident, &shared) != 3) return {};
  const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  return {.resident = resident * page, .own = (resident - std::min(resident, shared)) * page};
}

std::uint64_t Process::PeakBytes() const {
  if (living_.value < 0) return 0;
  const Fd file(::open(fmt::format("/proc/{}/status", living_.value).c_str(), O_RDONLY | O_CLOEXEC));
  char text[4096] = {};
  if (!file.ok() || ::read(file.get(), text, sizeof text - 1) <= 0) return 0;
  const char* const at = std::strstr(text, "\nVmHWM:");
  unsigned long kilobytes = 0;
  if (at == nullptr || std::sscanf(at, "\nVmHWM: %lu", &kilobytes) != 1) return 0;
  return std::uint64_t{kilobytes} * 1024;
}

End Process::Kill() {
  if (living_.value < 0) return end_;
  // While the leader is not reaped its group id is nobody else's, and one that has ended keeps its own end. Its pipes
  // go too: a child that no signal reaches ends with them.
  (void)::kill(-living_.value, SIGKILL);
  (void)::kill(living_.value, SIGKILL);  // a contained one may have left its group
  tasks_.Reset(-1);
  replies_.Reset(-1);
  return Reap();
}

End Process::Reap() {
  int status = 0;
  pid_t got = 0;
  do {
    got = ::waitpid(living_.value, &status, 0);
  } while (got < 0 && errno == EINTR);
  living_.value = -1;
  if (got < 0) return end_;  // somebody else reaped it
  if (WIFSIGNALED(status)) {
    end_.signal = WTERMSIG(status);
    end_.system_ran_out_of_memory = end_.signal == SIGKILL && OomKills() > oom_kills_;
  } else {
    end_.status = WEXITSTATUS(status);
  }
  return end_;
}

End Process::Await(int milliseconds) {
  if (living_.value < 0) return end_;
  const Fd handle(static_cast<int>(::syscall(SYS_pidfd_open, living_.value, 0)));
  if (handle.ok()) {
    pollfd wait{.fd = handle.get(), .events = POLLIN, .revents = 0};
    (void)::poll(&wait, 1, milliseconds);
  }
  return Kill();
}

}  // namespace sandbox
