// Series of several toons on common buckets, and their partial.
//
// A bucket is 2^shift milliseconds wide and starts at a multiple of that since 1970, so any two series fit together
// once the finer one is coarsened. Shift and names held depend only on everything that was folded, never on the order:
// merging is commutative and associative, counts, minima and maxima exactly, sums within rounding (relative 1e-12 a
// merge).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/error.h"

namespace reducers {

inline constexpr std::uint8_t kSeriesVersion = 1;
inline constexpr std::size_t kMaxBuckets =
    256;                                       // with kMaxFields below job::kMaxPartialBytes: at most 34 bytes a bucket
inline constexpr std::size_t kMaxFields = 16;  // the smallest names, by bytes
inline constexpr std::size_t kMaxFieldNameBytes = 128;

struct Bucket {
  std::uint64_t count = 0;
  double min = 0;
  double max = 0;
  double sum = 0;
  void Merge(const Bucket& more);
  bool operator==(const Bucket&) const = default;
};

class AlignedSeries {
 public:
  using Field = std::map<std::int64_t, Bucket>;  // by bucket number: start = number << shift

  // Adds a field's bucket of a series whose buckets are 2^shift ms. Call Settle after the last one.
  void Add(std::string_view field, unsigned shift, std::int64_t number, const Bucket& bucket);
  // Coarsens to at most kMaxBuckets and drops names past kMaxFields.
  void Settle();
  void Merge(const AlignedSeries& more);  // settles
  void CountToon() { ++toons_; }

  [[nodiscard]] bool empty() const { return toons_ == 0; }
  [[nodiscard]] std::uint64_t toons() const { return toons_; }
  [[nodiscard]] unsigned shift() const { return shift_; }
  [[nodiscard]] std::int64_t first() const { return first_; }  // bucket numbers; first > last: none
  [[nodiscard]] std::int64_t last() const { return last_; }
  [[nodiscard]] const std::map<std::string, Field, std::less<>>& fields() const { return fields_; }
  [[nodiscard]] std::uint64_t dropped() const { return dropped_; }  // 1 if names were dropped, else 0

  [[nodiscard]] std::string Encode() const;
  [[nodiscard]] static base::Result<AlignedSeries> Decode(std::string_view bytes);  // "" is empty; kCorrupt

 private:
  void CoarsenTo(unsigned shift);

  std::uint64_t toons_ = 0;
  unsigned shift_ = 0;
  // The extent of everything ever added, dropped fields included: else the shift would depend on when they were
  // dropped.
  std::int64_t first_ = 1;
  std::int64_t last_ = 0;
  std::uint64_t dropped_ = 0;
  std::map<std::string, Field, std::less<>> fields_;
};

}  // namespace reducers
