#include "store/database.h"

#include <fmt/format.h>
#include <rocksdb/cache.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/listener.h>
#include <rocksdb/options.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/table.h>
#include <rocksdb/utilities/checkpoint.h>

#include <array>
#include <cstdarg>
#include <cstdio>
#include <filesystem>
#include <vector>

#include "base/folder.h"
#include "base/log.h"
#include "store/log_tail.h"
#include "store/ordered_files.h"

namespace store {

namespace {

constexpr std::size_t kMainBufferBytes = 8U << 20U;
constexpr std::size_t kBloomBitsPerKey = 10;
constexpr std::size_t kHintPrefixBytes = 12;  // uid and generation of an outcome's key

// RocksDB's warnings as log lines of ours. Its own LOG file would be one more thing that a full disk breaks: the Debian
// build asserts that no log line follows a failed one.
class LogBridge final : public rocksdb::Logger {
 public:
  LogBridge() : rocksdb::Logger(rocksdb::InfoLogLevel::WARN_LEVEL) {}
  using rocksdb::Logger::Logv;
  void Logv(const char* format, va_list arguments) override {
    Logv(rocksdb::InfoLogLevel::INFO_LEVEL, format, arguments);
  }
  void Logv(const rocksdb::InfoLogLevel level, const char* format, va_list arguments) override {
    if (level < rocksdb::InfoLogLevel::WARN_LEVEL || level == rocksdb::InfoLogLevel::HEADER_LEVEL) return;
    std::array<char, 512> text{};
    if (vsnprintf(text.data(), text.size(), format, arguments) < 0) return;
    base::LogWarn("rocksdb", {{"message", std::string_view(text.data())}});
  }
};

// The committer resumes before its next write; RocksDB's own recovery polls every few seconds and refuses ours
// meanwhile.
class NoAutomaticRecovery final : public rocksdb::EventListener {
 public:
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason /*reason*/, rocksdb::Status /*error*/,
                            bool* automatic) override {
    *automatic = false;
  }
};

rocksdb::BlockBasedTableOptions TableOptions(const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.cache_index_and_filter_blocks = true;  // so that memory has one bound
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  table.format_version = 5;
  return table;
}

rocksdb::ColumnFamilyOptions MainFamily(const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::ColumnFamilyOptions family;
  rocksdb::BlockBasedTableOptions table = TableOptions(cache);
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(kBloomBitsPerKey));  // most look-ups are for absent keys
  family.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  family.write_buffer_size = kMainBufferBytes;
  family.compression = rocksdb::kLZ4Compression;
  return family;
}

// Rows arrive nearly in order, are read in order and never looked up singly: large blocks, no filter, and a hint that
// spares the memtable its search.
rocksdb::ColumnFamilyOptions RowsFamily(const Options& options, const std::shared_ptr<rocksdb::Cache>& cache) {
  constexpr std::size_t kBlockBytes = 32U << 10U;
  rocksdb::ColumnFamilyOptions family;
  rocksdb::BlockBasedTableOptions table = TableOptions(cache);
  table.block_size = kBlockBytes;
  family.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  family.write_buffer_size = options.write_buffer_bytes;
  family.max_write_buffer_number = 3;
  family.memtable_insert_with_hint_prefix_extractor.reset(rocksdb::NewFixedPrefixTransform(kHintPrefixBytes));
  family.compression_per_level = {rocksdb::kNoCompression, rocksdb::kLZ4Compression, rocksdb::kLZ4Compression,
                                  rocksdb::kZSTD};
  family.num_levels = 4;
  family.level0_file_num_compaction_trigger = 8;
  family.target_file_size_base = options.write_buffer_bytes;
  family.max_bytes_for_level_base = 8 * options.write_buffer_bytes;
  return family;
}

rocksdb::DBOptions BaseOptions(const Options& options, rocksdb::Env* env) {
  constexpr std::size_t kMaxWalBytes = 256U << 20U;  // bounds the time to replay it
  rocksdb::DBOptions base;
  base.env = env;
  base.create_if_missing = true;
  base.create_missing_column_families = true;
  base.max_open_files = options.max_open_files;
  base.max_total_wal_size = kMaxWalBytes;
  base.max_background_jobs = 2;
  base.bytes_per_sync = 1U << 20U;               // a flush does not make the next WAL sync wait for its pages
  base.allow_concurrent_memtable_write = false;  // one committer writes; the insert hint needs it
  base.enable_write_thread_adaptive_yield = false;
  // A power loss tears only the last batch of the WAL (log_tail.h); damage anywhere else is an error, never a silent
  // loss.
  base.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  base.listeners = {std::make_shared<NoAutomaticRecovery>()};
  base.max_bgerror_resume_count = 0;
  base.info_log = std::make_shared<LogBridge>();
  base.stats_dump_period_sec = 0;
  base.stats_persist_period_sec = 0;
  return base;
}

