// What only this store promises; the ports' contract is in tests/contract.
#include <gtest/gtest.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/file_system.h>
#include <sys/resource.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <numeric>
#include <thread>
#include <utility>

#include "store/database.h"
#include "store/store.h"
#include "wire/outcome_codec.h"

namespace store {
namespace {

class SumMerger final : public ports::PartialMerger {
 public:
  base::Result<std::string> Merge(std::string_view /*reducer*/, std::string_view a, std::string_view b) const override {
    return std::to_string(std::stoull(std::string(a)) + std::stoull(std::string(b)));
  }
};

class RocksStoreTest : public testing::Test {
 protected:
  RocksStoreTest() {
    dir_ = std::filesystem::temp_directory_path() / "ubertoons-test-XXXXXX";
    EXPECT_NE(mkdtemp(dir_.data()), nullptr);
    Reopen();
  }
  ~RocksStoreTest() override {
    store.reset();
    std::error_code ignored;
    std::filesystem::remove_all(dir_, ignored);
  }
  void Reopen() {
    store.reset();
    auto opened = Open(dir_, {.merger = &merger_});
    ASSERT_TRUE(opened.has_value()) << opened.error().message;
    store = std::move(*opened);
  }
  void Create(std::uint64_t toons) {
    ports::NewJob job;
    job.spec.key = key;
    job.spec.manifest.blob = "m";
    job.state.phase = job::Phase::kRunning;
    job.state.toon_count = toons;
    job.state.scope = toons;
    const auto created = store->jobs().Create(job);
    ASSERT_TRUE(created.has_value()) << created.error().message;
  }
  ports::RecordCommit Commit(job::Position first, std::size_t count, std::size_t row_bytes = 100) {
    ports::RecordCommit commit{.key = key};
    for (std::size_t i = 0; i < count; ++i) {
      job::Outcome outcome{.position = first + i, .state = job::ToonState::kSucceeded};
      outcome.result_json = std::string(row_bytes, 'x');
      commit.outcomes.push_back(wire::ToRow(outcome));
    }
    commit.partials = {{.reducer = "summary", .bytes = std::to_string(count)}};
    return commit;
  }
  std::size_t Rows() { return store->outcomes().Read(key, 1, 0, 1'000'000, 1U << 30U)->size(); }

  const job::JobKey key{.tenant = job::TenantId("ana"), .job = job::JobId("j1")};
  SumMerger merger_;
  std::string dir_;
  std::unique_ptr<RocksStore> store;
};

TEST_F(RocksStoreTest, RefusesAFolderOfANewerFormat) {
  store.reset();
  {
    auto database = Database::Open(dir_, {});
    ASSERT_TRUE(database.has_value());
    rocksdb::WriteBatch batch;
    ASSERT_TRUE(batch.Put(FormatKey(), EncodeNumber(2)).ok());
    ASSERT_TRUE((*database)->Write(batch).has_value());
  }
  const auto opened = Open(dir_, {.merger = &merger_});
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().code, base::Code::kUnsupported);
  EXPECT_NE(opened.error().message.find("format 2"), std::string::npos) << opened.error().message;
}

TEST_F(RocksStoreTest, RefusesAFolderThatIsOpenAlready) {
  const auto second = Open(dir_, {.merger = &merger_});
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code, base::Code::kUnavailable);
}

TEST_F(RocksStoreTest, RequestsThatWaitShareOneSyncedCommit) {
  constexpr std::size_t kThreads = 8;
  constexpr std::size_t kEach = 50;
  Create(kThreads * kEach);
  {
    std::vector<std::jthread> threads;
    for (std::size_t t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        for (std::size_t i = 0; i < kEach; ++i) {
          const auto answer = store->outcomes().Record(Commit(t * kEach + i, 1));
          EXPECT_TRUE(answer.has_value() && answer->already_recorded.empty());
        }
      });
    }
  }
  EXPECT_EQ(Rows(), kThreads * kEach);
  EXPECT_EQ(store->stats().requests, kThreads * kEach + 1);
  EXPECT_LT(store->stats().commits, store->stats().requests);
}

