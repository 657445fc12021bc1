#include "reducers/totals.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace reducers {

namespace {

constexpr std::uint64_t kMaxMicros = (1ULL << 36U) - 1;

// Values below 8 have a bucket each; above, 8 buckets an octave.
std::size_t BucketOf(std::uint64_t micros) {
  const std::uint64_t value = std::min(micros, kMaxMicros);
  if (value < 8) return static_cast<std::size_t>(value);
  const unsigned octave = static_cast<unsigned>(std::bit_width(value)) - 4;  // value >> octave is 8..15
  return octave * 8 + static_cast<std::size_t>(value >> octave);
}

double MiddleOf(std::size_t bucket) {
  if (bucket < 16) return static_cast<double>(bucket);
  const auto octave = static_cast<int>(bucket / 8 - 1);
  const double low = std::ldexp(static_cast<double>(bucket % 8 + 8), octave);
  return low + (std::ldexp(1.0, octave) - 1) / 2;
}

void EncodeType(const TypeTotals& type, base::Encoder& out) {
  out.Varint(type.toons);
  out.Varint(type.bytes);
  type.durations.Encode(out);
  type.figures.Encode(out);
  type.kinds.Encode(out);
}

void DecodeType(base::Decoder& in, TypeTotals& type) {
  type.toons = in.Varint();
  type.bytes = in.Varint();
  type.durations.Decode(in);
  type.figures.Decode(in);
  type.kinds.Decode(in);
}

}  // namespace

void NameCounts::Add(std::string_view name, std::uint64_t count) {
  name = name.substr(0, kMaxNameBytes);
  const auto found = counts_.find(name);
  if (found != counts_.end()) {
    found->second += count;
    return;
  }
  counts_.emplace(name, count);
  Trim();
}

void NameCounts::Trim() {
  while (counts_.size() > kMaxNames) {
    const auto last = std::prev(counts_.end());
    other_ += last->second;
    counts_.erase(last);
  }
}

void NameCounts::Merge(const NameCounts& more) {
  for (const auto& [name, count] : more.counts_) Add(name, count);
  other_ += more.other_;
}

void NameCounts::Encode(base::Encoder& out) const {
  out.Varint(counts_.size());
  for (const auto& [name, count] : counts_) {
    out.Text(name);
    out.Varint(count);
  }
  out.Varint(other_);
}

void NameCounts::Decode(base::Decoder& in) {
  const std::size_t size = in.Count(kMaxNames);
  for (std::size_t i = 0; i < size && in.ok(); ++i) {
    const auto name = in.Text(kMaxNameBytes);
    const std::uint64_t count = in.Varint();
    if (!counts_.empty() && name <= counts_.rbegin()->first) return in.Fail();
    counts_.emplace_hint(counts_.end(), name, count);
  }
  other_ = in.Varint();
}

void Histogram::Add(std::uint64_t micros) {
  ++counts_[BucketOf(micros)];
  ++count_;
  sum_ += micros;
  min_ = std::min(min_, micros);
  max_ = std::max(max_, micros);
}

void Histogram::Merge(const Histogram& more) {
  for (std::size_t i = 0; i < kBuckets; ++i) counts_[i] += more.counts_[i];
  count_ += more.count_;
  sum_ += more.sum_;
  min_ = std::min(min_, more.min_);
  max_ = std::max(max_, more.max_);
}

void Histogram::Encode(base::Encoder& out) const {
  out.Varint(kBuckets - static_cast<std::size_t>(std::ranges::count(counts_, 0U)));
  std::size_t next = 0;
  for (std::size_t i = 0; i < kBuckets; ++i) {
    if (counts_[i] == 0) continue;
    out.Varint(i - next);  // buckets passed over
    out.Varint(counts_[i]);
    next = i + 1;
  }
  if (count_ == 0) return;
  out.Varint(sum_);
  out.Varint(min_);
  out.Varint(max_);
}

void Histogram::Decode(base::Decoder& in) {
  const std::size_t filled = in.Count(kBuckets);
  std::size_t next = 0;
  for (std::size_t i = 0; i < filled && in.ok(); ++i) {
    const std::size_t bucket = next + in.Count(kBuckets);
    const std::uint64_t count = in.Varint();
    if (bucket >= kBuckets || count == 0) return in.Fail();
    counts_[bucket] = count;
    count_ += count;
    next = bucket + 1;
  }
  if (count_ == 0) return;
  sum_ = in.Varint();
  min_ = in.Varint();
  max_ = in.Varint();
}

double Histogram::Quantile(double share) const {
  if (count_ == 0) return 0;
  const auto rank = static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(count_)));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < kBuckets; ++i) {
    seen += counts_[i];
    if (seen >= rank && counts_[i] != 0) {
      return std::clamp(MiddleOf(i), static_cast<double>(min_), static_cast<double>(std::max(min_, max_)));
    }
  }
  return static_cast<double>(max_);
}

void TypeTotals::Merge(const TypeTotals& more) {
  toons += more.toons;
  bytes += more.bytes;
  durations.Merge(more.durations);
  figures.Merge(more.figures);
  kinds.Merge(more.kinds);
}

void Totals::Merge(const Totals& more) {
  reused += more.reused;
  retried += more.retried;
  artifacts += more.artifacts;
  artifact_bytes += more.artifact_bytes;
  for (const auto& [name, type] : more.types) types[name].Merge(type);
  other_types.Merge(more.other_types);
  while (types.size() > kMaxTypes) {
    const auto last = std::prev(types.end());
    other_types.Merge(last->second);
    types.erase(last);
  }
}

std::string Totals::Encode() const {
  base::Encoder out;
  out.Varint(kTotalsVersion);
  for (const std::uint64_t value : {reused, retried, artifacts, artifact_bytes, std::uint64_t{types.size()}}) {
    out.Varint(value);
  }
  for (const auto& [name, type] : types) {
    out.Text(name);
    EncodeType(type, out);
  }
  EncodeType(other_types, out);
  return std::move(out).Take();
}

base::Result<Totals> Totals::Decode(std::string_view bytes) {
  Totals totals;
  if (bytes.empty()) return totals;
  base::Decoder in(bytes);
  if (in.Varint() != kTotalsVersion) in.Fail();
  for (std::uint64_t* value : {&totals.reused, &totals.retried, &totals.artifacts, &totals.artifact_bytes}) {
    *value = in.Varint();
  }
  const std::size_t count = in.Count(kMaxTypes);
  for (std::size_t i = 0; i < count && in.ok(); ++i) {
    const auto name = in.Text(kMaxNameBytes);
    if (!totals.types.empty() && name <= totals.types.rbegin()->first) {
      in.Fail();
      break;
    }
    DecodeType(in, totals.types[std::string(name)]);
  }
  DecodeType(in, totals.other_types);
  if (!in.done()) return base::Fail(base::Code::kCorrupt, "a partial of the reducer summary does not decode");
  return totals;
}

}  // namespace reducers
