// What summary adds up, and its partial: a value whose sum is exact, associative and commutative.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "base/codec.h"
#include "base/error.h"

namespace reducers {

inline constexpr std::uint8_t kTotalsVersion = 1;
inline constexpr std::size_t kMaxTypes = 24;  // types counted by name; with kMaxNames this keeps a partial below
inline constexpr std::size_t kMaxNames = 64;  // job::kMaxPartialBytes
inline constexpr std::size_t kMaxNameBytes = 64;

// Counts by name. Holds the kMaxNames smallest names (by bytes) and adds the rest up as other: which names are held
// depends only on all names seen, so that merging in any order gives the same.
class NameCounts {
 public:
  void Add(std::string_view name, std::uint64_t count);
  void Merge(const NameCounts& more);
  void Encode(base::Encoder& out) const;
  void Decode(base::Decoder& in);
  [[nodiscard]] const std::map<std::string, std::uint64_t, std::less<>>& counts() const { return counts_; }
  [[nodiscard]] std::uint64_t other() const { return other_; }
  [[nodiscard]] bool empty() const { return counts_.empty() && other_ == 0; }

 private:
  void Trim();
  std::map<std::string, std::uint64_t, std::less<>> counts_;
  std::uint64_t other_ = 0;
};

// Durations in microseconds, in 8 buckets an octave up to 2^36 us (19 hours): a quantile is off by at most 1/16 of
// itself.
class Histogram {
 public:
  static constexpr std::size_t kBuckets = 8 * 35;
  void Add(std::uint64_t micros);
  void Merge(const Histogram& more);
  void Encode(base::Encoder& out) const;
  void Decode(base::Decoder& in);
  [[nodiscard]] std::uint64_t count() const { return count_; }
  [[nodiscard]] std::uint64_t min() const { return min_; }
  [[nodiscard]] std::uint64_t max() const { return max_; }
  [[nodiscard]] std::uint64_t sum() const { return sum_; }
  // The middle of the bucket that holds the value of that rank, within min and max. share in 0..1; 0 when empty.
  [[nodiscard]] double Quantile(double share) const;

 private:
  std::array<std::uint64_t, kBuckets> counts_{};
  std::uint64_t count_ = 0;
  std::uint64_t sum_ = 0;
  std::uint64_t min_ = ~0ULL;
  std::uint64_t max_ = 0;
};

struct TypeTotals {
  std::uint64_t toons = 0;
  std::uint64_t bytes = 0;
  Histogram durations;
  NameCounts figures;  // sums such as "rows"
  NameCounts kinds;    // how many toons of each format or MIME type
  void Merge(const TypeTotals& more);
};

struct Totals {
  std::uint64_t reused = 0;
  std::uint64_t retried = 0;  // toons that took more than one attempt
  std::uint64_t artifacts = 0;
  std::uint64_t artifact_bytes = 0;
  std::map<std::string, TypeTotals, std::less<>> types;  // the kMaxTypes smallest names, by bytes
  TypeTotals other_types;

  void Merge(const Totals& more);
  [[nodiscard]] std::string Encode() const;
  [[nodiscard]] static base::Result<Totals> Decode(std::string_view bytes);  // "" is no toon; kCorrupt
};

}  // namespace reducers
