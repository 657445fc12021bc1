#include <functional>
#include <memory>
#include <set>

#include "contract/blob_homes.h"
#include "contract/temp_dir.h"

namespace contract {
namespace {

class BlobStoreContract : public testing::TestWithParam<BlobParam> {
 protected:
  std::string ReadAll(std::string_view at) {
    std::string out = "what was there before";
    EXPECT_TRUE(blobs().Read(at, 0, 1U << 20U, out).has_value());
    return out;
  }
  ports::BlobEntry Listed() {
    std::string cursor;
    return blobs().List(cursor, 10)->at(0);
  }
  ports::BlobStore& blobs() { return *store_; }
  const job::TenantId tenant{"ana"};
  const std::string key = ports::ContentKey(tenant, base::Sha256Of("hello"));

 private:
  TempDir dir_;
  std::unique_ptr<ports::BlobStore> store_ = GetParam().open(dir_.path());
};
TEST_P(BlobStoreContract, PuttingWhatIsThereCountsAsWrittenNow) {
  const auto written_at = [&] { return Listed().written_at; };
  ASSERT_TRUE(blobs().Put({{.key = key, .bytes = "hello"}}).has_value());
  const base::TimePoint first = written_at();
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (written_at() == first && std::chrono::steady_clock::now() < deadline) {
    ASSERT_TRUE(blobs().Put({{.key = key, .bytes = "hello"}}).has_value());
  }
  EXPECT_GT(written_at(), first);
  EXPECT_EQ(ReadAll(key), "hello");
}

INSTANTIATE_TEST_SUITE_P(Blobs, BlobStoreContract, testing::ValuesIn(BlobParams()),
                         [](const testing::TestParamInfo<BlobParam>& info) { return info.param.name; });

TEST_P(BlobStoreContract, KeepsWhatWasPutAndReadsAnyRange) {
  ASSERT_TRUE(blobs().Put({{.key = key, .bytes = "hello"}}).has_value());
  EXPECT_EQ(ReadAll(key), "hello");
  EXPECT_EQ(*blobs().Size(key), 5U);
  std::string out;
  ASSERT_TRUE(blobs().Read(key, 1, 3, out).has_value());
  EXPECT_EQ(out, "ell");
  ASSERT_TRUE(blobs().Read(key, 3, 100, out).has_value());
  EXPECT_EQ(out, "lo") << "cut to the end";
  ASSERT_TRUE(blobs().Read(key, 5, 1, out).has_value());
  EXPECT_EQ(out, "");
  ASSERT_TRUE(blobs().Read(key, 99, 1, out).has_value());
  EXPECT_EQ(out, "");
}

TEST_P(BlobStoreContract, AnAbsentKeyIsSaidToBe) {
  std::string out;
  EXPECT_EQ(blobs().Read(key, 0, 1, out).error().code, base::Code::kNotFound);
  EXPECT_EQ(*blobs().Size(key), std::nullopt);
  EXPECT_TRUE(blobs().Remove(key).has_value());
}

TEST_P(BlobStoreContract, NothingIsVisibleBeforeTheCommit) {
  auto writer = blobs().NewWriter();
  ASSERT_TRUE(writer.has_value());
  ASSERT_TRUE((*writer)->Append("hel").has_value());
  ASSERT_TRUE((*writer)->Append("").has_value());
  EXPECT_EQ(*blobs().Size(key), std::nullopt);
  ASSERT_TRUE((*writer)->Append("lo").has_value());
  ASSERT_TRUE((*writer)->Commit(key).has_value());
  EXPECT_EQ(ReadAll(key), "hello");
}

TEST_P(BlobStoreContract, AWriterWithoutCommitLeavesNothing) {
  {
    auto writer = blobs().NewWriter();
    ASSERT_TRUE(writer.has_value());
    ASSERT_TRUE((*writer)->Append("hello").has_value());
  }
  std::string cursor;
  EXPECT_TRUE(blobs().List(cursor, 10)->empty());
}

TEST_P(BlobStoreContract, CommittingEqualContentAgainIsHarmless) {
  for (int i = 0; i < 2; ++i) {
    auto writer = blobs().NewWriter();
    ASSERT_TRUE((*writer)->Append("hello").has_value());
    ASSERT_TRUE((*writer)->Commit(key).has_value());
    ASSERT_TRUE(blobs().Put({{.key = key, .bytes = "hello"}}).has_value());
  }
  EXPECT_EQ(ReadAll(key), "hello");
}

TEST_P(BlobStoreContract, AnEmptyBlobIsABlob) {
  ASSERT_TRUE(blobs().Put({{.key = key, .bytes = ""}}).has_value());
  EXPECT_EQ(*blobs().Size(key), 0U);
  EXPECT_EQ(ReadAll(key), "");
}

TEST_P(BlobStoreContract, ARemovedBlobIsGone) {
  ASSERT_TRUE(blobs().Put({{.key = key, .bytes = "hello"}}).has_value());
  ASSERT_TRUE(blobs().Remove(key).has_value());
  EXPECT_EQ(*blobs().Size(key), std::nullopt);
}

TEST_P(BlobStoreContract, WhatIsAsListedIsRemovedAndAnAbsentKeyIsGoneAlready) {
  ASSERT_TRUE(blobs().Put({{.key = key, .bytes = "hello"}}).has_value());
  const ports::BlobEntry listed = Listed();
  EXPECT_EQ(blobs().RemoveUnlessWritten(listed).value(), ports::Removal::kGone);
  EXPECT_EQ(*blobs().Size(key), std::nullopt);
  EXPECT_EQ(blobs().RemoveUnlessWritten(listed).value(), ports::Removal::kGone);
  const ports::BlobEntry never{.key = ports::ContentKey(job::TenantId("eva"), base::Sha256Of("x"))};
  EXPECT_EQ(blobs().RemoveUnlessWritten(never).value(), ports::Removal::kGone);
}

TEST_P(BlobStoreContract, WhatWasPutOrCommittedSinceItWasListedIsKept) {
  const auto put = [&] { return blobs().Put({{.key = key, .bytes = "hello"}}); };
  const auto commit = [&]() -> base::Status {
    UT_TRY_ASSIGN(auto writer, blobs().NewWriter());
    UT_TRY(writer->Append("hello"));
    return writer->Commit(key);
  };
  ASSERT_TRUE(put().has_value());
  for (const std::function<base::Status()>& write : {std::function<base::Status()>(put), {commit}}) {
    const ports::BlobEntry listed = Listed();
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    do {
      ASSERT_TRUE(write().has_value());
    } while (Listed().written_at == listed.written_at && std::chrono::steady_clock::now() < deadline);
    EXPECT_EQ(blobs().RemoveUnlessWritten(listed).value(), ports::Removal::kKept);
    EXPECT_EQ(ReadAll(key), "hello");
  }
}

TEST_P(BlobStoreContract, ListsEveryKeyOnceInPages) {
  std::set<std::string> expected;
  std::vector<ports::BlobToPut> blobs_to_put;
  for (int i = 0; i < 25; ++i) {
    const std::string bytes = std::to_string(i);
    const std::string at = i % 5 == 0
                               ? ports::ManifestKey(job::TenantId("t" + bytes), bytes)
                               : ports::ContentKey(job::TenantId("t" + std::to_string(i % 3)), base::Sha256Of(bytes));
    expected.insert(at);
    blobs_to_put.push_back({.key = at, .bytes = "twelve bytes"});
  }
  ASSERT_TRUE(blobs().Put(blobs_to_put).has_value());
  for (const std::size_t limit : {1U, 7U, 25U, 100U}) {
    std::multiset<std::string> listed;
    std::string cursor;
    do {
      const auto page = blobs().List(cursor, limit);
      ASSERT_TRUE(page.has_value());
      EXPECT_LE(page->size(), limit);
      for (const ports::BlobEntry& entry : *page) {
        listed.insert(entry.key);
        EXPECT_EQ(entry.bytes, 12U);
        EXPECT_GT(base::UnixMicros(entry.written_at), 0);
      }
    } while (!cursor.empty() && listed.size() <= expected.size());
    EXPECT_EQ(std::set<std::string>(listed.begin(), listed.end()), expected);
    EXPECT_EQ(listed.size(), expected.size());
  }
}

}  // namespace
}  // namespace contract
