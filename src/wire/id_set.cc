#include "wire/id_set.h"

#include <cstring>

#include "base/random.h"

namespace wire {

namespace {

constexpr std::size_t kFirstSlots = 64;

// 64 × 64 → 128 bits folded, the mixing step of wyhash (https://github.com/wangyi-fudan/wyhash, public domain).
__extension__ using Wide = unsigned __int128;
std::uint64_t Mix(std::uint64_t a, std::uint64_t b) {
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64U);
}
std::uint64_t HighHalf(std::uint64_t a, std::uint64_t b) {
  return static_cast<std::uint64_t>(static_cast<Wide>(a) * b >> 64U);
}

}  // namespace

// The seed keeps ids from being chosen so that they all fall into one run of slots.
IdSet::IdSet() : slots_(kFirstSlots) {
  base::SystemRandom random;
  seed_[0] = random.Next() | 1U;
  seed_[1] = random.Next() | 1U;
}

IdSet::Slot IdSet::HashOf(std::string_view id) const {
  std::uint64_t high = seed_[0] ^ id.size();
  std::uint64_t low = seed_[1];
  while (!id.empty()) {
    std::uint64_t words[2] = {0, 0};
    const std::size_t size = id.size() < sizeof words ? id.size() : sizeof words;
    std::memcpy(words, id.data(), size);
    id.remove_prefix(size);
    const std::uint64_t next = Mix(words[0] ^ high ^ 0xA0761D6478BD642FULL, words[1] ^ low ^ 0xE7037ED1A0B428DBULL);
    low = Mix(words[0] ^ low ^ 0x8EBC6AF09C88C6E3ULL, words[1] ^ high ^ 0x589965CC75374CC3ULL);
    high = next;
  }
  Slot slot{.high = Mix(high ^ seed_[1], 0x9E3779B97F4A7C15ULL ^ low), .low = Mix(low ^ seed_[0], high | 1U)};
  if (slot.low == 0) slot.low = 1;
  return slot;
}

bool IdSet::Place(const Slot& hash) {
  // The top bits choose the slot, for any number of slots.
  std::size_t at = HighHalf(hash.high, slots_.size());
  while (slots_[at].low != 0) {
    if (slots_[at].low == hash.low && slots_[at].high == hash.high) return false;
    if (++at == slots_.size()) at = 0;
  }
  slots_[at] = hash;
  return true;
}

void IdSet::Grow() {
  // By 3/8 only: while growing, old and new together stay within the bound.
  std::vector<Slot> old(slots_.size() + slots_.size() * 3 / 8 + 1);
  old.swap(slots_);
  for (const Slot& slot : old) {
    if (slot.low != 0) (void)Place(slot);
  }
}

bool IdSet::Insert(std::string_view id) {
  if ((size_ + 1) * 5 > slots_.size() * 4) Grow();
  if (!Place(HashOf(id))) return false;
  ++size_;
  return true;
}

}  // namespace wire
