#include "local/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "ports/blob_store.h"

namespace local {

void Fd::Reset(int fd) {
  if (fd_ >= 0) (void)::close(fd_);
  fd_ = fd;
}

Fd OpenFile(const std::string& path, int flags, unsigned mode) {
  int fd = -1;
  do {
    fd = ::open(path.c_str(), flags | O_CLOEXEC, mode);
  } while (fd < 0 && errno == EINTR);
  return Fd(fd);
}

base::Status WriteAll(int fd, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return base::FailErrno(fmt::format("write {}", path), errno);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

std::string Folders::PathOf(std::string_view relative) const {
  return relative.empty() ? root_ : fmt::format("{}/{}", root_, relative);
}

bool Folders::Remembered(std::string_view relative) {
  const std::lock_guard lock(mutex_);
  return durable_.contains(relative);
}

void Folders::Remember(std::string_view relative) {
  const std::lock_guard lock(mutex_);
  if (durable_.size() >= kMaxRemembered) durable_.clear();
  durable_.emplace(relative);
}

base::Status Folders::Healthy() const {
  if (!broken_) return {};
  return base::Fail(base::Code::kUnavailable, fmt::format("{}: an earlier sync failed; restart to go on", root_),
                    std::string(ports::kSyncFailed));
}

base::Status Folders::Ensure(std::string_view relative) {
  UT_TRY(Healthy());
  if (relative.empty() || Remembered(relative)) return {};
  const std::size_t slash = relative.rfind('/');
  const std::string_view parent = slash == std::string_view::npos ? "" : relative.substr(0, slash);
  UT_TRY(Ensure(parent));
  const std::string path = PathOf(relative);
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
    return base::FailErrno(fmt::format("mkdir {}", path), errno);
  }
  UT_TRY(Sync(parent));
  Remember(relative);
  return {};
}

base::Result<std::optional<Fd>> Folders::Lock(std::string_view relative, Hold hold) const {
  const std::string path = PathOf(relative);
  Fd folder = OpenFile(path, O_RDONLY | O_DIRECTORY);
  if (!folder.ok()) return base::FailErrno(fmt::format("open {}", path), errno);
  while (::flock(folder.get(), hold == Hold::kShared ? LOCK_SH : LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return std::nullopt;
    if (errno != EINTR) return base::FailErrno(fmt::format("lock {}", path), errno);
  }
  return std::optional(std::move(folder));
}

base::Status Folders::Sync(std::string_view relative) {
  UT_TRY(Healthy());
  const std::string path = PathOf(relative);
  const Fd folder = OpenFile(path, O_RDONLY | O_DIRECTORY);
  if (!folder.ok()) return base::FailErrno(fmt::format("open {}", path), errno);
  if (::fsync(folder.get()) == 0) return {};
  const int error = errno;
  broken_ = true;
  auto failed = base::FailErrno(fmt::format("fsync {}", path), error);
  failed.error().reason = ports::kSyncFailed;
  return failed;
}

}  // namespace local
