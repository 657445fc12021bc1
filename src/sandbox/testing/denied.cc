// Starts the test executor where prctl and seccomp answer EPERM, as some homes have it.
#include <errno.h>
#include <seccomp.h>
#include <unistd.h>

#include <initializer_list>

int main(int, char** argv) {
  scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
  if (filter == nullptr) return 1;
  for (const int call : {SCMP_SYS(prctl), SCMP_SYS(seccomp)}) {
    if (seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), call, 0) != 0) return 1;
  }
  if (seccomp_load(filter) != 0) return 1;
  (void)::execv(SANDBOX_TEST_EXECUTOR, argv);
  return 1;
}
