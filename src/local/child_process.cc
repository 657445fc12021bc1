#include "local/child_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "base/descriptors.h"

namespace local {

namespace {

// By number: this C library's header declares them without C linkage.
int PidfdOpen(pid_t pid) {
  return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
}
void PidfdSignal(int fd, int number) {
  (void)::syscall(SYS_pidfd_send_signal, fd, number, nullptr, 0);
}

// The executable of a command, as execvp would find it; the name itself when there is none.
std::string Locate(const std::string& name) {
  if (name.find('/') != std::string::npos) return name;
  const char* path = std::getenv("PATH");
  std::string_view rest = path != nullptr ? path : "/usr/local/bin:/usr/bin:/bin";
  while (!rest.empty()) {
    const std::size_t colon = std::min(rest.find(':'), rest.size());
    std::string candidate = fmt::format("{}/{}", rest.substr(0, colon), name);
    if (colon > 0 && ::access(candidate.c_str(), X_OK) == 0) return candidate;
    rest.remove_prefix(std::min(colon + 1, rest.size()));
  }
  return name;
}

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

// Everything the child needs, made before the fork: after it only async-signal-safe calls are allowed, since another
// thread may have held the allocator's lock.
struct Prepared {
  std::string file;
  std::vector<char*> arguments;
  std::vector<char*> environment;
  std::string folder;
  int null_fd = -1;
  int error_fd = -1;
  int given_fd = -1;
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

// False: errno says why. `error_fd` is where the pipe to the parent is by then.
bool SetUp(const Prepared& child, int& error_fd) {
  ResetSignals();
  if (::setpgid(0, 0) != 0) return false;
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return false;
  if (::getppid() != child.parent) {  // the parent died before the line above
    errno = ESRCH;
    return false;
  }
  if (::dup2(child.null_fd, 0) < 0 || ::dup2(2, 1) < 0) return false;
  // Both are moved out of the way first: either may have the other's new number.
  constexpr int kErrorFd = 3;
  constexpr int kFree = kGivenDescriptor + 1;
  const bool gives = child.given_fd >= 0;
  const int given = gives ? ::fcntl(child.given_fd, F_DUPFD_CLOEXEC, kFree) : -1;
  const int error = ::fcntl(error_fd, F_DUPFD_CLOEXEC, kFree);
  if (error < 0 || (gives && given < 0)) return false;
  error_fd = error;
  if (gives && ::dup2(given, kGivenDescriptor) < 0) return false;
  if (::dup3(error, kErrorFd, O_CLOEXEC) < 0) return false;
  error_fd = kErrorFd;
  if (::close_range(gives ? kFree : kGivenDescriptor, ~0U, 0) != 0) return false;
  base::RestoreDescriptorLimit();  // last: until here ours are open, and there may be more of them than that
  return ::chdir(child.folder.c_str()) == 0;
}

[[noreturn]] void RunChild(const Prepared& child) {
  int error_fd = child.error_fd;
  if (SetUp(child, error_fd)) (void)::execve(child.file.c_str(), child.arguments.data(), child.environment.data());
  const int error = errno;
  (void)!::write(error_fd, &error, sizeof error);
  ::_exit(127);
}

// The errno that the child sent, or 0 once exec closed the pipe.
int ReadError(int fd) {
  int error = 0;
  ssize_t got = 0;
  do {
    got = ::read(fd, &error, sizeof error);
  } while (got < 0 && errno == EINTR);
  return got == sizeof error ? error : 0;
}

}  // namespace

base::Result<ChildProcess> ChildProcess::Start(const ChildSpec& spec) {
  if (spec.command.empty()) return base::Fail(base::Code::kInvalid, "an empty command");
  std::vector<std::string> arguments = spec.command;
  std::vector<std::string> environment;
  for (const auto& [name, value] : spec.environment) environment.push_back(fmt::format("{}={}", name, value));
  int pipe_fds[2];
  if (::pipe2(pipe_fds, O_CLOEXEC) != 0) return base::FailErrno("pipe", errno);
  const Fd read_end(pipe_fds[0]);
  Fd write_end(pipe_fds[1]);
  const Fd null = OpenFile("/dev/null", O_RDONLY);
  const Prepared prepared{.file = Locate(spec.command[0]),
                          .arguments = Pointers(arguments),
                          .environment = Pointers(environment),
                          .folder = spec.folder,
                          .null_fd = null.get(),
                          .error_fd = write_end.get(),
                          .given_fd = spec.given,
                          .parent = ::getpid()};
  const pid_t pid = ::fork();
  if (pid < 0) return base::FailErrno("fork", errno);
  if (pid == 0) RunChild(prepared);
  ChildProcess child(pid, Fd(PidfdOpen(pid)));
  if (!child.pidfd_.ok()) {
    const int error = errno;
    (void)::kill(pid, SIGKILL);
    (void)::waitpid(pid, nullptr, 0);
    return base::FailErrno("pidfd_open", error);
  }
  write_end.Reset(-1);
  if (const int error = ReadError(read_end.get()); error != 0) {
    return base::FailErrno(fmt::format("start {}", spec.command[0]), error);
  }
  return child;
}

ChildProcess::~ChildProcess() {
  if (!pidfd_.ok()) return;
  Kill();
  (void)Wait(0);
}

void ChildProcess::Terminate() const {
  if (pidfd_.ok()) PidfdSignal(pidfd_.get(), SIGTERM);
}

void ChildProcess::Kill() const {
  if (!pidfd_.ok()) return;
  // While the leader is not reaped its group id is nobody else's.
  (void)::kill(-pid_, SIGKILL);
  PidfdSignal(pidfd_.get(), SIGKILL);
}

std::optional<ChildEnd> ChildProcess::Reap() {
  return pidfd_.ok() ? Wait(WNOHANG) : std::nullopt;
}

std::optional<ChildEnd> ChildProcess::Wait(int options) {
  siginfo_t info{};
  int waited = 0;
  do {
    waited = ::waitid(P_PIDFD, static_cast<id_t>(pidfd_.get()), &info, WEXITED | WNOWAIT | options);
  } while (waited != 0 && errno == EINTR);
  if (waited == 0 && info.si_pid == 0) return std::nullopt;
  Kill();  // whatever it left behind in its group
  if (waited == 0) (void)::waitid(P_PIDFD, static_cast<id_t>(pidfd_.get()), &info, WEXITED);
  pidfd_.Reset(-1);
  if (info.si_code == CLD_EXITED) {
    return ChildEnd{.text = fmt::format("exit status {}", info.si_status), .clean = info.si_status == 0};
  }
  const char* name = ::sigabbrev_np(info.si_status);
  return ChildEnd{.text = fmt::format("signal {} (SIG{})", info.si_status, name != nullptr ? name : "?")};
}

std::uint64_t ChildProcess::ResidentBytes() const {
  if (!pidfd_.ok()) return 0;
  const Fd file = OpenFile(fmt::format("/proc/{}/statm", pid_), O_RDONLY);
  char text[128] = {};
  if (!file.ok() || ::read(file.get(), text, sizeof text - 1) <= 0) return 0;
  unsigned long size = 0;
  unsigned long resident = 0;
  if (std::sscanf(text, "%lu %lu", &size, &resident) != 2) return 0;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace local
