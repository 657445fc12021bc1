#include "local/file_blobs.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <latch>
#include <set>
#include <thread>

#include "local/blob_key.h"
#include "local/files.h"
#include "local/temp_folder.h"

namespace local {
namespace {

namespace fs = std::filesystem;

const job::TenantId kAnn("ann");
std::string KeyOf(std::string_view bytes) {
  return ports::ContentKey(kAnn, base::Sha256Of(bytes));
}

class FileBlobsTest : public ::testing::Test {
 protected:
  void SetUp() override { Open(); }
  void Open() {
    auto opened = OpenFileBlobs(folder_.path());
    ASSERT_TRUE(opened) << opened.error().message;
    blobs_ = std::move(*opened);
  }
  std::string MustRead(const std::string& key, std::uint64_t offset = 0, std::uint64_t length = ~0ULL) {
    std::string out = "before";
    const auto read = blobs_->Read(key, offset, length, out);
    EXPECT_TRUE(read) << read.error().message;
    return out;
  }
  std::size_t TempFiles() {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(folder_.path() + "/tmp"), fs::directory_iterator()));
  }

  TempFolder folder_;
  std::unique_ptr<ports::BlobStore> blobs_;
};

TEST_F(FileBlobsTest, WhatWasCommittedIsReadBackAfterReopening) {
  auto writer = blobs_->NewWriter();
  ASSERT_TRUE(writer);
  std::string all;
  for (int i = 0; i < 10'000; ++i) {
    const std::string line = std::to_string(i) + std::string(static_cast<std::size_t>(i % 97), 'x') + "\n";
    all += line;
    ASSERT_TRUE((*writer)->Append(line));
  }
  const std::string big(600'000, 'B');
  ASSERT_TRUE((*writer)->Append(big));
  all += big;
  const std::string key = ports::ManifestKey(kAnn, "m-1");
  EXPECT_FALSE(*blobs_->Size(key)) << "nothing is visible before Commit";
  ASSERT_TRUE((*writer)->Commit(key));
  Open();
  EXPECT_EQ(MustRead(key), all);
  EXPECT_EQ(blobs_->Size(key)->value_or(0), all.size());
  EXPECT_EQ(TempFiles(), 0U);
}

TEST_F(FileBlobsTest, AWriterWithoutCommitLeavesNothing) {
  {
    auto writer = blobs_->NewWriter();
    ASSERT_TRUE((*writer)->Append("gone"));
    EXPECT_EQ(TempFiles(), 1U);
  }
  EXPECT_EQ(TempFiles(), 0U);
}

TEST_F(FileBlobsTest, CommittingAnExistingKeyAgainIsHarmless) {
  for (int i = 0; i < 2; ++i) {
    auto writer = blobs_->NewWriter();
    ASSERT_TRUE((*writer)->Append("same"));
    ASSERT_TRUE((*writer)->Commit(KeyOf("same")));
  }
  EXPECT_EQ(MustRead(KeyOf("same")), "same");
}

TEST_F(FileBlobsTest, RangesAreCutToTheEnd) {
  ASSERT_TRUE(blobs_->Put({{.key = KeyOf("0123456789"), .bytes = "0123456789"}}));
  EXPECT_EQ(MustRead(KeyOf("0123456789"), 3, 4), "3456");
  EXPECT_EQ(MustRead(KeyOf("0123456789"), 8, 100), "89");
  EXPECT_EQ(MustRead(KeyOf("0123456789"), 10, 1), "");
  EXPECT_EQ(MustRead(KeyOf("0123456789"), ~0ULL, ~0ULL), "");
}

TEST_F(FileBlobsTest, PutOfManyKeepsWhatIsThereAndAddsTheRest) {
  std::vector<std::string> texts;
  for (int i = 0; i < 150; ++i) texts.push_back("text " + std::to_string(i % 140));
  std::vector<ports::BlobToPut> blobs;
  for (const std::string& text : texts) blobs.push_back({.key = KeyOf(text), .bytes = text});
  ASSERT_TRUE(blobs_->Put(blobs));
  ASSERT_TRUE(blobs_->Put(blobs));
  for (const std::string& text : texts) EXPECT_EQ(MustRead(KeyOf(text)), text);
  EXPECT_EQ(TempFiles(), 0U);
}

TEST_F(FileBlobsTest, AnAbsentBlobIsNotFoundAndHasNoSize) {
  std::string out;
  EXPECT_EQ(blobs_->Read(KeyOf("absent"), 0, 1, out).error().code, base::Code::kNotFound);
  EXPECT_FALSE(*blobs_->Size(KeyOf("absent")));
  EXPECT_TRUE(blobs_->Remove(KeyOf("absent")));
}

TEST_F(FileBlobsTest, ARemovedManifestIsNotReadFromAnOpenFile) {
  auto writer = blobs_->NewWriter();
  const std::string key = ports::ManifestKey(kAnn, "m");
  ASSERT_TRUE((*writer)->Append("x"));
  ASSERT_TRUE((*writer)->Commit(key));
  EXPECT_EQ(MustRead(key), "x");
  ASSERT_TRUE(blobs_->Remove(key));
  std::string out;
  EXPECT_EQ(blobs_->Read(key, 0, 1, out).error().code, base::Code::kNotFound);
}

TEST_F(FileBlobsTest, ListingInPagesNamesEveryBlobOnce) {
  std::set<std::string> expected;
  for (int i = 0; i < 23; ++i) {
    const std::string text = "t" + std::to_string(i);
    const job::TenantId tenant("tenant " + std::to_string(i % 3));
    const std::string key =
        i % 4 == 0 ? ports::ManifestKey(tenant, text) : ports::ContentKey(tenant, base::Sha256Of(text));
    ASSERT_TRUE(blobs_->Put({{.key = key, .bytes = text}}));
    expected.insert(key);
  }
  for (const std::size_t limit : {1U, 5U, 23U, 100U}) {
    std::multiset<std::string> seen;
    std::string cursor;
    do {
      const auto page = blobs_->List(cursor, limit);
      ASSERT_TRUE(page);
      EXPECT_LE(page->size(), limit);
      for (const ports::BlobEntry& entry : *page) {
        seen.insert(entry.key);
        EXPECT_GT(entry.bytes, 0U);
        EXPECT_GT(base::UnixMicros(entry.written_at), 0);
      }
    } while (!cursor.empty());
    EXPECT_EQ(seen, std::multiset<std::string>(expected.begin(), expected.end()));
  }
}

TEST_F(FileBlobsTest, OpeningRemovesLeftoversButNotFilesBeingWritten) {
  auto writer = blobs_->NewWriter();
  ASSERT_TRUE((*writer)->Append("alive"));
  std::ofstream(folder_.path() + "/tmp/leftover") << "half";
  ASSERT_EQ(TempFiles(), 2U);
  Open();
  EXPECT_EQ(TempFiles(), 1U);
  ASSERT_TRUE((*writer)->Commit(KeyOf("alive")));
  EXPECT_EQ(MustRead(KeyOf("alive")), "alive");
}

TEST_F(FileBlobsTest, KeysThatWeDidNotMakeAreRefused) {
  const std::string good = KeyOf("x");
  ASSERT_TRUE(ParseBlobKey(good));
  const std::string tenant = good.substr(0, 34);
  std::vector<std::string> bad = {"",
                                  "/etc/passwd",
                                  "../x",
                                  "t/../../etc/passwd",
                                  good + "/",
                                  "/" + good,
                                  good.substr(0, 40),
                                  good + "0",
                                  tenant + "/m/../../x.ndjson",
                                  tenant + "/m/.ndjson",
                                  tenant + "/m/..ndjson",
                                  tenant + "/m/a/b.ndjson",
                                  tenant + "/m/a",
                                  tenant + "/m/" + std::string(300, 'a') + ".ndjson",
                                  tenant + "/x/aa/" + std::string(64, 'a'),
                                  tenant + "/c/ab/" + std::string(64, 'a')};
  bad.push_back(good.substr(0, 20) + '\0' + good.substr(21));
  for (const std::string& key : bad) {
    std::string out;
    EXPECT_EQ(blobs_->Read(key, 0, 1, out).error().code, base::Code::kInternal) << key;
    EXPECT_EQ(blobs_->Put({{.key = key, .bytes = "x"}}).error().code, base::Code::kInternal) << key;
    EXPECT_EQ(blobs_->Remove(key).error().code, base::Code::kInternal) << key;
  }
}

TEST_F(FileBlobsTest, AFolderThatCannotBeWrittenIsUnavailableWithItsPath) {
  const auto opened = OpenFileBlobs(folder_.path() + "/no/such");
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, base::Code::kUnavailable);
  EXPECT_THAT(opened.error().message, ::testing::HasSubstr("/no/such"));
}