TEST_F(RocksStoreTest, AJobWithManyRowsIsDeletedWhole) {
  constexpr std::size_t kRows = 5000;
  Create(kRows);
  ASSERT_TRUE(store->outcomes().Record(Commit(0, 4000)).has_value());
  ASSERT_TRUE(store->outcomes().Record(Commit(4000, 1000)).has_value());
  ASSERT_EQ(Rows(), kRows);
  ASSERT_TRUE(store->jobs().Delete(key, store->jobs().Get(key).value()->state.version).has_value());
  store.reset();
  auto database = Database::Open(dir_, {});
  ASSERT_TRUE(database.has_value());
  std::vector<std::string> left;
  const auto note = [&](std::string_view at, std::string_view) {
    left.emplace_back(at);
    return Database::Walk::kOn;
  };
  ASSERT_TRUE((*database)->Scan((*database)->rows(), "", "\xFF\xFF", note).has_value());
  ASSERT_TRUE((*database)->Scan((*database)->main(), "", "\xFF\xFF", note).has_value());
  EXPECT_EQ(left, (std::vector<std::string>{"Mformat", "Msequence"}));
}

TEST_F(RocksStoreTest, CountersThatDisagreeWithTheRowsAreCorrupt) {
  Create(10);
  ASSERT_TRUE(store->outcomes().Record(Commit(0, 3)).has_value());
  store.reset();
  {
    auto database = Database::Open(dir_, {});
    const Uid uid = (*database)->FindUid(key)->value_or(0);
    rocksdb::WriteBatch batch;
    ASSERT_TRUE(batch.Delete((*database)->rows(), OutcomeKey(uid, 1, 1)).ok());
    ASSERT_TRUE((*database)->Write(batch).has_value());
  }
  Reopen();
  EXPECT_EQ(store->outcomes().Record(Commit(5, 1)).error().code, base::Code::kCorrupt);
}

// A disk that takes no more bytes, as the kernel makes one out of a file size limit.
class FullDisk {
 public:
  explicit FullDisk(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit full{.rlim_cur = bytes, .rlim_max = before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &full);
  }
  ~FullDisk() {
    setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;

 private:
  rlimit before_{};
  void (*handler_)(int);
};

TEST_F(RocksStoreTest, ADiskErrorClaimsNothingAndTakesNoWritesUntilReopened) {
  Create(1000);
  ASSERT_TRUE(store->outcomes().Record(Commit(0, 10)).has_value());
  {
    const FullDisk full(20'000);
    const auto failed = store->outcomes().Record(Commit(10, 100, 1000));
    ASSERT_FALSE(failed.has_value());
    EXPECT_EQ(failed.error().code, base::Code::kUnavailable) << failed.error().message;
  }
  const auto refused = store->outcomes().Record(Commit(10, 100, 1000));
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, base::Code::kUnavailable);
  EXPECT_NE(refused.error().message.find("until it is reopened"), std::string::npos) << refused.error().message;
  EXPECT_EQ(Rows(), 10U) << "reads go on";
  EXPECT_EQ(store->jobs().Get(key)->value_or(job::Job{}).counters.succeeded, 10U);
  EXPECT_EQ(store->stats().failed_commits, 2U);
  Reopen();
  EXPECT_EQ(Rows(), 10U);
  ASSERT_TRUE(store->outcomes().Record(Commit(10, 100, 1000)).has_value());
  EXPECT_EQ(Rows(), 110U);
  EXPECT_EQ(store->jobs().Get(key)->value_or(job::Job{}).counters.succeeded, 110U);
  EXPECT_EQ(store->outcomes().Aggregates(key)->front().bytes, "110");
}

// A file system that has no space left while it is told so.
class FullFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  FullFileSystem() : rocksdb::FileSystemWrapper(rocksdb::FileSystem::Default()) {}
  [[nodiscard]] const char* Name() const override { return "FullFileSystem"; }
  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* result,
                                    rocksdb::IODebugContext* context) override {
    std::unique_ptr<rocksdb::FSWritableFile> file;
    if (full && takes_no_files) return rocksdb::IOStatus::NoSpace("the test's disk is full");
    rocksdb::IOStatus status = target()->NewWritableFile(name, options, &file, context);
    if (status.ok()) *result = std::make_unique<File>(std::move(file), full);
    return status;
  }
  std::atomic<bool> full = false;
  std::atomic<bool> takes_no_files = false;  // when full: not even empty ones

 private:
  class File final : public rocksdb::FSWritableFileOwnerWrapper {
   public:
    File(std::unique_ptr<rocksdb::FSWritableFile>&& file, const std::atomic<bool>& full)
        : rocksdb::FSWritableFileOwnerWrapper(std::move(file)), full_(full) {}
    using rocksdb::FSWritableFileOwnerWrapper::Append;
    rocksdb::IOStatus Append(const rocksdb::Slice& bytes, const rocksdb::IOOptions& options,
                             rocksdb::IODebugContext* context) override {
      if (full_) return rocksdb::IOStatus::NoSpace("the test's disk is full");
      return rocksdb::FSWritableFileOwnerWrapper::Append(bytes, options, context);
    }

   private:
    const std::atomic<bool>& full_;
  };
};

