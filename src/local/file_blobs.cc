#include "local/file_blobs.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <list>
#include <set>
#include <span>
#include <utility>

#include "base/folder.h"
#include "base/random.h"
#include "local/blob_key.h"
#include "local/files.h"

namespace local {

namespace {

constexpr std::size_t kBufferBytes = 256 * 1024;  // gathers small appends: a manifest comes line by line
constexpr std::size_t kOpenManifests = 32;        // a manifest is read in many ranges
constexpr std::size_t kPutAtOnce = 64;            // files open at the same time in one Put
constexpr std::size_t kSyncedKeys = 16'384;       // remembered: about 3 MB

base::Result<BlobKind> CheckKey(std::string_view key) {
  if (const auto kind = ParseBlobKey(key)) return *kind;
  return base::Fail(base::Code::kInternal, "not a blob key");
}

// A file in tmp, locked while it lives; removed unless it was moved to its key.
class TempFile {
 public:
  TempFile() = default;
  TempFile(TempFile&& other) noexcept : fd_(std::move(other.fd_)), path_(std::exchange(other.path_, {})) {}
  TempFile& operator=(TempFile&&) = delete;
  ~TempFile() {
    if (!path_.empty()) (void)::unlink(path_.c_str());
  }
  static base::Result<TempFile> Create(const std::string& root) {
    base::SystemRandom random;
    while (true) {
      TempFile file;
      file.path_ = fmt::format("{}/tmp/{}", root, random.Hex(16));
      file.fd_ = OpenFile(file.path_, O_RDWR | O_CREAT | O_EXCL);
      if (!file.fd_.ok()) return base::FailErrno(fmt::format("create {}", std::exchange(file.path_, {})), errno);
      struct stat info{};
      // Between open and flock another process that opens the store may have taken the file for a leftover: then it has
      // no name any more, and a new one is made.
      if (::flock(file.fd_.get(), LOCK_EX | LOCK_NB) == 0 && ::fstat(file.fd_.get(), &info) == 0 &&
          info.st_nlink == 1) {
        return file;
      }
    }
  }
  [[nodiscard]] base::Status Write(std::string_view bytes) { return WriteAll(fd_.get(), bytes, path_); }
  // Asks the kernel to begin writing, so that syncing many files afterwards waits for the disk once. A hint.
  void StartWriteback() { (void)::sync_file_range(fd_.get(), 0, 0, SYNC_FILE_RANGE_WRITE); }
  [[nodiscard]] base::Status SyncData() {
    // On failure the file is thrown away with its pages: nothing is ever synced twice.
    if (::fdatasync(fd_.get()) != 0) return base::FailErrno(fmt::format("fdatasync {}", path_), errno);
    return {};
  }
  [[nodiscard]] base::Status MoveTo(const std::string& target) {
    if (::rename(path_.c_str(), target.c_str()) != 0) {
      return base::FailErrno(fmt::format("rename {} to {}", path_, target), errno);
    }
    path_.clear();
    return {};
  }

 private:
  Fd fd_;
  std::string path_;
};

// The blob's name appears or passes to a new file in one step beside RemoveUnlessWritten.
base::Status MoveToKey(const Folders& folders, TempFile& file, std::string_view key) {
  UT_TRY_ASSIGN(const auto lock, folders.Lock(FolderOf(key), Folders::Hold::kShared));
  return file.MoveTo(fmt::format("{}/{}", folders.root(), key));
}

base::TimePoint WrittenAt(const struct stat& info) {
  return base::FromUnixMicros(info.st_mtim.tv_sec * 1'000'000 + info.st_mtim.tv_nsec / 1000);
}

class FileWriter final : public ports::BlobWriter {
 public:
  FileWriter(std::shared_ptr<Folders> folders, TempFile file) : folders_(std::move(folders)), file_(std::move(file)) {}

  base::Status Append(std::string_view bytes) override {
    if (buffer_.size() + bytes.size() < kBufferBytes) {
      buffer_ += bytes;
      return {};
    }
    UT_TRY(Flush());
    if (bytes.size() >= kBufferBytes) return Keep(file_.Write(bytes));
    buffer_ = bytes;
    return {};
  }

