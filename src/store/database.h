// RocksDB opened as this store needs it, with its errors as ours. Internal to src/store. Thread-safe.
#pragma once

#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "store/keys.h"
#include "store/rows.h"
#include "store/store.h"

namespace store {

inline rocksdb::Slice ToSlice(std::string_view bytes) {
  return {bytes.data(), bytes.size()};
}
inline std::string_view ToView(const rocksdb::Slice& slice) {
  return {slice.data(), slice.size()};
}

// Says `what` was being done. Corruption is kCorrupt, misuse kInternal, all else (disk, locks, shutdown) kUnavailable.
[[nodiscard]] base::Error FromRocks(const rocksdb::Status& status, std::string_view what);

// Nobody else opens the folder while it lives.
class FolderLock {
 public:
  // kUnavailable "in-use" while another process holds it; kUnavailable for a folder that cannot be written.
  [[nodiscard]] static base::Result<FolderLock> Take(const std::string& dir, rocksdb::Env* env);
  FolderLock(FolderLock&& other) noexcept : env_(other.env_), lock_(std::exchange(other.lock_, nullptr)) {}
  FolderLock& operator=(FolderLock&&) = delete;
  ~FolderLock();

 private:
  FolderLock(rocksdb::Env* env, rocksdb::FileLock* lock) : env_(env), lock_(lock) {}
  rocksdb::Env* env_;
  rocksdb::FileLock* lock_;
};

struct ExaminedLogs;  // log_tail.h

class Database {
 public:
  [[nodiscard]] static base::Result<std::unique_ptr<Database>> Open(const std::string& dir, const Options& options);
  // For reads alone; changes nothing in the folder, which must be there. The caller holds its FolderLock.
  [[nodiscard]] static base::Result<std::unique_ptr<Database>> OpenToRead(const std::string& dir,
                                                                          const Options& options);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  [[nodiscard]] rocksdb::ColumnFamilyHandle* rows() { return rows_; }
  [[nodiscard]] rocksdb::ColumnFamilyHandle* main() { return main_; }
  [[nodiscard]] base::Result<std::optional<std::string>> Get(std::string_view key);
  [[nodiscard]] base::Result<std::optional<std::string>> GetRow(std::string_view key);

  enum class Walk : std::uint8_t { kOn, kStop };
  using Visit = std::function<base::Result<Walk>(std::string_view key, std::string_view value)>;
  // Keys of [from, to) ascending, or descending from the last one before `to`.
  [[nodiscard]] base::Status Scan(rocksdb::ColumnFamilyHandle* family, std::string_view from, std::string_view to,
                                  const Visit& visit);
  [[nodiscard]] base::Status ScanBack(rocksdb::ColumnFamilyHandle* family, std::string_view from, std::string_view to,
                                      const Visit& visit);

  // The job under a uid; nullopt when it was deleted meanwhile.
  [[nodiscard]] base::Result<std::optional<job::Job>> LoadJob(Uid uid);
  [[nodiscard]] base::Result<std::optional<Uid>> FindUid(const job::JobKey& key);

  // Synced: on OK it survives a power loss. After a failure RocksDB may refuse writes until Resume.
  [[nodiscard]] base::Status Write(rocksdb::WriteBatch& batch);
  [[nodiscard]] base::Status Resume();
  // Everything committed so far as a database of its own in `dir`, which must be absent and on the same disk: table
  // files are linked, not copied.
  [[nodiscard]] base::Status Checkpoint(const std::string& dir);
  // The paths of all table files.
  [[nodiscard]] std::vector<std::string> TableFiles();

 private:
  enum class Access : std::uint8_t { kWrite, kRead };
  [[nodiscard]] static base::Result<std::unique_ptr<Database>> OpenAs(Access access, const std::string& dir,
                                                                      const Options& options, const ExaminedLogs& logs);
  explicit Database(std::unique_ptr<rocksdb::Env> env) : env_(std::move(env)) {}
  [[nodiscard]] base::Status CheckFormat();

  std::unique_ptr<rocksdb::Env> env_;  // outlives db_
  std::unique_ptr<rocksdb::DB> db_;
  rocksdb::ColumnFamilyHandle* main_ = nullptr;  // owned by db_'s handle list, destroyed before it
  rocksdb::ColumnFamilyHandle* rows_ = nullptr;
};

}  // namespace store
