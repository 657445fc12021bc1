#include "store/ordered_files.h"

#include <gtest/gtest.h>
#include <rocksdb/file_system.h>

#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <set>
#include <string>

#include "store/database.h"

namespace store {
namespace {

// Knows which names of a folder were made since it was last synced, and what they were when CURRENT was put in place.
class NotingFiles final : public rocksdb::FileSystemWrapper {
 public:
  NotingFiles() : FileSystemWrapper(rocksdb::FileSystem::Default()) {}
  [[nodiscard]] const char* Name() const override { return "NotingFiles"; }
  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* result,
                                    rocksdb::IODebugContext* context) override {
    const std::lock_guard lock(mutex_);
    if (!name.ends_with(".dbtmp")) unsynced_.insert(std::filesystem::path(name).filename());
    return target()->NewWritableFile(name, options, result, context);
  }
  rocksdb::IOStatus NewDirectory(const std::string& name, const rocksdb::IOOptions& options,
                                 std::unique_ptr<rocksdb::FSDirectory>* result,
                                 rocksdb::IODebugContext* context) override {
    std::unique_ptr<rocksdb::FSDirectory> folder;
    rocksdb::IOStatus status = target()->NewDirectory(name, options, &folder, context);
    if (status.ok()) *result = std::make_unique<Folder>(std::move(folder), *this);
    return status;
  }
  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* context) override {
    const std::lock_guard lock(mutex_);
    if (to.ends_with("/CURRENT")) {
      renames += 1;
      lost.insert(unsynced_.begin(), unsynced_.end());
    }
    return target()->RenameFile(from, to, options, context);
  }

  int renames = 0;
  std::set<std::string> lost;  // a loss of power could take these back and leave CURRENT

 private:
  class Folder final : public rocksdb::FSDirectoryWrapper {
   public:
    Folder(std::unique_ptr<rocksdb::FSDirectory>&& folder, NotingFiles& files)
        : FSDirectoryWrapper(std::move(folder)), files_(files) {}
    rocksdb::IOStatus FsyncWithDirOptions(const rocksdb::IOOptions& options, rocksdb::IODebugContext* context,
                                          const rocksdb::DirFsyncOptions& why) override {
      const std::lock_guard lock(files_.mutex_);
      files_.unsynced_.clear();
      return FSDirectoryWrapper::FsyncWithDirOptions(options, context, why);
    }

   private:
    NotingFiles& files_;
  };

  std::mutex mutex_;
  std::set<std::string> unsynced_;
};

TEST(OrderedFiles, CurrentIsPutInPlaceWhenEveryNameBeforeItIsSynced) {
  std::string dir = std::filesystem::temp_directory_path() / "ubertoons-test-XXXXXX";
  ASSERT_NE(mkdtemp(dir.data()), nullptr);
  const auto files = std::make_shared<NotingFiles>();
  const auto env = rocksdb::NewCompositeEnv(files);
  for (int start = 1; start <= 3; ++start) {  // the second and third make a table of what the one before stored
    const auto database = Database::Open(dir, {.env = env.get()});
    ASSERT_TRUE(database.has_value()) << database.error().message;
    rocksdb::WriteBatch batch;
    ASSERT_TRUE(batch.Put("key", std::to_string(start)).ok());
    ASSERT_TRUE((*database)->Write(batch).has_value());
    EXPECT_GE(files->renames, start);
  }
  EXPECT_EQ(files->lost, std::set<std::string>());
  std::filesystem::remove_all(dir);
}

}  // namespace
}  // namespace store