  base::Status Commit(std::string_view key) override {
    UT_TRY(CheckKey(key));
    UT_TRY(Flush());
    UT_TRY(Keep(file_.SyncData()));
    UT_TRY(folders_->Ensure(FolderOf(key)));
    UT_TRY(Keep(MoveToKey(*folders_, file_, key)));
    return folders_->Sync(FolderOf(key));
  }

 private:
  // After the first failure the file's content is unknown: every later call fails the same way.
  base::Status Keep(base::Status status) {
    if (!status && !failure_) failure_ = status.error();
    return status;
  }
  base::Status Flush() {
    if (failure_) return std::unexpected(*failure_);
    const base::Status written = Keep(file_.Write(buffer_));
    buffer_.clear();
    return written;
  }

  std::shared_ptr<Folders> folders_;
  TempFile file_;
  std::string buffer_;
  std::optional<base::Error> failure_;
};

// Manifests that were read lately, open; the least recently used one is closed first. Thread-safe.
class OpenFiles {
 public:
  std::shared_ptr<const Fd> Find(std::string_view key) {
    const std::lock_guard lock(mutex_);
    const auto found = std::ranges::find(files_, key, &Entry::key);
    if (found == files_.end()) return nullptr;
    files_.splice(files_.begin(), files_, found);
    return files_.front().fd;
  }
  void Add(std::string_view key, std::shared_ptr<const Fd> fd) {
    const std::lock_guard lock(mutex_);
    files_.push_front({std::string(key), std::move(fd)});
    if (files_.size() > kOpenManifests) files_.pop_back();
  }
  void Forget(std::string_view key) {
    const std::lock_guard lock(mutex_);
    std::erase_if(files_, [&](const Entry& entry) { return entry.key == key; });
  }

 private:
  struct Entry {
    std::string key;
    std::shared_ptr<const Fd> fd;
  };
  std::mutex mutex_;
  std::list<Entry> files_;  // guarded by mutex_; most recently used first
};

// Keys whose file and name this process has synced itself, up to a number of them. Thread-safe.
class SyncedKeys {
 public:
  bool Has(std::string_view key) {
    const std::lock_guard lock(mutex_);
    return keys_.contains(key);
  }
  void Add(std::string_view key) {
    const std::lock_guard lock(mutex_);
    if (keys_.size() >= kSyncedKeys) keys_.clear();
    keys_.emplace(key);
  }

 private:
  std::mutex mutex_;
  std::set<std::string, std::less<>> keys_;  // guarded by mutex_
};

base::Status ReadRange(int fd, std::uint64_t offset, std::uint64_t length, const std::string& path, std::string& out) {
  struct stat info{};
  if (::fstat(fd, &info) != 0) return base::FailErrno(fmt::format("stat {}", path), errno);
  const auto size = static_cast<std::uint64_t>(info.st_size);
  const std::uint64_t wanted = offset >= size ? 0 : std::min(length, size - offset);
  std::size_t done = 0;
  int error = 0;
  out.resize_and_overwrite(wanted, [&](char* data, std::size_t) {
    while (done < wanted) {
      const ssize_t got = ::pread(fd, data + done, wanted - done, static_cast<off_t>(offset + done));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) error = errno;
      if (got <= 0) break;
      done += static_cast<std::size_t>(got);
    }
    return done;
  });
  if (error != 0) return base::FailErrno(fmt::format("read {}", path), error);
  return {};
}

// The names in a folder, sorted; none if the folder is absent.
base::Result<std::vector<std::string>> Names(const std::string& path) {
  std::vector<std::string> names;
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir(path.c_str()), ::closedir);
  if (!folder) {
    if (errno == ENOENT) return names;
    return base::FailErrno(fmt::format("list {}", path), errno);
  }
  errno = 0;
  while (const dirent* entry = ::readdir(folder.get())) {
    if (entry->d_name[0] != '.') names.emplace_back(entry->d_name);
    errno = 0;
  }
  if (errno != 0) return base::FailErrno(fmt::format("list {}", path), errno);
  std::ranges::sort(names);
  return names;
}

class FileBlobs final : public ports::BlobStore {
 public:
  explicit FileBlobs(std::shared_ptr<Folders> folders) : folders_(std::move(folders)) {}