class FullDiskTest : public RocksStoreTest, public testing::WithParamInterface<bool> {};

TEST_P(FullDiskTest, ClaimsNothingAndIsOvercomeOnceThereIsSpace) {
  store.reset();
  const auto files = std::make_shared<FullFileSystem>();
  files->takes_no_files = GetParam();
  const auto env = rocksdb::NewCompositeEnv(files);
  auto opened = Open(dir_, {.merger = &merger_, .env = env.get()});
  ASSERT_TRUE(opened.has_value()) << opened.error().message;
  store = std::move(*opened);
  Create(1000);
  ASSERT_TRUE(store->outcomes().Record(Commit(0, 10)).has_value());
  files->full = true;
  for (int i = 0; i < 3; ++i) {
    const auto failed = store->outcomes().Record(Commit(10, 100));
    ASSERT_FALSE(failed.has_value());
    EXPECT_EQ(failed.error().code, base::Code::kUnavailable) << failed.error().message;
    EXPECT_EQ(Rows(), 10U) << "reads go on";
  }
  files->full = false;
  const auto later = store->outcomes().Record(Commit(10, 100));
  ASSERT_TRUE(later.has_value()) << later.error().message;
  EXPECT_TRUE(later->already_recorded.empty());
  ASSERT_TRUE(store->outcomes().Record(Commit(110, 1)).has_value());
  EXPECT_FALSE(std::filesystem::exists(dir_ + "/space.probe"));
  Reopen();
  EXPECT_EQ(Rows(), 111U);
  EXPECT_EQ(store->jobs().Get(key)->value_or(job::Job{}).counters.succeeded, 111U);
  EXPECT_EQ(store->outcomes().Aggregates(key)->front().bytes, "111");
}

INSTANTIATE_TEST_SUITE_P(WithOrWithoutRoomForNames, FullDiskTest, testing::Bool());

// Another process takes the folder's lock as soon as this one lets go of it, and is in the middle of a write.
class AnotherServer final : public rocksdb::FileSystemWrapper {
 public:
  explicit AnotherServer(std::function<void()> writes)
      : rocksdb::FileSystemWrapper(rocksdb::FileSystem::Default()), writes_(std::move(writes)) {}
  [[nodiscard]] const char* Name() const override { return "AnotherServer"; }
  rocksdb::IOStatus LockFile(const std::string& name, const rocksdb::IOOptions& options, rocksdb::FileLock** lock,
                             rocksdb::IODebugContext* context) override {
    if (here_) return rocksdb::IOStatus::IOError("lock hold by another: Resource temporarily unavailable");
    return target()->LockFile(name, options, lock, context);
  }
  rocksdb::IOStatus UnlockFile(rocksdb::FileLock* lock, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* context) override {
    rocksdb::IOStatus status = target()->UnlockFile(lock, options, context);
    if (!std::exchange(here_, true)) writes_();
    return status;
  }

 private:
  std::function<void()> writes_;
  bool here_ = false;
};

// The newest log of a closed store.
std::string NewestLog(const std::string& dir) {
  std::string newest;
  for (const auto& entry : std::filesystem::directory_iterator(dir)) {
    if (entry.path().extension() == ".log") newest = std::max(newest, entry.path().string());
  }
  return newest;
}

void Overwrite(const std::string& path, std::uintmax_t at, std::size_t bytes) {
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  file.seekp(static_cast<std::streamoff>(at));
  file << std::string(bytes, '\0');
}

