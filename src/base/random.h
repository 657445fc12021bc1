// Randomness as a dependency, so that a seeded run repeats. Thread-safe.
#pragma once

#include <cstdint>
#include <mutex>
#include <random>
#include <string>

namespace base {

class Random {
 public:
  virtual ~Random() = default;
  [[nodiscard]] virtual std::uint64_t Next() = 0;
  // Uniform in [0, 1).
  [[nodiscard]] double Unit() { return static_cast<double>(Next() >> 11) * 0x1.0p-53; }
  // `bytes` random bytes as lower-case hex.
  [[nodiscard]] std::string Hex(std::size_t bytes);
};

// From the kernel (getrandom): good for secrets and ids.
class SystemRandom final : public Random {
 public:
  [[nodiscard]] std::uint64_t Next() override;
};

// Repeatable: for tests and simulations only.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed) : engine_(seed) {}
  [[nodiscard]] std::uint64_t Next() override {
    const std::lock_guard lock(mutex_);
    return engine_();
  }

 private:
  std::mutex mutex_;
  std::mt19937_64 engine_;  // guarded by mutex_
};

}  // namespace base
