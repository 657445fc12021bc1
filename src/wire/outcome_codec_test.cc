#include "wire/outcome_codec.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "wire/bytes.h"
#include "wire/generators.h"

namespace wire {
namespace {

// The example of docs/formats/outcome.md: stored rows must decode for ever.
job::Outcome Example() {
  job::Outcome outcome{.position = 300, .state = job::ToonState::kSucceeded};
  outcome.toon_id = job::ToonId("mouse-1");
  outcome.type = "message";
  outcome.result_json = R"({"ok":true})";
  outcome.sha256 = base::Sha256Of("abc");
  outcome.source_bytes = 1024;
  outcome.duration = std::chrono::microseconds(150);
  outcome.attempts = 2;
  outcome.processed_at = base::FromUnixMicros(1'700'000'000'000'000);
  outcome.reused = true;
  outcome.artifacts = {{.name = "a.csv", .content_type = "text/csv", .bytes = 5, .sha256 = base::Sha256Of("a")}};
  outcome.perceptual = "ff00";
  return outcome;
}
constexpr std::string_view kExampleHex =
    "01012bac02076d6f7573652d31076d6573736167650b7b226f6b223a747275657d8008ac02028080f28183898506"
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    "0105612e63737608746578742f63737605"
    "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
    "0466663030";

TEST(OutcomeCodec, WritesTheDocumentedBytes) {
  std::string row;
  EncodeOutcome(Example(), row);
  EXPECT_EQ(base::ToHex(row), kExampleHex);
}

TEST(OutcomeCodec, ReadsTheDocumentedBytes) {
  const auto row = base::FromHex(kExampleHex);
  ASSERT_TRUE(row.has_value());
  const auto outcome = DecodeOutcome(*row);
  ASSERT_TRUE(outcome.has_value()) << outcome.error().message;
  EXPECT_EQ(*outcome, Example());
}

TEST(OutcomeCodec, RefusesEveryTruncationAndAnyTrailingByte) {
  std::string row;
  EncodeOutcome(Example(), row);
  for (std::size_t size = 0; size < row.size(); ++size) {
    const auto result = DecodeOutcome(std::string_view(row).substr(0, size));
    ASSERT_FALSE(result.has_value()) << size;
    EXPECT_EQ(result.error().code, base::Code::kCorrupt);
  }
  EXPECT_FALSE(DecodeOutcome(row + '\0').has_value());
}

TEST(OutcomeCodec, RefusesUnknownVersionsStatesAndFlags) {
  std::string row;
  EncodeOutcome(Example(), row);
  for (const std::size_t at : {0U, 1U, 2U}) {
    std::string bad = row;
    bad[at] = '\x7f';
    EXPECT_FALSE(DecodeOutcome(bad).has_value()) << at;
    EXPECT_FALSE(PeekOutcome(bad).has_value()) << at;
  }
}

RC_GTEST_PROP(OutcomeCodec, DecodesWhatItEncodes, ()) {
  const job::Outcome outcome = *AnyOutcome();
  std::string row = "before";
  EncodeOutcome(outcome, row);
  const auto decoded = DecodeOutcome(std::string_view(row).substr(6));
  RC_ASSERT(decoded.has_value());
  RC_ASSERT(*decoded == outcome);
}

RC_GTEST_PROP(OutcomeCodec, PeeksWhatItEncodes, ()) {
  const job::Outcome outcome = *AnyOutcome();
  const ports::OutcomeRow row = ToRow(outcome);
  const auto head = PeekOutcome(row.row);
  RC_ASSERT(head.has_value());
  RC_ASSERT(head->position == outcome.position && row.position == outcome.position);
  RC_ASSERT(head->state == outcome.state && row.state == outcome.state);
  RC_ASSERT(head->has_references == (!outcome.artifacts.empty() || outcome.reuse_key.has_value()));
  RC_ASSERT(row.has_references == head->has_references);
}

// What decodes is canonical: no two byte sequences stand for one outcome.
RC_GTEST_PROP(OutcomeCodec, SurvivesFlippedBits, ()) {
  std::string row;
  EncodeOutcome(*AnyOutcome(), row);
  const auto at = *rc::gen::inRange<std::size_t>(0, row.size());
  row[at] = static_cast<char>(row[at] ^ *rc::gen::inRange(1, 256));
  if (const auto decoded = DecodeOutcome(row)) {
    std::string again;
    EncodeOutcome(*decoded, again);
    RC_ASSERT(again == row);
  }
}

RC_GTEST_PROP(OutcomeCodec, SurvivesRandomBytes, (const std::string& bytes)) {
  (void)DecodeOutcome(bytes);
  (void)DecodeOutcome(std::string("\x01\x01\x3f", 3) + bytes);
}

TEST(ByteReader, AcceptsOnlyTheShortestVarint) {
  EXPECT_EQ(ByteReader("\x7f").Varint(), 127U);
  const std::string max = "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01";
  EXPECT_EQ(ByteReader(max).Varint(), UINT64_MAX);
  for (const std::string& bad : {std::string("\x80\x00", 2), std::string("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"),
                                 std::string(11, '\x80'), std::string("\x80")}) {
    ByteReader in(bad);
    (void)in.Varint();
    EXPECT_FALSE(in.ok()) << base::ToHex(bad);
  }
}

}  // namespace
}  // namespace wire
