// The entries with the smallest positions, and how many there were in all: a value whose sum is associative and
// commutative, so that a reducer that lists toons stays bounded however many there are.
#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <vector>

#include "base/codec.h"
#include "base/error.h"
#include "job/types.h"

namespace reducers {

// Entry: has `job::Position position`, `void Encode(base::Encoder&) const` and `void Decode(base::Decoder&)`.
template <typename Entry>
class FirstEntries {
 public:
  explicit FirstEntries(std::size_t most) : most_(most) {}

  void Add(Entry entry) {
    ++total_;
    entries_.push_back(std::move(entry));
  }
  void Merge(FirstEntries more) {
    total_ += more.total_;
    std::ranges::move(more.entries_, std::back_inserter(entries_));
  }
  [[nodiscard]] std::string Encode(std::uint8_t version) {
    Trim();
    base::Encoder out;
    out.Varint(version);
    out.Varint(total_);
    out.Varint(entries_.size());
    for (const Entry& entry : entries_) {
      out.Varint(entry.position);
      entry.Encode(out);
    }
    return std::move(out).Take();
  }
  // "" is no entry; kCorrupt.
  [[nodiscard]] static base::Result<FirstEntries> Decode(std::string_view bytes, std::uint8_t version,
                                                         std::size_t most) {
    FirstEntries entries(most);
    if (bytes.empty()) return entries;
    base::Decoder in(bytes);
    if (in.Varint() != version) in.Fail();
    entries.total_ = in.Varint();
    const std::uint64_t count = in.Count(most);
    for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
      Entry entry;
      entry.position = in.Varint();
      entry.Decode(in);
      entries.entries_.push_back(std::move(entry));
    }
    if (!in.done() || entries.total_ < count) return base::Fail(base::Code::kCorrupt, "a partial does not decode");
    return entries;
  }
  [[nodiscard]] std::uint64_t total() const { return total_; }
  [[nodiscard]] const std::vector<Entry>& entries() const { return entries_; }  // in order once encoded or decoded

 private:
  void Trim() {
    std::ranges::sort(entries_, {}, &Entry::position);
    if (entries_.size() > most_) entries_.resize(most_);
  }

  std::size_t most_;
  std::uint64_t total_ = 0;
  std::vector<Entry> entries_;
};

}  // namespace reducers
