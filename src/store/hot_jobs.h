// Jobs that are being written, decoded: state, counters, aggregates and which positions have an outcome, so that
// recording reads nothing. Used by the committer alone; bounded in bytes; what it holds is what the store will hold
// after the group.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/error.h"
#include "job/lifecycle.h"
#include "store/group.h"

namespace store {

// A set of positions as bits.
class PositionSet {
 public:
  [[nodiscard]] bool Has(job::Position position) const {
    const std::size_t word = position / kBits;
    return word < words_.size() && (words_[word] >> position % kBits & 1U) != 0;
  }
  void Add(job::Position position) {
    const std::size_t word = position / kBits;
    if (word >= words_.size()) words_.resize(word + 1);
    words_[word] |= std::uint64_t{1} << position % kBits;
  }
  void Remove(job::Position position) {
    const std::size_t word = position / kBits;
    if (word < words_.size()) words_[word] &= ~(std::uint64_t{1} << position % kBits);
  }
  void Clear() { words_.clear(); }
  [[nodiscard]] std::size_t bytes() const { return words_.capacity() * sizeof(std::uint64_t); }

 private:
  static constexpr std::size_t kBits = 64;
  std::vector<std::uint64_t> words_;
};

struct HotJob {
  Uid uid = 0;
  job::Job job;
  // Of the current generation; loaded by HotJobs::LoadRecorded.
  bool recorded_loaded = false;
  PositionSet recorded;
  std::unordered_set<job::Position> notes;
  std::map<std::string, std::string> aggregates;
  // To be written with the group.
  bool state_dirty = false;
  std::set<std::string> dirty_aggregates;

  [[nodiscard]] std::size_t bytes() const;
};

class HotJobs {
 public:
  HotJobs(Group& group, std::size_t max_bytes) : group_(group), max_bytes_(max_bytes) {}

  // nullptr: no such job. The pointer is good until EndGroup, Forget or Clear.
  [[nodiscard]] base::Result<HotJob*> Find(const job::JobKey& key);
  // Fills recorded, notes and aggregates from the store.
  [[nodiscard]] base::Status LoadRecorded(HotJob& hot);
  void Forget(const job::JobKey& key);
  // Puts every changed job into the group, once for the whole group.
  void Flush();
  // Drops the least recently used down to the limit.
  void EndGroup();
  // After a failed commit: nothing in here is true any more.
  void Clear();

 private:
  struct Entry {
    HotJob hot;
    std::size_t bytes = 0;            // as last counted into bytes_
    std::uint64_t used_in_group = 0;  // the last one
  };
  using Order = std::list<std::pair<job::JobKey, Entry>>;  // most recently used first
  struct KeyHash {
    std::size_t operator()(const job::JobKey& key) const noexcept {
      return std::hash<job::TenantId>{}(key.tenant) * 31 + std::hash<job::JobId>{}(key.job);
    }
  };

  Group& group_;
  const std::size_t max_bytes_;
  std::size_t bytes_ = 0;
  Order order_;
  std::unordered_map<job::JobKey, Order::iterator, KeyHash> index_;
  std::uint64_t group_number_ = 1;  // jobs used in this group are the first ones of order_
};

}  // namespace store