  base::Result<std::unique_ptr<ports::BlobWriter>> NewWriter() override {
    UT_TRY(folders_->Healthy());
    UT_TRY_ASSIGN(TempFile file, TempFile::Create(folders_->root()));
    return std::make_unique<FileWriter>(folders_, std::move(file));
  }

  base::Status Put(const std::vector<ports::BlobToPut>& blobs) override {
    for (const ports::BlobToPut& blob : blobs) UT_TRY(CheckKey(blob.key));
    std::set<std::string_view> touched;
    for (std::size_t first = 0; first < blobs.size(); first += kPutAtOnce) {
      const std::size_t count = std::min(kPutAtOnce, blobs.size() - first);
      UT_TRY(PutSome({blobs.data() + first, count}, touched));
    }
    for (const std::string_view folder : touched) UT_TRY(folders_->Sync(folder));
    for (const ports::BlobToPut& blob : blobs) synced_.Add(blob.key);
    return {};
  }

  base::Status Read(std::string_view key, std::uint64_t offset, std::uint64_t length, std::string& out) override {
    UT_TRY_ASSIGN(const BlobKind kind, CheckKey(key));
    std::shared_ptr<const Fd> file = kind == BlobKind::kManifest ? manifests_.Find(key) : nullptr;
    if (!file) {
      file = std::make_shared<Fd>(OpenFile(PathOf(key), O_RDONLY));
      if (!file->ok() && errno == ENOENT) return base::Fail(base::Code::kNotFound, fmt::format("no blob {}", key));
      if (!file->ok()) return base::FailErrno(fmt::format("open {}", PathOf(key)), errno);
      if (kind == BlobKind::kManifest) manifests_.Add(key, file);
    }
    return ReadRange(file->get(), offset, length, PathOf(key), out);
  }

  base::Result<std::optional<std::uint64_t>> Size(std::string_view key) override {
    UT_TRY(CheckKey(key));
    struct stat info{};
    if (::stat(PathOf(key).c_str(), &info) == 0) return static_cast<std::uint64_t>(info.st_size);
    if (errno == ENOENT) return std::optional<std::uint64_t>();
    return base::FailErrno(fmt::format("stat {}", PathOf(key)), errno);
  }

  base::Status Remove(std::string_view key) override {
    UT_TRY(CheckKey(key));
    manifests_.Forget(key);
    if (::unlink(PathOf(key).c_str()) == 0 || errno == ENOENT) return {};
    return base::FailErrno(fmt::format("unlink {}", PathOf(key)), errno);
  }

  base::Result<ports::Removal> RemoveUnlessWritten(const ports::BlobEntry& listed) override {
    UT_TRY(CheckKey(listed.key));
    struct stat info{};
    const std::string path = PathOf(listed.key);
    if (::access(path.c_str(), F_OK) != 0 && errno == ENOENT) return ports::Removal::kGone;  // so may be its folder
    UT_TRY_ASSIGN(const auto lock, folders_->Lock(FolderOf(listed.key), Folders::Hold::kAlone));
    if (!lock) return ports::Removal::kKept;
    if (::stat(path.c_str(), &info) != 0) {
      if (errno == ENOENT) return ports::Removal::kGone;
      return base::FailErrno(fmt::format("stat {}", path), errno);
    }
    if (WrittenAt(info) != listed.written_at) return ports::Removal::kKept;
    UT_TRY(Remove(listed.key));
    return ports::Removal::kGone;
  }

  base::Result<std::vector<ports::BlobEntry>> List(std::string& cursor, std::size_t limit) override {
    std::vector<ports::BlobEntry> entries;
    UT_TRY_ASSIGN(const std::vector<std::string> leaves, Leaves(cursor));
    for (const std::string& leaf : leaves) {
      UT_TRY_ASSIGN(const std::vector<std::string> names, Names(PathOf(leaf)));
      for (const std::string& name : names) {
        std::string key = fmt::format("{}/{}", leaf, name);
        struct stat info{};
        if (key <= cursor || !ParseBlobKey(key) || ::stat(PathOf(key).c_str(), &info) != 0) continue;
        entries.push_back(
            {.key = std::move(key), .bytes = static_cast<std::uint64_t>(info.st_size), .written_at = WrittenAt(info)});
        if (entries.size() < std::max<std::size_t>(limit, 1)) continue;
        cursor = entries.back().key;
        return entries;
      }
    }
    cursor.clear();
    return entries;
  }

