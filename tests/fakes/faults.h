// Which calls fail. Thread-safe, but for Ask.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <utility>

namespace fakes {

// The death of the process under test: thrown out of a port's call, caught by whoever plays the machine, which then
// drops everything that was in memory and keeps the stores.
struct Crash {};

class Fault {
 public:
  void FailNext(std::size_t calls) { left_ = calls; }
  // Asked at each call that FailNext lets pass: true fails it; it may also throw Crash. Set before use.
  void Ask(std::function<bool()> decide) { decide_ = std::move(decide); }
  // True if this call is to fail.
  [[nodiscard]] bool Strikes() {
    std::size_t left = left_;
    while (left != 0 && !left_.compare_exchange_weak(left, left - 1)) {
    }
    return left != 0 || (decide_ && decide_());
  }

 private:
  std::atomic<std::size_t> left_{0};
  std::function<bool()> decide_;
};

}  // namespace fakes
