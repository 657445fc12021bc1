#include "sandbox/child/filter.h"

#include <errno.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstring>
#include <memory>
#include <type_traits>

namespace sandbox {

namespace {

// Harmless with any arguments: memory, threads of this process, clocks, descriptors it already has. mmap and mprotect
// may make memory executable: libvips' vector compiler does.
constexpr int kAllowed[] = {SCMP_SYS(read),
                            SCMP_SYS(write),
                            SCMP_SYS(readv),
                            SCMP_SYS(writev),
                            SCMP_SYS(pread64),
                            SCMP_SYS(close),
                            SCMP_SYS(fstat),
                            SCMP_SYS(lseek),
                            SCMP_SYS(poll),
                            SCMP_SYS(ppoll),
                            SCMP_SYS(mmap),
                            SCMP_SYS(munmap),
                            SCMP_SYS(mremap),
                            SCMP_SYS(mprotect),
                            SCMP_SYS(madvise),
                            SCMP_SYS(brk),
                            SCMP_SYS(futex),
                            SCMP_SYS(set_robust_list),
                            SCMP_SYS(get_robust_list),
                            SCMP_SYS(rseq),
                            SCMP_SYS(membarrier),
                            SCMP_SYS(set_tid_address),
                            SCMP_SYS(sigaltstack),
                            SCMP_SYS(rt_sigaction),
                            SCMP_SYS(rt_sigprocmask),
                            SCMP_SYS(rt_sigreturn),
                            SCMP_SYS(sched_yield),
                            SCMP_SYS(sched_getaffinity),
                            SCMP_SYS(sched_getparam),
                            SCMP_SYS(sched_getscheduler),
                            SCMP_SYS(sched_get_priority_max),
                            SCMP_SYS(sched_get_priority_min),
                            SCMP_SYS(getcpu),
                            SCMP_SYS(getrandom),
                            SCMP_SYS(clock_gettime),
                            SCMP_SYS(clock_getres),
                            SCMP_SYS(clock_nanosleep),
                            SCMP_SYS(nanosleep),
                            SCMP_SYS(gettimeofday),
                            SCMP_SYS(time),
                            SCMP_SYS(times),
                            SCMP_SYS(getpid),
                            SCMP_SYS(gettid),
                            SCMP_SYS(getppid),
                            SCMP_SYS(getuid),
                            SCMP_SYS(geteuid),
                            SCMP_SYS(getgid),
                            SCMP_SYS(getegid),
                            SCMP_SYS(getrusage),
                            SCMP_SYS(getrlimit),
                            SCMP_SYS(sysinfo),
                            SCMP_SYS(uname),
                            SCMP_SYS(umask),
                            SCMP_SYS(restart_syscall),
                            SCMP_SYS(exit),
                            SCMP_SYS(exit_group)};

// No decoder tries these by mistake: whoever does is not a decoder any more.
constexpr int kDeadly[] = {SCMP_SYS(execve),
                           SCMP_SYS(execveat),
                           SCMP_SYS(fork),
                           SCMP_SYS(vfork),
                           SCMP_SYS(socket),
                           SCMP_SYS(socketpair),
                           SCMP_SYS(connect),
                           SCMP_SYS(bind),
                           SCMP_SYS(listen),
                           SCMP_SYS(accept),
                           SCMP_SYS(accept4),
                           SCMP_SYS(ptrace),
                           SCMP_SYS(process_vm_readv),
                           SCMP_SYS(process_vm_writev),
                           SCMP_SYS(process_madvise),
                           SCMP_SYS(kcmp),
                           SCMP_SYS(pidfd_open),
                           SCMP_SYS(pidfd_getfd),
                           SCMP_SYS(pidfd_send_signal),
                           SCMP_SYS(tkill),
                           SCMP_SYS(rt_sigqueueinfo),
                           SCMP_SYS(rt_tgsigqueueinfo),
                           SCMP_SYS(mount),
                           SCMP_SYS(umount2),
                           SCMP_SYS(pivot_root),
                           SCMP_SYS(chroot),
                           SCMP_SYS(unshare),
                           SCMP_SYS(setns),
                           SCMP_SYS(bpf),
                           SCMP_SYS(keyctl),
                           SCMP_SYS(add_key),
                           SCMP_SYS(request_key),
                           SCMP_SYS(perf_event_open),
                           SCMP_SYS(userfaultfd),
                           SCMP_SYS(io_uring_setup),
                           SCMP_SYS(io_uring_enter),
                           SCMP_SYS(io_uring_register),
                           SCMP_SYS(init_module),
                           SCMP_SYS(finit_module),
                           SCMP_SYS(kexec_load),
                           SCMP_SYS(open_by_handle_at)};

struct Release {
  void operator()(void* context) const { seccomp_release(context); }
};
using Context = std::unique_ptr<std::remove_pointer_t<scmp_filter_ctx>, Release>;

class Rules {
 public:
  explicit Rules(scmp_filter_ctx context) : context_(context) {}
  void Add(std::uint32_t action, int call) { Check(seccomp_rule_add_array(context_, action, call, 0, nullptr)); }
  void Add(std::uint32_t action, int call, scmp_arg_cmp when) {
    Check(seccomp_rule_add_array(context_, action, call, 1, &when));
  }
  // Allowed when the argument is one of `values`.
  void AllowValues(int call, unsigned argument, std::initializer_list<scmp_datum_t> values) {
    for (const scmp_datum_t value : values) Add(SCMP_ACT_ALLOW, call, SCMP_CMP64(argument, SCMP_CMP_EQ, value));
  }
  void Check(int result) {
    if (error_ == 0 && result < 0) error_ = -result;
  }
  [[nodiscard]] int error() const { return error_; }

