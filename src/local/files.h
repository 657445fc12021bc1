// File descriptors and synced folders, as the file blobs need them.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/error.h"

namespace local {

// Owns one descriptor; closes it.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(other.Release()) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) Reset(other.Release());
    return *this;
  }
  ~Fd() { Reset(-1); }
  void Reset(int fd);
  [[nodiscard]] int Release() {
    const int fd = fd_;
    fd_ = -1;
    return fd;
  }
  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool ok() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

// open(2) with O_CLOEXEC, again when interrupted. The descriptor is not ok() on failure and errno says why.
[[nodiscard]] Fd OpenFile(const std::string& path, int flags, unsigned mode = 0600);
// All of bytes, or kUnavailable with the path.
[[nodiscard]] base::Status WriteAll(int fd, std::string_view bytes, const std::string& path);

// Folders below a root, made and synced. Thread-safe.
class Folders {
 public:
  explicit Folders(std::string root) : root_(std::move(root)) {}
  [[nodiscard]] const std::string& root() const { return root_; }
  // Makes root/relative and its parents. Each new entry is durable when it returns OK; a folder that another process
  // made is synced too, once per process.
  [[nodiscard]] base::Status Ensure(std::string_view relative);
  // fsync of root/relative: the entries in it are durable. After one failure every Sync and Ensure fails.
  [[nodiscard]] base::Status Sync(std::string_view relative);
  // A lock of root/relative (flock) over every process and thread, until the descriptor is closed: shared by those who
  // put an entry there or touch it, alone for one that looks at an entry and then removes it. kAlone does not wait:
  // nullopt while anybody holds the lock.
  enum class Hold : std::uint8_t { kShared, kAlone };
  [[nodiscard]] base::Result<std::optional<Fd>> Lock(std::string_view relative, Hold hold) const;
  // Fails once a sync has failed.
  [[nodiscard]] base::Status Healthy() const;

 private:
  static constexpr std::size_t kMaxRemembered = 65'536;  // folders known to be durable: about 6 MB of names

  [[nodiscard]] std::string PathOf(std::string_view relative) const;
  [[nodiscard]] bool Remembered(std::string_view relative);
  void Remember(std::string_view relative);

  const std::string root_;
  std::atomic<bool> broken_ = false;
  std::mutex mutex_;
  std::set<std::string, std::less<>> durable_;  // guarded by mutex_
};

}  // namespace local
