// The S3 client and what only the S3 store does, against moto.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "aws/moto.h"
#include "aws/s3.h"
#include "aws/s3_blobs.h"
#include "http/client.h"

namespace aws {
namespace {

using base::Code;
using std::chrono_literals::operator""s;

class S3Test : public ::testing::Test {
 protected:
  testing::Moto moto;
  std::string name = moto.NewBucket();
  S3Bucket bucket{moto.caller(), name};
  const job::TenantId tenant{"ana"};
};

TEST_F(S3Test, KeysOfEveryKindComeBackAsTheyWent) {
  const std::vector<std::string> keys{"a b/c",  "a+b", "a//b", "a&b<c>\"d'", "percent%41", "\xc3\xb1/\xe2\x98\x82",
                                      "q?x=1#y"};
  for (const std::string& key : keys) {
    const auto put = bucket.Put(key, key);
    ASSERT_TRUE(put.has_value()) << key << ": " << put.error().message;
    EXPECT_EQ(bucket.GetRange(key, 0, 1000).value_or("none"), key);
  }
  const auto page = bucket.List("", "", 1000);
  ASSERT_TRUE(page.has_value()) << page.error().message;
  std::vector<std::string> listed;
  for (const ListedObject& object : page->objects) listed.push_back(object.key);
  EXPECT_THAT(listed, ::testing::UnorderedElementsAreArray(keys));
  std::vector<ObjectId> ids;
  for (const std::string& key : keys) ids.push_back({.key = key});
  const auto deleted = bucket.DeleteMany(ids);
  ASSERT_TRUE(deleted.has_value()) << deleted.error().message;
  EXPECT_TRUE(bucket.List("", "", 1000)->objects.empty());
}

TEST_F(S3Test, AConditionalPutIsDoneOnce) {
  ASSERT_TRUE(bucket.Put("k", "first", PutCondition::kIfAbsent).has_value());
  const auto second = bucket.Put("k", "second", PutCondition::kIfAbsent);
  EXPECT_EQ(second.error().code, Code::kConflict);
  EXPECT_EQ(second.error().reason, "PreconditionFailed");
  EXPECT_EQ(*bucket.GetRange("k", 0, 100), "first");
}

TEST_F(S3Test, AbsentThingsAreSaidToBe) {
  EXPECT_EQ(bucket.GetRange("none", 0, 1).error().code, Code::kNotFound);
  EXPECT_EQ(*bucket.Head("none"), std::nullopt);
  EXPECT_TRUE(bucket.Delete({.key = "none"}).has_value());
  S3Bucket no_bucket(moto.caller(), moto.NewName("none-"));
  EXPECT_EQ(no_bucket.Put("k", "v").error().reason, "NoSuchBucket");
  EXPECT_FALSE(no_bucket.Delete({.key = "k"}).has_value()) << "not the same as an absent key";
}

TEST_F(S3Test, ListsInPages) {
  for (int i = 0; i < 7; ++i) ASSERT_TRUE(bucket.Put("p/" + std::to_string(i), "x").has_value());
  ASSERT_TRUE(bucket.Put("q/0", "x").has_value());
  std::vector<std::string> keys;
  std::string next;
  do {
    const auto page = bucket.List("p/", next, 3);
    ASSERT_TRUE(page.has_value()) << page.error().message;
    EXPECT_LE(page->objects.size(), 3U);
    for (const ListedObject& object : page->objects) keys.push_back(object.key);
    next = page->next;
  } while (!next.empty() && keys.size() < 20);
  EXPECT_THAT(keys, ::testing::ElementsAre("p/0", "p/1", "p/2", "p/3", "p/4", "p/5", "p/6"));
}

TEST_F(S3Test, SignedUrlsServeWhoeverHoldsThem) {
  http::Client client;
  const std::string put_url = *bucket.PresignPut("a b", 5, base::Sha256Of("hello"), 60s);
  const http::Headers bound{{"x-amz-checksum-sha256", base::ToBase64(base::View(base::Sha256Of("hello")))}};
  const auto put = client.Send({.method = "PUT", .url = put_url, .headers = bound, .body = "hello"});
  ASSERT_TRUE(put.has_value()) << put.error().message;
  EXPECT_EQ(put->status, 200) << put->body;
  const auto get = client.Send({.url = *bucket.PresignGet("a b", 60s)});
  ASSERT_TRUE(get.has_value()) << get.error().message;
  EXPECT_EQ(get->body, "hello");
}

TEST_F(S3Test, ALargeBlobGoesInPartsAndAnAbandonedOneLeavesNothing) {
  auto blobs = OpenS3Blobs(moto.caller(), moto.random(), {.bucket = name});
  std::string large(kPartBytes + 1'000'000, 'a');
  for (std::size_t i = 0; i < large.size(); i += 997) large[i] = static_cast<char>('b' + i % 20);
  const std::string key = ports::ManifestKey(tenant, "large");
  {
    auto writer = *blobs->NewWriter();
    for (std::size_t at = 0; at < large.size(); at += 777'777) {
      ASSERT_TRUE(writer->Append(std::string_view(large).substr(at, 777'777)).has_value());
    }
    EXPECT_EQ(*blobs->Size(key), std::nullopt);
    const auto committed = writer->Commit(key);
    ASSERT_TRUE(committed.has_value()) << committed.error().message;
  }
  std::string out;
  ASSERT_TRUE(blobs->Read(key, 0, large.size() + 5, out).has_value());
  EXPECT_EQ(base::Sha256Of(out), base::Sha256Of(large));
  {
    auto writer = *blobs->NewWriter();
    ASSERT_TRUE(writer->Append(large).has_value());
  }
  EXPECT_TRUE(bucket.List("tmp/", "", 10)->objects.empty());
  const auto uploads = moto.Must({.service = Service::kS3,
                                  .operation = "ListMultipartUploads",
                                  .method = "GET",
                                  .host_label = name,
                                  .query = {{"uploads", ""}}});
  EXPECT_EQ(uploads.body.find("<Upload>"), std::string::npos) << uploads.body;
}

TEST_F(S3Test, WhatIsPutWhileItIsRemovedStays) {
  auto blobs = OpenS3Blobs(moto.caller(), moto.random(), {.bucket = name});
  const std::string key = ports::ContentKey(tenant, base::Sha256Of("hello"));
  ASSERT_TRUE(blobs->Put({{.key = key, .bytes = "hello"}}).has_value());
  const auto before = bucket.ListVersions(key, "", "", 10);
  ASSERT_TRUE(before.has_value());
  ASSERT_TRUE(blobs->Put({{.key = key, .bytes = "hello"}}).has_value());
  // What a removal that had compared before the second put would do now.
  ASSERT_EQ(before->versions.size(), 1U);
  ASSERT_TRUE(bucket.DeleteMany({{.key = key, .version_id = before->versions[0].version_id}}).has_value());
  EXPECT_EQ(*blobs->Size(key), 5U);
}

TEST_F(S3Test, TwoPutsOfOneSecondAreToldApart) {
  auto blobs = OpenS3Blobs(moto.caller(), moto.random(), {.bucket = name});
  for (int attempt = 0; attempt < 20; ++attempt) {
    const std::string key = ports::ContentKey(tenant, base::Sha256Of(std::to_string(attempt)));
    ASSERT_TRUE(blobs->Put({{.key = key, .bytes = "x"}}).has_value());
    std::string cursor;
    ports::BlobEntry first;
    const auto listed = blobs->List(cursor, 100);
    for (const ports::BlobEntry& entry : *listed) first = entry.key == key ? entry : first;
    ASSERT_TRUE(blobs->Put({{.key = key, .bytes = "x"}}).has_value());
    const auto versions = bucket.ListVersions(key, "", "", 10);
    ASSERT_EQ(versions->versions.size(), 2U);
    if (versions->versions[0].modified_at != versions->versions[1].modified_at) continue;  // the second had just passed
    EXPECT_EQ(blobs->RemoveUnlessWritten(first).value(), ports::Removal::kKept);
    EXPECT_EQ(*blobs->Size(key), 1U);
    return;
  }
  FAIL() << "no two puts fell into one second";
}

TEST_F(S3Test, ABlobThatWasPutOftenIsListedOnceAndRemovedWhole) {
  auto blobs = OpenS3Blobs(moto.caller(), moto.random(), {.bucket = name});
  const std::string often = ports::ContentKey(tenant, base::Sha256Of("often"));
  const std::string once = ports::ContentKey(tenant, base::Sha256Of("once"));
  for (int i = 0; i < 25; ++i) ASSERT_TRUE(blobs->Put({{.key = often, .bytes = "often"}}).has_value());
  ASSERT_TRUE(blobs->Put({{.key = once, .bytes = "once"}}).has_value());
  ASSERT_TRUE(blobs->Remove(once).has_value());
  std::string cursor;
  std::vector<ports::BlobEntry> entries;
  do {
    const auto page = blobs->List(cursor, 1);  // more versions than a page of S3's answers holds
    ASSERT_TRUE(page.has_value()) << page.error().message;
    entries.insert(entries.end(), page->begin(), page->end());
  } while (!cursor.empty() && entries.size() < 10);
  ASSERT_EQ(entries.size(), 1U) << "and the one under a delete marker is not there";
  EXPECT_EQ(entries[0].key, often);
  EXPECT_EQ(blobs->RemoveUnlessWritten(entries[0]).value(), ports::Removal::kGone);
  EXPECT_EQ(*blobs->Size(often), std::nullopt) << "no older version came up";
}

TEST_F(S3Test, WithoutVersionsNothingIsRemovedOnAGuess) {
  moto.Must({.service = Service::kS3,
             .operation = "PutBucketVersioning",
             .method = "PUT",
             .host_label = name,
             .query = {{"versioning", ""}},
             .body = "<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>"});
  auto blobs = OpenS3Blobs(moto.caller(), moto.random(), {.bucket = name});
  const std::string key = ports::ContentKey(tenant, base::Sha256Of("hello"));
  ASSERT_TRUE(blobs->Put({{.key = key, .bytes = "hello"}}).has_value());
  std::string cursor;
  const auto listed = blobs->List(cursor, 10);
  ASSERT_EQ(listed->size(), 1U);
  EXPECT_EQ(blobs->RemoveUnlessWritten(listed->at(0)).value(), ports::Removal::kKept);
}

TEST_F(S3Test, AKeyThatIsNoBlobsIsADefect) {
  auto blobs = OpenS3Blobs(moto.caller(), moto.random(), {.bucket = name});
  EXPECT_EQ(blobs->Put({{.key = "x", .bytes = ""}}).error().code, Code::kInternal);
  EXPECT_EQ(blobs->Remove("tmp/x").error().code, Code::kInternal);
}

TEST_F(S3Test, EveryTryIsCounted) {
  const std::uint64_t before = moto.counts().Of(Service::kS3);
  ASSERT_TRUE(bucket.Put("k", "v").has_value());
  ASSERT_TRUE(bucket.Head("k").has_value());
  EXPECT_EQ(moto.counts().Of(Service::kS3), before + 2);
}

}  // namespace
}  // namespace aws
