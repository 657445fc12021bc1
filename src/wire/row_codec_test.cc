#include "wire/row_codec.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace wire {
namespace {

base::Sha256 Ones() {
  base::Sha256 hash{};
  hash.fill(0x11);
  return hash;
}
const std::string kOnes(64, '1');
base::TimePoint Micros(std::int64_t micros) {
  return base::FromUnixMicros(micros);
}

SpecRow FullSpec() {
  SpecRow row;
  row.spec.key = {.tenant = job::TenantId("ana"), .job = job::JobId("j1")};
  row.spec.payload_sha256 = Ones();
  row.spec.manifest = {.blob = "m", .bytes = 300};
  row.spec.manifest_uploaded = true;
  row.spec.reducers = {{.name = "t", .params_json = "{}"}};
  row.spec.tolerance = {.failed_percent = 1.5, .failed_count = 2};
  row.spec.priority = -1;
  row.spec.chunking = job::Chunking::kPerToon;
  row.spec.reuse = job::ReusePolicy::kNever;
  row.spec.submitted_at = Micros(64);
  row.spec.retention = std::chrono::seconds(5);
  row.spec.traceparent = "00";
  row.idempotency_key = "k";
  return row;
}

StateRow FullState() {
  StateRow row;
  row.state.phase = job::Phase::kEnded;
  row.state.toon_count = 5;
  row.state.generation = 2;
  row.state.scope = 4;
  row.state.carried_succeeded = 1;
  row.state.cancelled = true;
  row.state.started_at = Micros(1);
  row.state.completed_at = Micros(2);
  row.state.updated_at = Micros(3);
  row.state.reason = "r";
  row.state.problems = {{.pointer = "/a", .detail = "b"}};
  row.state.reduced = {{.reducer = "s",
                        .artifacts = {{.name = "n", .content_type = "c", .bytes = 6, .sha256 = Ones()}},
                        .error = job::ToonError{.code = "e", .message = "f"}}};
  row.state.version = 7;
  row.counters = {.succeeded = 8, .failed = 9};
  return row;
}

const ports::OutboxEvent kEvent{
    .id = "01", .type = "T", .key = {.tenant = job::TenantId("a"), .job = job::JobId("j")}, .body_json = "{}"};
const job::Quarantined kQuarantined{.bytes = {.sha256 = Ones(), .type = "image"},
                                    .error = {.code = "c", .message = "m"},
                                    .job = job::JobId("j"),
                                    .toon = job::ToonId("t"),
                                    .at = Micros(64)};
const job::RetryNote kNote{
    .position = 9, .attempts = 2, .not_before = Micros(-1), .last_error = {.code = "c", .message = "m"}};

// docs/formats/store.md: a change here is a new version of the row.
TEST(RowCodec, RowsHaveTheirGoldenBytes) {
  EXPECT_EQ(base::ToHex(EncodeSpec(FullSpec())), "0103616e61026a31" + kOnes +
                                                     "016dac0201027b7d027b7d010174027b7d"
                                                     "01000000000000f83f"
                                                     "0102010102800101"
                                                     "0a02303001016b");
  EXPECT_EQ(base::ToHex(EncodeState(FullState())),
            "010301050204010101020104060172"
            "01022f610162"
            "01017301016e016306" +
                kOnes + "01016501660708" + "09");
  EXPECT_EQ(base::ToHex(EncodeSegments({{.first = 1, .count = 2, .offset = 3, .length = 128, .work_class = "data"}})),
            "01010102038001"
            "0464617461");
  EXPECT_EQ(base::ToHex(EncodeNote(kNote)), "0102010163016d");
  EXPECT_EQ(base::ToHex(EncodeUpload({.bytes = 5, .content_type = "t", .expires_at = Micros(1), .complete = true})),
            "010501740201");
  EXPECT_EQ(base::ToHex(EncodeArtifact({.name = "n", .content_type = "c", .bytes = 6, .sha256 = Ones()})),
            "01016e016306");
  EXPECT_EQ(base::ToHex(EncodeEvent(kEvent)), "0101540161016a027b7d");
  EXPECT_EQ(base::ToHex(EncodeQuarantined(kQuarantined)), "010163016d016a01748001");
}

TEST(RowCodec, ComeBackAsTheyWere) {
  EXPECT_EQ(DecodeSpec(EncodeSpec(FullSpec())), FullSpec());
  EXPECT_EQ(DecodeSpec(EncodeSpec({})), SpecRow{});
  EXPECT_EQ(DecodeState(EncodeState(FullState())), FullState());
  EXPECT_EQ(DecodeState(EncodeState({})), StateRow{});
  EXPECT_EQ(DecodeNote(9, EncodeNote(kNote)), kNote);
  EXPECT_EQ(DecodeEvent("01", EncodeEvent(kEvent)), kEvent);
  EXPECT_EQ(DecodeQuarantined(kQuarantined.bytes, EncodeQuarantined(kQuarantined)), kQuarantined);
}

TEST(RowCodec, OfAPriorityPast32BitsAreCorrupt) {
  SpecRow spec = FullSpec();
  spec.spec.priority = INT32_MAX;
  std::string bytes = EncodeSpec(spec);
  const std::string greatest = "\xfe\xff\xff\xff\x0f";  // as a zigzag varint
  ASSERT_NE(bytes.find(greatest), std::string::npos);
  ASSERT_TRUE(DecodeSpec(bytes).has_value());
  bytes.replace(bytes.find(greatest), greatest.size(), "\xfe\xff\xff\xff\x1f");
  const auto decoded = DecodeSpec(bytes);
  ASSERT_FALSE(decoded.has_value());
  EXPECT_EQ(decoded.error().code, base::Code::kCorrupt);
}

TEST(RowCodec, OfAnotherVersionAreRefusedByName) {
  std::string row = EncodeSpec(FullSpec());
  row.front() = 2;
  const auto decoded = DecodeSpec(row);
  ASSERT_FALSE(decoded.has_value());
  EXPECT_EQ(decoded.error().code, base::Code::kCorrupt);
  EXPECT_EQ(decoded.error().message, "a stored job has version 2, this build reads 1");
}

TEST(RowCodec, CutOrLengthenedAreCorrupt) {
  const auto check = [](const std::string& row, auto decode) {
    for (std::size_t size = 0; size < row.size(); ++size) {
      EXPECT_EQ(decode(row.substr(0, size)).error().code, base::Code::kCorrupt) << size;
    }
    EXPECT_EQ(decode(row + "x").error().code, base::Code::kCorrupt);
  };
  check(EncodeSpec(FullSpec()), DecodeSpec);
  check(EncodeState(FullState()), DecodeState);
  check(EncodeSegments({{.first = 1, .count = 2, .offset = 3, .length = 4, .work_class = "d"}}), DecodeSegments);
  check(EncodeQuarantined(kQuarantined),
        [](const std::string& row) { return DecodeQuarantined(kQuarantined.bytes, row); });
  check(EncodeNote(kNote), [](const std::string& row) { return DecodeNote(9, row); });
}

RC_GTEST_PROP(RowCodec, OfAnyBytesNeitherCrashNorGuess, (std::string bytes)) {
  bytes.insert(bytes.begin(), 1);
  // What decodes encodes to the very same bytes.
  if (const auto spec = DecodeSpec(bytes)) RC_ASSERT(EncodeSpec(*spec) == bytes);
  if (const auto state = DecodeState(bytes)) RC_ASSERT(EncodeState(*state) == bytes);
  if (const auto segments = DecodeSegments(bytes)) RC_ASSERT(EncodeSegments(*segments) == bytes);
}

TEST(RowCodec, OfOutcomesCarryTwoFlagsAndNoOthers) {
  const ports::OutcomeRow row{
      .position = 4, .state = job::ToonState::kSucceeded, .has_references = true, .row = "bytes"};
  const std::string value = OutcomeFlags(row) + row.row;
  EXPECT_EQ(value.front(), 3);
  EXPECT_EQ(DecodeOutcomeRow(4, value), row);
  EXPECT_EQ(DecodeOutcomeRow(4, "\x04row").error().code, base::Code::kCorrupt);
  EXPECT_EQ(DecodeOutcomeRow(4, "").error().code, base::Code::kCorrupt);
}

}  // namespace
}  // namespace wire
