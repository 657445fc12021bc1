#include "sandbox/child/lockdown.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <malloc.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <optional>

#include "base/sanitizer.h"
#include "job/limits.h"
#include "sandbox/child/filter.h"
#include "sandbox/child/memory_watch.h"

namespace sandbox {

namespace {

constexpr unsigned kNobody = 65'534;
// Threads and processes of one user are counted together, ours and everybody else's: low enough to end a fork bomb,
// high enough for a busy user.
constexpr rlim_t kMaxUserThreads = 4'096;
constexpr int kMaxCapability = 63;
constexpr int kMaxArenas = 2;  // each takes 64 MB of address space at once

// Never above what we already have.
bool Limit(__rlimit_resource resource, rlim_t soft, rlim_t hard) {
  rlimit now{};
  if (::getrlimit(resource, &now) != 0) return false;
  const rlim_t most = std::min(hard, now.rlim_max);
  const rlimit limit{.rlim_cur = std::min(soft, most), .rlim_max = most};
  return ::setrlimit(resource, &limit) == 0;
}

std::optional<rlim_t> AddressSpace(const Fd& statm) {
  char text[128] = {};
  unsigned long pages = 0;
  if (!statm.ok() || ::pread(statm.get(), text, sizeof text - 1, 0) <= 0) return std::nullopt;
  if (std::sscanf(text, "%lu", &pages) != 1) return std::nullopt;
  return pages * static_cast<rlim_t>(::sysconf(_SC_PAGESIZE));
}

rlim_t UsedCpuSeconds() {
  rusage used{};
  (void)::getrusage(RUSAGE_SELF, &used);
  const auto micros = used.ru_utime.tv_usec + used.ru_stime.tv_usec;
  return static_cast<rlim_t>(used.ru_utime.tv_sec + used.ru_stime.tv_sec + (micros + 999'999) / 1'000'000);
}

// Whoever drops root must still be killed by its parent: that takes a privileged parent, as we are before.
bool MayDropRoot() {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  __user_cap_data_struct data[2] = {};
  if (::geteuid() != 0 || ::syscall(SYS_capget, &header, data) != 0) return false;
  return (data[0].effective & (1U << CAP_KILL)) != 0;
}

bool DropUser() {
  if (::geteuid() != 0) return true;
  return MayDropRoot() && ::setgroups(0, nullptr) == 0 && ::setresgid(kNobody, kNobody, kNobody) == 0 &&
         ::setresuid(kNobody, kNobody, kNobody) == 0;
}

bool DropCapabilities() {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  const __user_cap_data_struct none[2] = {};
  return ::syscall(SYS_capset, &header, none) == 0;
}

void LimitBasics(Lockdown& done) {
  const auto note = [&](const char* name, bool taken) { done.measures.emplace_back(name, taken); };
  (void)::signal(SIGXFSZ, SIG_IGN);  // a library that tries a file is told EFBIG, and goes on
  (void)::mallopt(M_ARENA_MAX, kMaxArenas);
  // Decoders compute for milliseconds and hand work from thread to thread. Told that nobody waits for their every step,
  // the kernel lets them finish it: a tenth more images a second where there are more executors than cores.
  constexpr sched_param kNoPriority{};
  (void)::sched_setscheduler(0, SCHED_BATCH, &kNoPriority);
  note("noCoreDumps", Limit(RLIMIT_CORE, 0, 0));
  note("noFileWrites", Limit(RLIMIT_FSIZE, 0, 0));
  note("noLockedMemory", Limit(RLIMIT_MEMLOCK, 0, 0));
  note("noMessageQueues", Limit(RLIMIT_MSGQUEUE, 0, 0));
  note("threadLimit", Limit(RLIMIT_NPROC, kMaxUserThreads, kMaxUserThreads));
}

// The soft limits are each task's; a child that is not itself any more could raise them to these, not further.
void LimitResources(Lockdown& done, const TaskLimits& limits) {
  const rlim_t lifetime = UsedCpuSeconds() + (limits.cpu_seconds + 1) * job::kMaxToonsPerExecutor;
  done.measures.emplace_back("cpuLimit", Limit(RLIMIT_CPU, lifetime, lifetime));
  if (base::kSanitized) return;  // the memory watch stands in
  const auto idle = AddressSpace(done.memory);
  bool limited = false;
  if (idle) {
    const rlim_t most = *idle + limits.memory_bytes + limits.max_input_bytes + job::kExecutorRecycleBytes;
    limited = Limit(RLIMIT_AS, most, most);
  }
  done.measures.emplace_back("memoryLimit", limited);
}

void DropRights(Lockdown& done) {
  const auto note = [&](const char* name, bool taken) { done.measures.emplace_back(name, taken); };
  const pid_t parent = ::getppid();
  for (int capability = 0; capability <= kMaxCapability; ++capability) {
    (void)::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
  }
  (void)::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  note("unprivilegedUser", DropUser());
  note("noCapabilities", DropCapabilities());
  // Another user means another life: the kernel forgot both of these.
  note("endsWithParent", ::prctl(PR_SET_PDEATHSIG, SIGKILL) == 0);
  if (::getppid() != parent) ::_exit(0);
  note("memoryHidden", ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0);
  note("noNewPrivileges", ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
}

}  // namespace

Lockdown LockDown(Level level, const TaskLimits& limits) {
  Lockdown done;
  done.memory.Reset(::open("/proc/self/statm", O_RDONLY | O_CLOEXEC));
  LimitBasics(done);
  LimitResources(done, limits);
  DropRights(done);
  // No number is left for a new descriptor: no file, socket or pipe can be opened, whatever else is refused above.
  done.measures.emplace_back("noNewDescriptors", Limit(RLIMIT_NOFILE, 0, 0));
  // At either level: contained only means that a system may refuse it.
  std::string refusal = InstallFilter();
  if (refusal.empty()) done.reached = Level::kStrict;
  if (level == Level::kStrict) done.refusal = std::move(refusal);
  done.measures.emplace_back("seccomp", done.reached == Level::kStrict);
  if (base::kSanitized) done.measures.emplace_back("memoryLimit", StartMemoryWatch(std::move(done.memory)));
  return done;
}

void BeginTask(const Lockdown& lockdown, const TaskLimits& limits, std::size_t input_bytes) {
  constexpr rlim_t kHard = RLIM_INFINITY;  // stays as it is
  (void)Limit(RLIMIT_CPU, UsedCpuSeconds() + limits.cpu_seconds, kHard);
  if (base::kSanitized) return WatchMemory(input_bytes + limits.memory_bytes);
  const auto now = AddressSpace(lockdown.memory);
  if (now) (void)Limit(RLIMIT_AS, *now + input_bytes + limits.memory_bytes, kHard);
}

}  // namespace sandbox
