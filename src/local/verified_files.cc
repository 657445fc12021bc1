#include "local/verified_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/hash.h"
#include "local/files.h"
#include "ports/blob_store.h"

namespace local {

namespace {

constexpr std::size_t kPieceBytes = 1U << 20U;

std::string StampOf(const struct stat& info) {
  return fmt::format("{} {} {}.{} {}.{}", info.st_ino, info.st_size, info.st_mtim.tv_sec, info.st_mtim.tv_nsec,
                     info.st_ctim.tv_sec, info.st_ctim.tv_nsec);
}

base::Result<base::Sha256> HashOf(const Fd& file, const std::string& path) {
  base::Sha256Stream hash;
  std::string piece(kPieceBytes, '\0');
  while (true) {
    const ssize_t got = ::read(file.get(), piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return base::FailErrno(fmt::format("read {}", path), errno);
    if (got == 0) return hash.Finish();
    hash.Update(std::string_view(piece).substr(0, static_cast<std::size_t>(got)));
  }
}

}  // namespace

base::Result<std::string> VerifiedFiles::Find(std::string_view given) {
  const auto name = ports::ParseBlobKey(given);
  if (!name || !name->content) return base::Fail(base::Code::kInternal, "not the key of content");
  const std::string key(given);
  std::string path = fmt::format("{}/{}", root_, key);
  const Fd file = OpenFile(path, O_RDONLY);
  if (!file.ok() && errno == ENOENT) return base::Fail(base::Code::kNotFound, "its bytes are gone");
  struct stat info{};
  if (!file.ok() || ::fstat(file.get(), &info) != 0) return base::FailErrno(fmt::format("open {}", path), errno);
  std::string stamp = StampOf(info);
  if (Known(key, stamp)) return path;
  UT_TRY_ASSIGN(const base::Sha256 hash, HashOf(file, path));
  if (hash != *name->content) {
    return base::Fail(base::Code::kCorrupt, fmt::format("{} does not hold the bytes that were stored", path));
  }
  Remember(key, std::move(stamp));
  return path;
}

bool VerifiedFiles::Known(const std::string& key, const std::string& stamp) {
  const std::lock_guard lock(mutex_);
  const auto found = good_.find(key);
  return found != good_.end() && found->second == stamp;
}

void VerifiedFiles::Remember(const std::string& key, std::string stamp) {
  const std::lock_guard lock(mutex_);
  if (good_.size() >= kRemembered) good_.clear();
  good_[key] = std::move(stamp);
}

}  // namespace local