TEST_F(FileBlobsTest, AFullDiskIsUnavailableWithThePath) {
  const Fd full = OpenFile("/dev/full", O_WRONLY);
  ASSERT_TRUE(full.ok());
  const base::Status written = WriteAll(full.get(), "bytes", "/dev/full");
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, base::Code::kUnavailable);
  EXPECT_THAT(written.error().message, ::testing::HasSubstr("/dev/full"));
}

TEST_F(FileBlobsTest, ABlobOfAnotherProcessIsWrittenAgainAndOurOwnIsOnlyTouched) {
  const std::string key = KeyOf("bytes");
  const std::string path = folder_.path() + "/" + key;
  const auto look = [&] {
    struct stat info{};
    EXPECT_EQ(::stat(path.c_str(), &info), 0);
    return info;
  };
  const auto put = [&](ports::BlobStore& blobs) {
    EXPECT_TRUE(blobs.Put({{.key = key, .bytes = "bytes"}, {.key = key, .bytes = "bytes"}}));
  };
  const auto other = OpenFileBlobs(folder_.path());
  ASSERT_TRUE(other);
  put(**other);
  const Fd theirs = OpenFile(path, O_RDONLY);  // keeps its inode number from being given again
  const ino_t first = look().st_ino;
  put(*blobs_);
  const ino_t ours = look().st_ino;
  EXPECT_NE(ours, first);
  const timespec long_ago[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
  ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), long_ago, 0), 0);
  put(*blobs_);
  EXPECT_EQ(look().st_ino, ours);
  EXPECT_GT(look().st_mtim.tv_sec, 1);
}

