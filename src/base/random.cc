#include "base/random.h"

#include <fmt/format.h>
#include <sys/random.h>

#include <cstdlib>

namespace base {

std::string Random::Hex(std::size_t bytes) {
  std::string out;
  while (out.size() < bytes * 2) out += fmt::format("{:016x}", Next());
  out.resize(bytes * 2);
  return out;
}

std::uint64_t SystemRandom::Next() {
  std::uint64_t value = 0;
  // Reads of up to 256 bytes are never short or interrupted once the pool is ready (getrandom(2)).
  if (getrandom(&value, sizeof value, 0) != sizeof value) std::abort();
  return value;
}

}  // namespace base