// RocksDB resumes by starting a new log, and gives up for good when it cannot even create it: so that is tried first.
rocksdb::Status ProbeSpace(rocksdb::DB& db) {
  constexpr std::size_t kProbeBytes = 1U << 20U;
  const std::string path = db.GetName() + "/space.probe";
  std::unique_ptr<rocksdb::WritableFile> file;
  rocksdb::Status status = db.GetEnv()->NewWritableFile(path, &file, rocksdb::EnvOptions());
  if (status.ok()) status = file->Append(std::string(kProbeBytes, '\0'));
  if (status.ok()) status = file->Sync();
  if (status.ok()) status = file->Close();
  if (file) db.GetEnv()->DeleteFile(path).PermitUncheckedError();
  return status;
}

// RocksDB makes a new database where CURRENT is missing, and removes the old one's files. Only the very first opening,
// cut off, leaves a folder without CURRENT: no log, no table, and the first MANIFEST at most.
base::Status RefuseRemains(const std::string& dir) {
  std::error_code error;
  if (std::filesystem::exists(dir + "/CURRENT", error)) return {};
  for (auto at = std::filesystem::directory_iterator(dir, error); !error && at != std::filesystem::directory_iterator();
       at.increment(error)) {
    const std::string name = at->path().filename().string();
    const bool first = name == "MANIFEST-000001";
    if (name.ends_with(".sst") || name.ends_with(".log") || (name.starts_with("MANIFEST-") && !first)) {
      return base::Fail(base::Code::kCorrupt, fmt::format("{}/CURRENT is missing, but {} is there", dir, name));
    }
  }
  return {};
}

// What RocksDB must not be asked to open, and what its logs end in. Nobody may be writing the folder meanwhile.
base::Result<ExaminedLogs> Examine(const std::string& dir) {
  UT_TRY(RefuseRemains(dir));
  UT_TRY_ASSIGN(ExaminedLogs logs, ExamineLogs(dir));
  if (logs.damaged.empty()) return logs;
  return base::Fail(
      base::Code::kCorrupt,
      fmt::format("{} is damaged before its end: what was stored after that would be lost", logs.damaged));
}

base::Result<ExaminedLogs> ExamineLocked(const std::string& dir, rocksdb::Env* env) {
  UT_TRY_ASSIGN(const FolderLock lock, FolderLock::Take(dir, env));
  return Examine(dir);
}

base::Result<std::optional<std::string>> GetFrom(rocksdb::DB& db, rocksdb::ColumnFamilyHandle* family,
                                                 std::string_view key) {
  std::string value;
  const rocksdb::Status status = db.Get(rocksdb::ReadOptions(), family, ToSlice(key), &value);
  if (status.IsNotFound()) return std::nullopt;
  if (!status.ok()) return std::unexpected(FromRocks(status, "reading a row"));
  return value;
}

}  // namespace

base::Error FromRocks(const rocksdb::Status& status, std::string_view what) {
  base::Code code = base::Code::kUnavailable;
  if (status.IsCorruption()) code = base::Code::kCorrupt;
  if (status.IsInvalidArgument() || status.IsNotSupported()) code = base::Code::kInternal;
  return {.code = code, .message = fmt::format("the job store failed {}: {}", what, status.ToString())};
}

base::Result<FolderLock> FolderLock::Take(const std::string& dir, rocksdb::Env* env) {
  if (env == nullptr) env = rocksdb::Env::Default();
  rocksdb::FileLock* lock = nullptr;
  const rocksdb::Status status = env->LockFile(dir + "/LOCK", &lock);
  if (status.ok()) return FolderLock(env, lock);
  const std::string text = status.ToString();
  if (text.find("Resource temporarily unavailable") == std::string::npos &&
      text.find("lock hold") == std::string::npos) {
    return std::unexpected(FromRocks(status, fmt::format("locking {}", dir)));
  }
  return base::Fail(base::Code::kUnavailable,
                    fmt::format("{} is in use by another process (a server, or a check or backup of it): end that one "
                                "first, or use another data folder",
                                dir),
                    "in-use");
}

