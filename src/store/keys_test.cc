#include "store/keys.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace store {
namespace {

const job::TenantId kAna{"ana"};
const job::JobKey kJob{.tenant = kAna, .job = job::JobId("j1")};

std::string Hex(const std::string& key) {
  return base::ToHex(key);
}
base::Sha256 Ones() {
  base::Sha256 hash{};
  hash.fill(0x11);
  return hash;
}
const std::string kOnes(64, '1');

// docs/formats/store.md: a change here is a new format.
TEST(Keys, HaveTheirGoldenBytes) {
  const base::TimePoint time = base::FromUnixMicros(0x0102030405060708);
  EXPECT_EQ(FormatKey(), "Mformat");
  EXPECT_EQ(SequenceKey(), "Msequence");
  EXPECT_EQ(Hex(JobIndexKey(kJob)), "690003616e616a31");
  EXPECT_EQ(Hex(IdempotencyKey(kAna, "k")), "6b0003616e616b");
  EXPECT_EQ(Hex(SpecKey(0x0A)), "6a000000000000000a");
  EXPECT_EQ(Hex(StateKey(0x0A)), "73000000000000000a");
  EXPECT_EQ(Hex(AggregateKey(0x0A, "sum")), "61000000000000000a73756d");
  EXPECT_EQ(Hex(NoteKey(0x0A, 2, 0x0304)), "6e000000000000000a000000020000000000000304");
  EXPECT_EQ(Hex(ListKey(kAna, time, "j1")), "740003616e6181020304050607086a31");
  EXPECT_EQ(Hex(UnfinishedKey(time, 0x0A)), "758102030405060708000000000000000a");
  EXPECT_EQ(Hex(ExpiryKey(ExpiryKind::kOwnRetention, time, 0x0A)), "658102030405060708000000000000000a");
  EXPECT_EQ(Hex(ExpiryKey(ExpiryKind::kDefaultRetention, time, 0x0A)), "648102030405060708000000000000000a");
  EXPECT_EQ(Hex(PlanKey("m/1", 2, 3)), "7000036d2f310000000200000003");
  EXPECT_EQ(Hex(UploadKey(kAna, Ones())), "550003616e61" + kOnes);
  EXPECT_EQ(Hex(TieKey(kJob, Ones())), "540003616e61" + kOnes + "6a31");
  EXPECT_EQ(Hex(JobTieKey(kJob, Ones())), "560003616e6100026a31" + kOnes);
  EXPECT_EQ(Hex(ArtifactKey(kAna, Ones(), 0x0A)), "410003616e61" + kOnes + "000000000000000a");
  EXPECT_EQ(Hex(JobArtifactKey(0x0A, Ones())), "72000000000000000a" + kOnes);
  EXPECT_EQ(Hex(ReuseKey(kAna, Ones())), "520003616e61" + kOnes);
  EXPECT_EQ(Hex(JobReuseKey(0x0A, Ones())), "71000000000000000a" + kOnes);
  EXPECT_EQ(Hex(QuarantineRowKey(kAna, {.sha256 = Ones(), .type = "image"})), "510003616e61" + kOnes + "696d616765");
  EXPECT_EQ(Hex(QuarantineCountKey(kAna)), "430003616e61");
  EXPECT_EQ(OutboxKey("00ff"), "x00ff");
  EXPECT_EQ(Hex(OutcomeKey(0x0A, 2, 0x0304)), "000000000000000a000000020000000000000304");
}

RC_GTEST_PROP(Keys, OfOutcomesSortAsTheirNumbers, ()) {
  const auto a = *rc::gen::arbitrary<std::tuple<Uid, job::Generation, job::Position>>();
  const auto b = *rc::gen::arbitrary<std::tuple<Uid, job::Generation, job::Position>>();
  const auto key = [](const auto& part) { return std::apply(OutcomeKey, part); };
  RC_ASSERT((a < b) == (key(a) < key(b)));
  RC_ASSERT(PositionOf(key(a)) == std::get<2>(a));
}

RC_GTEST_PROP(Keys, OfListsSortByTimeThenId, (std::int64_t a, std::int64_t b)) {
  const auto key = [](std::int64_t micros) { return ListKey(kAna, base::FromUnixMicros(micros), "j"); };
  RC_ASSERT((a < b) == (key(a) < key(b)));
}

RC_GTEST_PROP(Keys, OfOneTenantNeverLieInTheRangeOfAnother, (std::string a, std::string b, std::string job)) {
  RC_PRE(a != b);
  const std::string prefix = ListPrefix(job::TenantId(a));
  RC_ASSERT(!ListKey(job::TenantId(b), base::FromUnixMicros(1), job).starts_with(prefix));
}

TEST(Keys, TheEndOfAPrefixIsPastAllItsKeys) {
  EXPECT_EQ(AfterPrefix("ab"), "ac");
  EXPECT_EQ(AfterPrefix(std::string("a\xFF\xFF")), "b");
  EXPECT_EQ(AfterPrefix(std::string("\xFE")), "\xFF");
}

}  // namespace
}  // namespace store
