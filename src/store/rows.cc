#include "store/rows.h"

#include <utility>

#include "wire/row_reader.h"

namespace store {

using wire::NewRow;
using wire::PutBytes;
using wire::PutVarint;
using wire::RowReader;

std::string EncodePlace(const OutcomePlace& place) {
  std::string out = NewRow();
  PutVarint(out, place.uid);
  PutVarint(out, place.generation);
  PutVarint(out, place.position);
  return out;
}

base::Result<OutcomePlace> DecodePlace(std::string_view bytes) {
  RowReader in(bytes);
  OutcomePlace place;
  place.uid = in.Varint();
  place.generation = in.Varint32();
  place.position = in.Varint();
  UT_TRY(in.End("reuse entry"));
  return place;
}

std::string EncodeCounts(const QuarantineCounts& counts) {
  std::string out = NewRow();
  PutVarint(out, counts.size());
  for (const auto& [work_class, count] : counts) {
    PutBytes(out, work_class);
    PutVarint(out, count);
  }
  return out;
}

base::Result<QuarantineCounts> DecodeCounts(std::string_view bytes) {
  RowReader in(bytes);
  constexpr std::size_t kLeastCountBytes = 2;
  QuarantineCounts counts;
  const std::size_t classes = in.Count(kLeastCountBytes);
  for (std::size_t i = 0; i < classes; ++i) {
    std::string work_class = in.Text();
    const std::uint64_t count = in.Varint();
    // One order, one spelling: what decodes encodes to the same bytes.
    if (count == 0 || (!counts.empty() && counts.rbegin()->first >= work_class)) in.Fail();
    counts[std::move(work_class)] = count;
  }
  UT_TRY(in.End("quarantine count"));
  return counts;
}

std::string EncodeNumber(std::uint64_t value) {
  std::string out = NewRow();
  PutVarint(out, value);
  return out;
}

base::Result<std::uint64_t> DecodeNumber(std::string_view bytes, std::string_view what) {
  RowReader in(bytes);
  const std::uint64_t value = in.Varint();
  UT_TRY(in.End(what));
  return value;
}

}  // namespace store