 private:
  scmp_filter_ctx context_;
  int error_ = 0;
};

void AddArgumentRules(Rules& rules) {
  // Threads yes, processes no. clone3 hides its flags in memory, out of a filter's sight; told that it does not exist,
  // the C library takes clone.
  rules.Add(SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3));
  constexpr scmp_datum_t kThread = CLONE_THREAD;
  rules.Add(SCMP_ACT_ALLOW, SCMP_SYS(clone), SCMP_CMP64(0, SCMP_CMP_MASKED_EQ, kThread, kThread));
  rules.Add(SCMP_ACT_KILL_PROCESS, SCMP_SYS(clone), SCMP_CMP64(0, SCMP_CMP_MASKED_EQ, kThread, 0));
  // Signals to itself: abort() needs one.
  const auto self = static_cast<scmp_datum_t>(::getpid());
  for (const int call : {SCMP_SYS(tgkill), SCMP_SYS(kill)}) {
    rules.Add(SCMP_ACT_ALLOW, call, SCMP_CMP64(0, SCMP_CMP_EQ, self));
    rules.Add(SCMP_ACT_KILL_PROCESS, call, SCMP_CMP64(0, SCMP_CMP_NE, self));
  }
  rules.AllowValues(SCMP_SYS(prlimit64), 0, {0, self});
  rules.AllowValues(SCMP_SYS(prctl), 0, {PR_SET_NAME});
  rules.AllowValues(SCMP_SYS(fcntl), 1, {F_GETFD, F_GETFL, F_SETFD});
}

}  // namespace

std::string InstallFilter() {
  const Context context(seccomp_init(SCMP_ACT_ERRNO(EPERM)));
  if (!context) return "libseccomp does not start";
  Rules rules(context.get());
  rules.Check(seccomp_attr_set(context.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS));
  // Threads that a library started all the same are held too. Here libseccomp first asks the kernel for anything.
  if (seccomp_attr_set(context.get(), SCMP_FLTATR_CTL_TSYNC, 1) != 0) return "seccomp filters are refused";
  (void)seccomp_attr_set(context.get(), SCMP_FLTATR_API_SYSRAWRC, 1);  // the kernel's own reasons
  for (const int call : kAllowed) rules.Add(SCMP_ACT_ALLOW, call);
  for (const int call : kDeadly) rules.Add(SCMP_ACT_KILL_PROCESS, call);
  AddArgumentRules(rules);
  if (rules.error() == 0) rules.Check(seccomp_load(context.get()));
  return rules.error() == 0 ? std::string() : fmt::format("seccomp: {}", std::strerror(rules.error()));
}

}  // namespace sandbox