TEST_F(FileBlobsTest, APutThatSucceedsBesideARemovalLeavesItsBlobThere) {
  const std::string key = KeyOf("bytes");
  const std::string path = folder_.path() + "/" + key;
  const auto collector = OpenFileBlobs(folder_.path());
  ASSERT_TRUE(collector);
  const timespec long_ago[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
  for (int round = 0; round < 100; ++round) {
    ASSERT_TRUE(blobs_->Put({{.key = key, .bytes = "bytes"}}));
    ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), long_ago, 0), 0);
    const ports::BlobEntry listed{.key = key, .bytes = 5, .written_at = base::FromUnixMicros(1'000'000)};
    std::latch both(2);
    std::jthread remover([&] {
      both.arrive_and_wait();
      EXPECT_TRUE((*collector)->RemoveUnlessWritten(listed));
    });
    both.arrive_and_wait();
    EXPECT_TRUE(blobs_->Put({{.key = key, .bytes = "bytes"}}));
    remover.join();
    ASSERT_TRUE(blobs_->Size(key)->has_value()) << "round " << round;
  }
}

TEST_F(FileBlobsTest, ABlobInAFolderThatIsBeingWrittenStaysUntilTheNextTry) {
  const std::string key = KeyOf("bytes");
  ASSERT_TRUE(blobs_->Put({{.key = key, .bytes = "bytes"}}));
  std::string cursor;
  const ports::BlobEntry listed = blobs_->List(cursor, 1)->at(0);
  {
    const Folders folders(folder_.path());
    const auto writing = folders.Lock(FolderOf(key), Folders::Hold::kShared);
    ASSERT_TRUE(writing);
    EXPECT_TRUE(folders.Lock(FolderOf(key), Folders::Hold::kShared)->has_value()) << "writers share";
    EXPECT_EQ(blobs_->RemoveUnlessWritten(listed).value(), ports::Removal::kKept);
    EXPECT_EQ(MustRead(key), "bytes");
  }
  EXPECT_EQ(blobs_->RemoveUnlessWritten(listed).value(), ports::Removal::kGone);
}

TEST(FoldersTest, AfterAFailedSyncEverythingFails) {
  // /proc/self/fd is a folder whose fsync answers EINVAL: the nearest thing to a broken disk.
  Folders folders("/proc/self/fd");
  EXPECT_EQ(folders.Sync("").error().reason, "sync-failed");
  EXPECT_EQ(folders.Healthy().error().reason, "sync-failed");
  EXPECT_EQ(folders.Ensure("x").error().reason, "sync-failed");
}

}  // namespace
}  // namespace local