TEST_F(RocksStoreTest, AGapInTheLastBatchOfTheLogIsAPowerLossAndCostsThatBatchAlone) {
  Create(10'000);
  ASSERT_TRUE(store->outcomes().Record(Commit(0, 10)).has_value());
  const std::string log = NewestLog(dir_);
  const std::uintmax_t synced = std::filesystem::file_size(log);
  ASSERT_TRUE(store->outcomes().Record(Commit(10, 500, 500)).has_value());  // several blocks
  store.reset();
  ASSERT_EQ(NewestLog(dir_), log);
  const std::uintmax_t end = std::filesystem::file_size(log);
  ASSERT_GT(end, synced + 200'000);
  Overwrite(log, synced + 70'000, 512);
  Reopen();
  EXPECT_EQ(Rows(), 10U);
  ASSERT_TRUE(store->outcomes().Record(Commit(10, 5)).has_value());
  Reopen();
  EXPECT_EQ(Rows(), 15U);
}

TEST_F(RocksStoreTest, DamageToABatchThatWasSyncedIsNeverASilentLoss) {
  Create(10'000);
  const std::string log = NewestLog(dir_);
  ASSERT_TRUE(store->outcomes().Record(Commit(0, 500, 500)).has_value());
  const std::uintmax_t middle = std::filesystem::file_size(log) / 2;
  ASSERT_TRUE(store->outcomes().Record(Commit(500, 1)).has_value());
  store.reset();
  Overwrite(log, middle, 512);
  const auto opened = Open(dir_, {.merger = &merger_});
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().code, base::Code::kCorrupt) << opened.error().message;
}

TEST_F(RocksStoreTest, ALogThatAnotherServerWritesIsNotTakenForADamagedOne) {
  Create(10'000);
  const std::string log = NewestLog(dir_);
  ASSERT_TRUE(store->outcomes().Record(Commit(0, 500, 500)).has_value());
  ASSERT_TRUE(store->outcomes().Record(Commit(500, 1)).has_value());
  store.reset();
  const auto files = std::make_shared<AnotherServer>([&] { Overwrite(log, 70'000, 512); });
  const auto env = rocksdb::NewCompositeEnv(files);
  const auto opened = Open(dir_, {.merger = &merger_, .env = env.get()});
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().code, base::Code::kUnavailable) << opened.error().message;
  EXPECT_EQ(opened.error().reason, "in-use");
}

// A second cut while the first one is recovered from: RocksDB has begun its new log, and its MANIFEST names the old
// one.
TEST_F(RocksStoreTest, ACutBetweenTheNewLogAndTheNewManifestCostsNoMoreThanTheTornBatch) {
  Create(10'000);
  ASSERT_TRUE(store->outcomes().Record(Commit(0, 10)).has_value());
  const std::string log = NewestLog(dir_);
  const std::uintmax_t synced = std::filesystem::file_size(log);
  ASSERT_TRUE(store->outcomes().Record(Commit(10, 500, 500)).has_value());
  store.reset();
  Overwrite(log, synced + 70'000, 512);
  std::string stub;
  std::string name;
  {
    const std::string copy = dir_ + "-copy";
    std::filesystem::copy(dir_, copy);
    auto recovered = Open(copy, {.merger = &merger_});
    ASSERT_TRUE(recovered.has_value()) << recovered.error().message;
    recovered->reset();
    const std::string begun = NewestLog(copy);
    name = std::filesystem::path(begun).filename();
    std::ifstream file(begun, std::ios::binary);
    stub.resize(7 + 12);  // a record's header, and a batch's
    ASSERT_TRUE(file.read(stub.data(), static_cast<std::streamsize>(stub.size())));
    std::filesystem::remove_all(copy);
  }
  ASSERT_EQ(stub[4], 12) << "RocksDB no longer begins a log with an empty batch";
  ASSERT_GT(name, std::filesystem::path(log).filename());
  std::ofstream(dir_ + "/" + name, std::ios::binary) << stub;
  Reopen();
  EXPECT_EQ(Rows(), 10U);
  ASSERT_TRUE(store->outcomes().Record(Commit(10, 5)).has_value());
  Reopen();
  EXPECT_EQ(Rows(), 15U);
}

TEST_F(RocksStoreTest, ATearBeforeALogWithBatchesIsNeverASilentLoss) {
  Create(10'000);
  ASSERT_TRUE(store->outcomes().Record(Commit(0, 500, 500)).has_value());
  const std::string log = NewestLog(dir_);
  store.reset();
  const std::uintmax_t end = std::filesystem::file_size(log);
  std::string next = log;
  next.replace(next.rfind('/') + 1, std::string::npos, "999999.log");
  std::filesystem::copy_file(log, next);  // whatever it holds, it holds batches
  Overwrite(log, end - 1000, 512);
  const auto opened = Open(dir_, {.merger = &merger_});
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().code, base::Code::kCorrupt) << opened.error().message;
}

}  // namespace
}  // namespace store
