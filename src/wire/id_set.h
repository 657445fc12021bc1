// Which ids of a job were seen: 16 bytes an id, so that a million cost less than 40 MB. Two ids of 128 equal hash bits
// would be taken for one; the chance is below 2^-88 for a million. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace wire {

class IdSet {
 public:
  IdSet();
  // Whether it was absent.
  [[nodiscard]] bool Insert(std::string_view id);
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::size_t MemoryBytes() const { return slots_.capacity() * sizeof(Slot); }

 private:
  struct Slot {
    std::uint64_t high = 0;
    std::uint64_t low = 0;  // 0: free
  };
  [[nodiscard]] Slot HashOf(std::string_view id) const;
  [[nodiscard]] bool Place(const Slot& hash);
  void Grow();

  std::vector<Slot> slots_;
  std::size_t size_ = 0;
  std::uint64_t seed_[2];
};

}  // namespace wire
