// Everything that a schedule draws, from its seed alone.
#pragma once

#include <cstdint>

#include "base/random.h"

namespace sim {

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : random_(seed * 0x9E3779B97F4A7C15ULL + 1) {}
  [[nodiscard]] std::uint64_t Below(std::uint64_t end) { return random_.Next() % end; }
  [[nodiscard]] std::uint64_t Between(std::uint64_t first, std::uint64_t last) {
    return first + Below(last - first + 1);
  }
  [[nodiscard]] bool Chance(double probability) { return random_.Unit() < probability; }
  template <typename Items>
  [[nodiscard]] const auto& Of(const Items& items) {
    return items[Below(items.size())];
  }

 private:
  base::SeededRandom random_;
};

// How violent a schedule is. Probabilities are per call of a port, unless named otherwise.
struct Profile {
  double throttle = 0;    // a write is refused before it has an effect
  double lost = 0;        // a write has its effect, its caller hears kUnavailable
  double unreadable = 0;  // a read fails
  double crash = 0;       // the process dies in a call, before or after the effect
  double slow = 0;        // a call takes up to two seconds
  double conflict = 0;    // a version check fails for nothing
  double nested = 0;      // something else happens between a read and the write that follows
  double bad_end = 0;     // per chunk: its worker does not simply answer
  double cruel = 0;       // per toon: its content makes trouble
  bool jumps = false;     // the wall clock jumps
  bool expiry = false;    // jobs are forgotten while the others run
  std::uint64_t steps = 0;
  std::uint64_t tenants = 0;
  std::uint64_t workers = 0;
  std::uint64_t most_toons = 0;
};

[[nodiscard]] Profile DrawProfile(Dice& dice);

}  // namespace sim
