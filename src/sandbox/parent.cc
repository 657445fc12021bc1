#include "sandbox/parent.h"

#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>

namespace sandbox {

void ScrubEnvironment(std::span<const std::string_view> keep) {
  char** to = environ;
  for (char** from = environ; from != nullptr && *from != nullptr; ++from) {
    const std::string_view entry(*from);
    if (std::ranges::find(keep, entry.substr(0, entry.find('='))) != keep.end()) {
      *to++ = *from;
    } else {
      ::explicit_bzero(*from, entry.size());
    }
  }
  if (to != nullptr) *to = nullptr;
}

bool HideMemory() {
  return ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0;
}

}  // namespace sandbox
