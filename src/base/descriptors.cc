#include "base/descriptors.h"

#include <sys/resource.h>

#include <atomic>

namespace base {

namespace {

std::atomic<rlim_t> limit_before{0};  // 0: never raised

}  // namespace

std::size_t RaiseDescriptorLimit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
  const rlim_t before = limit.rlim_cur;
  limit.rlim_cur = limit.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) return before;
  rlim_t never = 0;
  (void)limit_before.compare_exchange_strong(never, before);
  return limit.rlim_cur;
}

void RestoreDescriptorLimit() {
  const rlim_t before = limit_before.load();
  rlimit limit{};
  if (before == 0 || ::getrlimit(RLIMIT_NOFILE, &limit) != 0 || before >= limit.rlim_cur) return;
  limit.rlim_cur = before;
  (void)::setrlimit(RLIMIT_NOFILE, &limit);
}

OpenDescriptors::OpenDescriptors() : folder_(::opendir("/proc/self/fd")) {}
OpenDescriptors::~OpenDescriptors() {
  if (folder_ != nullptr) (void)::closedir(folder_);
}

std::size_t OpenDescriptors::Count() {
  const std::lock_guard lock(mutex_);
  if (folder_ == nullptr) return 0;
  ::rewinddir(folder_);
  std::size_t count = 0;
  while (const dirent* entry = ::readdir(folder_)) count += entry->d_name[0] == '.' ? 0 : 1;
  return count;
}

}  // namespace base