FolderLock::~FolderLock() {
  if (lock_ != nullptr) env_->UnlockFile(lock_).PermitUncheckedError();
}

base::Result<std::unique_ptr<Database>> Database::OpenAs(Access access, const std::string& dir, const Options& options,
                                                         const ExaminedLogs& logs) {
  const auto cache = rocksdb::NewLRUCache(options.block_cache_bytes);
  const std::vector<rocksdb::ColumnFamilyDescriptor> families{
      {rocksdb::kDefaultColumnFamilyName, MainFamily(cache)},
      {"outcomes", RowsFamily(options, cache)},
  };
  auto env = NewOrderedEnv(options.env);
  rocksdb::DBOptions base = BaseOptions(options, env.get());
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  const auto open = [&] {
    return access == Access::kWrite ? rocksdb::DB::Open(base, dir, families, &handles, &db)
                                    : rocksdb::DB::OpenForReadOnly(base, dir, families, &handles, &db);
  };
  rocksdb::Status status = open();
  if (status.IsCorruption() && logs.newest == LogTail::kTorn && !logs.older_torn) {
    base::LogWarn("store-log-torn", {{"dir", dir}, {"error", status.ToString()}});
    base.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
    status = open();
  }
  if (!status.ok()) {
    base::Error error = FromRocks(status, fmt::format("opening {}", dir));
    // The folder is there: it is one of its own files that another names.
    if (status.IsPathNotFound() || error.message.find("No such file or directory") != std::string::npos) {
      error.code = base::Code::kCorrupt;
    }
    return std::unexpected(std::move(error));
  }
  std::unique_ptr<Database> database(new Database(std::move(env)));
  database->db_.reset(db);
  database->main_ = handles[0];
  database->rows_ = handles[1];
  return database;
}

base::Result<std::unique_ptr<Database>> Database::Open(const std::string& dir, const Options& options) {
  // RocksDB syncs what it puts into the folder, not the folder's own entry.
  UT_TRY(base::MakeDurableFolder(dir, base::Parents::kMustExist));
  UT_TRY_ASSIGN(const ExaminedLogs logs, ExamineLocked(dir, options.env));
  // RocksDB takes the lock for itself, and not while we have it.
  auto database = OpenAs(Access::kWrite, dir, options, logs);
  if (!database) {
    // Another process that took it in between is why this one fails.
    const auto lock = FolderLock::Take(dir, options.env);
    if (!lock && lock.error().reason == "in-use") return std::unexpected(lock.error());
    return std::unexpected(std::move(database).error());
  }
  UT_TRY((*database)->CheckFormat());
  return std::move(*database);
}

base::Result<std::unique_ptr<Database>> Database::OpenToRead(const std::string& dir, const Options& options) {
  UT_TRY_ASSIGN(const ExaminedLogs logs, Examine(dir));
  return OpenAs(Access::kRead, dir, options, logs);
}

Database::~Database() {
  for (rocksdb::ColumnFamilyHandle* handle : {main_, rows_}) {
    if (handle != nullptr) db_->DestroyColumnFamilyHandle(handle).PermitUncheckedError();
  }
  // What is synced in the WAL is safe already: closing does not wait for a flush.
  if (db_) db_->Close().PermitUncheckedError();
}

base::Status Database::CheckFormat() {
  UT_TRY_ASSIGN(const auto stored, Get(FormatKey()));
  if (!stored) {
    rocksdb::WriteBatch batch;
    const rocksdb::Status status = batch.Put(FormatKey(), EncodeNumber(kFormat));
    if (!status.ok()) return std::unexpected(FromRocks(status, "writing its format"));
    return Write(batch);
  }
  UT_TRY_ASSIGN(const std::uint64_t format, DecodeNumber(*stored, "format"));
  if (format == kFormat) return {};
  return base::Fail(base::Code::kUnsupported,
                    fmt::format("the job store has format {}, this build reads {}: use the newer build that wrote it",
                                format, kFormat));
}

base::Result<std::optional<std::string>> Database::Get(std::string_view key) {
  return GetFrom(*db_, main_, key);
}
base::Result<std::optional<std::string>> Database::GetRow(std::string_view key) {
  return GetFrom(*db_, rows_, key);
}

