#include "flow/split.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <numeric>

#include "flow/pieces.h"
#include "job/limits.h"

namespace flow {
namespace {

RC_GTEST_PROP(Split, SegmentsCoverEveryToonOnceInOrder, ()) {
  const auto types = *rc::gen::container<std::vector<std::string>>(
      rc::gen::element<std::string>("image", "audio", "message", "binary", "my-type"));
  SegmentBuilder builder;
  std::uint64_t offset = 0;
  std::vector<std::uint64_t> lengths;
  for (std::size_t i = 0; i < types.size(); ++i) {
    lengths.push_back(*rc::gen::inRange<std::uint64_t>(1, 400'000));
    builder.Add(i, types[i], offset, lengths.back());
    offset += lengths.back();
  }
  job::Position next = 0;
  std::uint64_t at = 0;
  for (const job::Segment& segment : builder.Finish()) {
    RC_ASSERT(segment.first == next);
    RC_ASSERT(segment.offset == at);
    RC_ASSERT(segment.count > 0U);
    RC_ASSERT(segment.count == 1U || segment.length <= job::kMaxSegmentBytes);
    RC_ASSERT(segment.count <= job::kMaxSegmentToons);
    for (std::uint32_t i = 0; i < segment.count; ++i) {
      RC_ASSERT(job::WorkClassOf(types[next + i]) == segment.work_class);
    }
    next += segment.count;
    at += segment.length;
  }
  RC_ASSERT(next == types.size());
  RC_ASSERT(at == offset);
}

std::vector<std::uint32_t> Indexes(const Piece& piece) {
  if (!piece.only.empty()) return piece.only;
  std::vector<std::uint32_t> all(piece.segment.count);
  std::iota(all.begin(), all.end(), 0U);
  return all;
}

RC_GTEST_PROP(Split, HalvesTogetherAreTheWhole, ()) {
  Piece piece{.segment = {.first = 7, .count = *rc::gen::inRange<std::uint32_t>(2, 300)}};
  if (*rc::gen::arbitrary<bool>()) {
    for (std::uint32_t i = 0; i < piece.segment.count; i += 2) piece.only.push_back(i);
    if (piece.only.size() < 2) piece.only = {0, 1};
  }
  const auto whole = Indexes(piece);
  const auto [first, second] = Halve(piece);
  auto both = Indexes(first);
  const auto rest = Indexes(second);
  RC_ASSERT(!both.empty());
  RC_ASSERT(!rest.empty());
  both.insert(both.end(), rest.begin(), rest.end());
  RC_ASSERT(both == whole);
}

TEST(Split, SingleToonsKeepTheirByteRanges) {
  const Piece piece{.segment = {.first = 10, .count = 3, .offset = 100, .length = 60}};
  const auto pieces = PerToon(piece, {10, 30, 60});
  ASSERT_EQ(pieces.size(), 3U);
  EXPECT_EQ(pieces[1].segment, (job::Segment{.first = 11, .count = 1, .offset = 110, .length = 20}));
  EXPECT_EQ(pieces[2].segment, (job::Segment{.first = 12, .count = 1, .offset = 130, .length = 30}));
}

TEST(Split, SmallWorkIsNotShared) {
  EXPECT_EQ(SharesOf({.segment = {.count = 10, .length = 1000, .work_class = "data"}}, 8), 1U);
  EXPECT_EQ(SharesOf({.segment = {.count = 1000, .length = 1000, .work_class = "data"}}, 8), 8U);
  EXPECT_EQ(SharesOf({.segment = {.count = 3, .length = 900'000, .work_class = "data"}}, 8), 3U);
  EXPECT_EQ(SharesOf({.segment = {.count = 8, .length = 1000, .work_class = "image"}}, 2), 2U);
}

}  // namespace
}  // namespace flow