 private:
  [[nodiscard]] std::string PathOf(std::string_view key) const { return fmt::format("{}/{}", folders_->root(), key); }

  base::Status PutSome(std::span<const ports::BlobToPut> blobs, std::set<std::string_view>& touched) {
    std::vector<std::pair<const ports::BlobToPut*, TempFile>> files;
    std::set<std::string_view> keys;
    for (const ports::BlobToPut& blob : blobs) {
      if (!keys.insert(blob.key).second) continue;
      touched.insert(FolderOf(blob.key));
      UT_TRY(folders_->Ensure(FolderOf(blob.key)));
      // A blob that is there may be another process's, whose sync of the folder failed: ours would answer OK and not
      // cover that name any more. So it is written and renamed once more, unless it is our own; then it only counts as
      // written now.
      const std::string path = PathOf(blob.key);
      if (synced_.Has(blob.key)) {
        UT_TRY_ASSIGN(const auto lock, folders_->Lock(FolderOf(blob.key), Folders::Hold::kShared));
        if (::utimensat(AT_FDCWD, path.c_str(), nullptr, 0) == 0) continue;
        if (errno != ENOENT) return base::FailErrno(fmt::format("touch {}", path), errno);
      }
      UT_TRY_ASSIGN(TempFile file, TempFile::Create(folders_->root()));
      UT_TRY(file.Write(blob.bytes));
      file.StartWriteback();
      files.emplace_back(&blob, std::move(file));
    }
    for (auto& [blob, file] : files) UT_TRY(file.SyncData());
    for (auto& [blob, file] : files) UT_TRY(MoveToKey(*folders_, file, blob->key));
    return {};
  }

  // Folders that hold blobs, in the order of their keys, from that of `cursor` on.
  base::Result<std::vector<std::string>> Leaves(std::string_view cursor) {
    const std::string_view from = cursor.empty() ? cursor : FolderOf(cursor);
    std::vector<std::string> leaves;
    UT_TRY_ASSIGN(const std::vector<std::string> tenants, Names(PathOf("t")));
    for (const std::string& tenant : tenants) {
      const std::string content = fmt::format("t/{}/c", tenant);
      UT_TRY_ASSIGN(const std::vector<std::string> shards, Names(PathOf(content)));
      for (const std::string& shard : shards) leaves.push_back(fmt::format("{}/{}", content, shard));
      leaves.push_back(fmt::format("t/{}/m", tenant));
    }
    std::erase_if(leaves, [&](const std::string& leaf) { return leaf < from; });
    return leaves;
  }

  std::shared_ptr<Folders> folders_;
  OpenFiles manifests_;
  SyncedKeys synced_;
};

// What a crash left in tmp: files that no living writer holds locked.
void RemoveLeftovers(const std::string& tmp, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    const std::string path = fmt::format("{}/{}", tmp, name);
    const Fd file = OpenFile(path, O_RDONLY);
    if (file.ok() && ::flock(file.get(), LOCK_EX | LOCK_NB) == 0) (void)::unlink(path.c_str());
  }
}

}  // namespace

base::Result<std::unique_ptr<ports::BlobStore>> OpenFileBlobs(const std::string& dir) {
  UT_TRY(base::MakeDurableFolder(dir, base::Parents::kMustExist));
  auto folders = std::make_shared<Folders>(dir);
  UT_TRY(folders->Ensure("tmp"));
  UT_TRY(folders->Ensure("t"));
  const std::string tmp = fmt::format("{}/tmp", dir);
  UT_TRY_ASSIGN(const std::vector<std::string> names, Names(tmp));
  RemoveLeftovers(tmp, names);
  return std::make_unique<FileBlobs>(std::move(folders));
}

std::unique_ptr<ports::BlobStore> ReadFileBlobs(const std::string& dir) {
  return std::make_unique<FileBlobs>(std::make_shared<Folders>(dir));
}

}  // namespace local