base::Status Database::Scan(rocksdb::ColumnFamilyHandle* family, std::string_view from, std::string_view to,
                            const Visit& visit) {
  const rocksdb::Slice upper = ToSlice(to);
  rocksdb::ReadOptions options;
  options.iterate_upper_bound = &upper;
  const std::unique_ptr<rocksdb::Iterator> at(db_->NewIterator(options, family));
  for (at->Seek(ToSlice(from)); at->Valid(); at->Next()) {
    UT_TRY_ASSIGN(const Walk walk, visit(ToView(at->key()), ToView(at->value())));
    if (walk == Walk::kStop) return {};
  }
  if (!at->status().ok()) return std::unexpected(FromRocks(at->status(), "reading rows"));
  return {};
}

base::Status Database::ScanBack(rocksdb::ColumnFamilyHandle* family, std::string_view from, std::string_view to,
                                const Visit& visit) {
  const rocksdb::Slice lower = ToSlice(from);
  const rocksdb::Slice upper = ToSlice(to);
  rocksdb::ReadOptions options;
  options.iterate_lower_bound = &lower;
  options.iterate_upper_bound = &upper;
  const std::unique_ptr<rocksdb::Iterator> at(db_->NewIterator(options, family));
  for (at->SeekToLast(); at->Valid(); at->Prev()) {
    UT_TRY_ASSIGN(const Walk walk, visit(ToView(at->key()), ToView(at->value())));
    if (walk == Walk::kStop) return {};
  }
  if (!at->status().ok()) return std::unexpected(FromRocks(at->status(), "reading rows"));
  return {};
}

base::Result<std::optional<Uid>> Database::FindUid(const job::JobKey& key) {
  UT_TRY_ASSIGN(const auto stored, Get(JobIndexKey(key)));
  if (!stored) return std::nullopt;
  UT_TRY_ASSIGN(const Uid uid, DecodeNumber(*stored, "job index entry"));
  return uid;
}

base::Result<std::optional<job::Job>> Database::LoadJob(Uid uid) {
  UT_TRY_ASSIGN(const auto spec_bytes, Get(SpecKey(uid)));
  if (!spec_bytes) return std::nullopt;
  UT_TRY_ASSIGN(const auto state_bytes, Get(StateKey(uid)));
  if (!state_bytes) return std::nullopt;
  UT_TRY_ASSIGN(auto spec, DecodeSpec(*spec_bytes));
  UT_TRY_ASSIGN(auto state, DecodeState(*state_bytes));
  return job::Job{.spec = std::move(spec.spec), .state = std::move(state.state), .counters = state.counters};
}

base::Status Database::Write(rocksdb::WriteBatch& batch) {
  rocksdb::WriteOptions options;
  options.sync = true;
  const rocksdb::Status status = db_->Write(options, &batch);
  if (!status.ok()) return std::unexpected(FromRocks(status, "committing"));
  return {};
}

base::Status Database::Checkpoint(const std::string& dir) {
  rocksdb::Checkpoint* made = nullptr;
  rocksdb::Status status = rocksdb::Checkpoint::Create(db_.get(), &made);
  const std::unique_ptr<rocksdb::Checkpoint> checkpoint(made);
  if (status.ok()) status = checkpoint->CreateCheckpoint(dir);
  if (!status.ok()) return std::unexpected(FromRocks(status, fmt::format("making the checkpoint {}", dir)));
  return {};
}

std::vector<std::string> Database::TableFiles() {
  std::vector<rocksdb::LiveFileMetaData> files;
  db_->GetLiveFilesMetaData(&files);
  std::vector<std::string> paths;
  for (const rocksdb::LiveFileMetaData& file : files) paths.push_back(file.db_path + file.name);
  return paths;
}

base::Status Database::Resume() {
  if (const rocksdb::Status room = ProbeSpace(*db_); !room.ok()) {
    return std::unexpected(FromRocks(room, "finding space after a failed write"));
  }
  const rocksdb::Status status = db_->Resume();
  if (status.ok()) return {};
  base::Error error = FromRocks(status, "resuming after a failed write");
  if (status.severity() >= rocksdb::Status::Severity::kFatalError) {
    error.message += "; it takes no writes until it is reopened";
  }
  return std::unexpected(std::move(error));
}

}  // namespace store
