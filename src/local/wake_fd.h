// Wakes a thread that polls descriptors. Thread-safe; never blocks.
#pragma once

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>

#include "local/files.h"

namespace local {

class WakeFd {
 public:
  WakeFd() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
  void Wake() const {
    const std::uint64_t one = 1;
    (void)!::write(fd_.get(), &one, sizeof one);
  }
  void Clear() const {
    std::uint64_t count = 0;
    (void)!::read(fd_.get(), &count, sizeof count);
  }
  [[nodiscard]] int get() const { return fd_.get(); }

 private:
  Fd fd_;
};

}  // namespace local
