#include <algorithm>
#include <utility>

#include "contract/homes.h"
#include "contract/samples.h"
#include "job/limits.h"
#include "ports/quarantine.h"

namespace contract {
namespace {

class QuarantineStoreContract : public StoreContract {
 protected:
  void SetUp() override { Make(one); }
  ports::QuarantineStore& quarantine() { return home->quarantine(); }
  void Make(const job::JobKey& key) { ASSERT_TRUE(home->jobs().Create(RunningJob(key, 100'000)).has_value()); }
  static job::QuarantineKey KeyOfBytes(std::string_view content, std::string type = "image") {
    return {.sha256 = Hash(content), .type = std::move(type)};
  }
  static job::Quarantined Entry(std::string_view content, std::string type = "image") {
    return {.bytes = KeyOfBytes(content, std::move(type)),
            .error = {.code = "memory-limit", .message = "it wanted 9 GB"},
            .job = job::JobId("one"),
            .toon = job::ToonId("bomb.gif"),
            .at = At(7)};
  }
  // The next position of the job fails, with these entries in its commit.
  base::Result<ports::RecordAnswer> Record(const job::JobKey& key, std::vector<job::Quarantined> entries) {
    return home->outcomes().Record({.key = key,
                                    .outcomes = {wire::ToRow(FailureAt(position++))},
                                    .partials = {},
                                    .quarantined = std::move(entries)});
  }
  std::uint64_t Added(const job::JobKey& key, std::vector<job::Quarantined> entries) {
    const auto answer = Record(key, std::move(entries));
    EXPECT_TRUE(answer.has_value()) << (answer ? "" : answer.error().message);
    return answer ? answer->quarantined : 0;
  }
  std::vector<job::Quarantined> All(const char* tenant = "ana") {
    const auto page = quarantine().List(job::TenantId(tenant), std::nullopt, 100'000);
    EXPECT_TRUE(page.has_value());
    EXPECT_FALSE(page->more);
    return page->entries;
  }
  bool Any(std::string_view work_class, const char* tenant = "ana") {
    const auto any = quarantine().Any(job::TenantId(tenant), work_class);
    EXPECT_TRUE(any.has_value());
    return any.value_or(false);
  }
  job::Position position = 0;
  const job::TenantId ana{"ana"};
  const job::JobKey one = KeyOf("ana", "one");
};
UT_OVER_ALL_STORES(QuarantineStoreContract);

TEST_P(QuarantineStoreContract, BytesAreFoundByHashAndTypeOfTheirTenantOnly) {
  EXPECT_EQ(Added(one, {Entry("bomb")}), 1U);
  home->Reopen();
  const auto found = quarantine().Find(ana, {KeyOfBytes("other"), KeyOfBytes("bomb"), KeyOfBytes("bomb", "binary")});
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(*found, (std::vector<std::optional<job::Quarantined>>{std::nullopt, Entry("bomb"), std::nullopt}));
  EXPECT_EQ(quarantine().Find(job::TenantId("eva"), {KeyOfBytes("bomb")})->front(), std::nullopt);
  EXPECT_TRUE(All("eva").empty());
  EXPECT_TRUE(quarantine().Find(ana, {})->empty());
}

TEST_P(QuarantineStoreContract, AnyKnowsTheWorkClass) {
  EXPECT_FALSE(Any("media"));
  Added(one, {Entry("a", "audio"), Entry("a", "my-type")});
  home->Reopen();
  EXPECT_TRUE(Any("media"));
  EXPECT_TRUE(Any("my-type"));
  EXPECT_FALSE(Any("image"));
  EXPECT_FALSE(Any("media", "eva"));
}

TEST_P(QuarantineStoreContract, PagesAreTheWholeInOneOrder) {
  std::vector<job::Quarantined> entries;
  for (int i = 0; i < 7; ++i) {
    entries.push_back(Entry(std::to_string(i), "image"));
    entries.push_back(Entry(std::to_string(i), "video"));
    Added(one, {entries.end() - 2, entries.end()});
  }
  std::ranges::sort(entries, {}, &job::Quarantined::bytes);
  EXPECT_EQ(All(), entries);
  for (const std::size_t limit : {1U, 3U, 7U, 14U}) {
    std::vector<job::Quarantined> paged;
    std::optional<job::QuarantineKey> after;
    for (bool more = true; more;) {
      const auto page = quarantine().List(ana, after, limit);
      ASSERT_TRUE(page.has_value());
      ASSERT_FALSE(page->entries.empty());
      ASSERT_LE(page->entries.size(), limit);
      std::ranges::copy(page->entries, std::back_inserter(paged));
      after = paged.back().bytes;
      more = page->more;
    }
    EXPECT_EQ(paged, entries) << limit;
  }
}

TEST_P(QuarantineStoreContract, ReleasedBytesAreGoneAsEveryType) {
  Added(one, {Entry("bomb", "image"), Entry("bomb", "video"), Entry("other", "image")});
  EXPECT_EQ(*quarantine().Release(job::TenantId("eva"), Hash("bomb")), 0U);
  EXPECT_EQ(*quarantine().Release(ana, Hash("nothing")), 0U);
  EXPECT_EQ(*quarantine().Release(ana, Hash("bomb")), 2U);
  home->Reopen();
  EXPECT_EQ(All(), (std::vector{Entry("other", "image")}));
  EXPECT_TRUE(Any("image"));
  EXPECT_FALSE(Any("media"));
  EXPECT_EQ(*quarantine().Release(ana, Hash("bomb")), 0U) << "it is released already";
  EXPECT_EQ(*quarantine().Release(ana, Hash("other")), 1U);
  EXPECT_FALSE(Any("image"));
  EXPECT_EQ(Added(one, {Entry("bomb", "image")}), 1U) << "it may come back";
  EXPECT_TRUE(Any("image"));
}

TEST_P(QuarantineStoreContract, BytesThatAreThereAlreadyAreOverwrittenAndNotCountedAgain) {
  Added(one, {Entry("bomb")});
  job::Quarantined later = Entry("bomb");
  later.error.code = "cpu-limit";
  later.job = job::JobId("two");
  EXPECT_EQ(Added(one, {later}), 0U);
  EXPECT_EQ(All(), std::vector{later});
  EXPECT_EQ(*quarantine().Release(ana, Hash("bomb")), 1U);
  EXPECT_FALSE(Any("image"));
}

TEST_P(QuarantineStoreContract, ACommitThatIsRefusedQuarantinesNothing) {
  Added(one, {});
  ports::RecordCommit again{.key = one, .outcomes = {wire::ToRow(FailureAt(0))}, .quarantined = {Entry("bomb")}};
  EXPECT_EQ(home->outcomes().Record(again)->already_recorded.size(), 1U);
  again.generation = 2;
  EXPECT_EQ(home->outcomes().Record(again).error().code, base::Code::kConflict);
  again.key = KeyOf("ana", "gone");
  EXPECT_EQ(home->outcomes().Record(again).error().code, base::Code::kNotFound);
  EXPECT_TRUE(All().empty());
  EXPECT_FALSE(Any("image"));
}

TEST_P(QuarantineStoreContract, BytesOutliveTheirJob) {
  Added(one, {Entry("bomb")});
  ASSERT_TRUE(DeleteNow(home->jobs(), one).has_value());
  EXPECT_EQ(All(), std::vector{Entry("bomb")});
}

TEST_P(QuarantineStoreContract, AFullQuarantineTakesNoFurtherBytes) {
  constexpr std::size_t kAtOnce = 50;  // a commit has room for 100 items
  for (std::uint64_t i = 0; i < job::kMaxQuarantinedPerTenant; i += kAtOnce) {
    std::vector<job::Quarantined> entries;
    for (std::uint64_t j = 0; j < kAtOnce; ++j) entries.push_back(Entry(std::to_string(i + j)));
    ASSERT_EQ(Added(one, std::move(entries)), kAtOnce);
  }
  job::Quarantined known = Entry("0");
  known.error.code = "timeout";
  EXPECT_EQ(Added(one, {Entry("one more"), known}), 0U);
  EXPECT_EQ(quarantine().Find(ana, {KeyOfBytes("one more")})->front(), std::nullopt);
  EXPECT_EQ(quarantine().Find(ana, {KeyOfBytes("0")})->front(), known);
  EXPECT_EQ(*quarantine().Release(ana, Hash("7")), 1U);
  EXPECT_EQ(Added(one, {Entry("one more"), Entry("two more")}), 1U);
  EXPECT_EQ(All().size(), job::kMaxQuarantinedPerTenant);
  const job::JobKey theirs = KeyOf("eva", "one");
  Make(theirs);
  EXPECT_EQ(Added(theirs, {Entry("bomb")}), 1U) << "per tenant";
}

}  // namespace
}  // namespace contract
