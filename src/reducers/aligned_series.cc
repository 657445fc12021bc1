#include "reducers/aligned_series.h"

#include <algorithm>
#include <cmath>

#include "base/codec.h"

namespace reducers {

namespace {

constexpr unsigned kMaxShift = 62;

}  // namespace

void Bucket::Merge(const Bucket& more) {
  if (more.count == 0) return;
  min = count == 0 ? more.min : std::min(min, more.min);
  max = count == 0 ? more.max : std::max(max, more.max);
  count += more.count;
  sum += more.sum;
}

void AlignedSeries::CoarsenTo(unsigned shift) {
  if (shift <= shift_) return;
  const unsigned by = shift - shift_;
  for (auto& [name, field] : fields_) {
    Field coarse;
    for (const auto& [number, bucket] : field) coarse[number >> by].Merge(bucket);
    field = std::move(coarse);
  }
  if (first_ <= last_) {
    first_ >>= by;
    last_ >>= by;
  }
  shift_ = shift;
}

void AlignedSeries::Add(std::string_view field, unsigned shift, std::int64_t number, const Bucket& bucket) {
  CoarsenTo(shift);
  const std::int64_t at = number >> (shift_ - shift);
  if (first_ > last_) {
    first_ = last_ = at;
  } else {
    first_ = std::min(first_, at);
    last_ = std::max(last_, at);
  }
  const auto name = field.substr(0, kMaxFieldNameBytes);
  auto found = fields_.find(name);
  if (found == fields_.end()) found = fields_.try_emplace(std::string(name)).first;
  found->second[at].Merge(bucket);
}

void AlignedSeries::Settle() {
  unsigned shift = shift_;
  const auto span = [&](unsigned by) { return (last_ >> by) - (first_ >> by); };
  while (first_ <= last_ && span(shift - shift_) >= static_cast<std::int64_t>(kMaxBuckets)) ++shift;
  CoarsenTo(shift);
  while (fields_.size() > kMaxFields) {
    fields_.erase(std::prev(fields_.end()));
    dropped_ = 1;
  }
}

void AlignedSeries::Merge(const AlignedSeries& more) {
  toons_ += more.toons_;
  dropped_ = std::max(dropped_, more.dropped_);
  CoarsenTo(more.shift_);
  for (const auto& [name, field] : more.fields_) {
    for (const auto& [number, bucket] : field) Add(name, more.shift_, number, bucket);
  }
  if (more.first_ <= more.last_) {  // what was dropped there counts too
    const unsigned by = shift_ - more.shift_;
    const bool none = first_ > last_;
    first_ = none ? more.first_ >> by : std::min(first_, more.first_ >> by);
    last_ = none ? more.last_ >> by : std::max(last_, more.last_ >> by);
  }
  Settle();
}

std::string AlignedSeries::Encode() const {
  base::Encoder out;
  out.Varint(kSeriesVersion);
  out.Varint(toons_);
  out.Varint(shift_);
  out.Signed(first_);
  out.Signed(last_);
  out.Varint(dropped_);
  out.Varint(fields_.size());
  for (const auto& [name, field] : fields_) {
    out.Text(name);
    out.Varint(field.size());
    std::int64_t next = first_;
    for (const auto& [number, bucket] : field) {
      out.Varint(static_cast<std::uint64_t>(number - next));  // buckets passed over
      out.Varint(bucket.count);
      out.Double(bucket.min);
      out.Double(bucket.max);
      out.Double(bucket.sum);
      next = number + 1;
    }
  }
  return std::move(out).Take();
}

base::Result<AlignedSeries> AlignedSeries::Decode(std::string_view bytes) {
  AlignedSeries series;
  if (bytes.empty()) return series;
  base::Decoder in(bytes);
  if (in.Varint() != kSeriesVersion) in.Fail();
  series.toons_ = in.Varint();
  series.shift_ = static_cast<unsigned>(in.Count(kMaxShift));
  series.first_ = in.Signed();
  series.last_ = in.Signed();
  series.dropped_ = in.Count(1);
  // Numbers stay small enough for any shift back to milliseconds.
  const std::int64_t most = std::int64_t{1} << (62 - series.shift_);
  const bool sane = series.first_ >= -most && series.last_ <= most && series.last_ >= -most && series.first_ <= most &&
                    series.last_ - series.first_ < static_cast<std::int64_t>(kMaxBuckets);
  if (!sane) in.Fail();
  const std::size_t count = in.Count(kMaxFields);
  for (std::size_t i = 0; i < count && in.ok(); ++i) {
    const auto name = in.Text(kMaxFieldNameBytes);
    const bool ordered = series.fields_.empty() || name > series.fields_.rbegin()->first;
    const std::size_t buckets = in.Count(kMaxBuckets);
    auto& field = series.fields_[std::string(name)];
    std::int64_t next = series.first_;
    for (std::size_t b = 0; b < buckets && in.ok(); ++b) {
      const std::int64_t number = next + static_cast<std::int64_t>(in.Count(kMaxBuckets));
      Bucket bucket{.count = in.Varint(), .min = in.Double(), .max = in.Double(), .sum = in.Double()};
      const bool finite = std::isfinite(bucket.min) && std::isfinite(bucket.max) && std::isfinite(bucket.sum);
      if (!ordered || number > series.last_ || bucket.count == 0 || !finite) in.Fail();
      field[number] = bucket;
      next = number + 1;
    }
  }
  if (!in.done()) return base::Fail(base::Code::kCorrupt, "a partial of the reducer timeline does not decode");
  return series;
}

}  // namespace reducers
