// How many of the next calls fail. Thread-safe.
#pragma once

#include <atomic>
#include <cstddef>

namespace fakes {

class Fault {
 public:
  void FailNext(std::size_t calls) { left_ = calls; }
  // True if this call is to fail.
  [[nodiscard]] bool Strikes() {
    std::size_t left = left_;
    while (left != 0 && !left_.compare_exchange_weak(left, left - 1)) {
    }
    return left != 0;
  }

 private:
  std::atomic<std::size_t> left_{0};
};

}  // namespace fakes
