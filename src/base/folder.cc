#include "base/folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <filesystem>

namespace base {

namespace {

enum class Entry : std::uint8_t { kNew, kFound };

Status SyncParent(const std::string& parent, Entry entry) {
  const int fd = ::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) {
    // A folder that somebody prepared for us below one that we may not read: its entry was their care.
    if (errno == EACCES && entry == Entry::kFound) return {};
    return FailErrno(fmt::format("open {}", parent), errno);
  }
  const int error = ::fsync(fd) == 0 ? 0 : errno;
  (void)::close(fd);
  if (error != 0) return FailErrno(fmt::format("fsync {}", parent), error);
  return {};
}

}  // namespace

Status MakeDurableFolder(const std::string& path, Parents parents) {
  std::error_code error;
  std::filesystem::path folder = std::filesystem::absolute(path, error);
  if (error) return FailErrno(fmt::format("find {}", path), error.value());
  if (!folder.has_filename()) folder = folder.parent_path();  // "a/b/"
  const std::filesystem::path parent = folder.parent_path();
  if (parent == folder) return {};  // "/"
  Entry entry = Entry::kNew;
  int made = ::mkdir(folder.c_str(), 0700);
  if (made != 0 && errno == ENOENT && parents == Parents::kMade) {
    UT_TRY(MakeDurableFolder(parent.string(), parents));
    made = ::mkdir(folder.c_str(), 0700);
  }
  if (made != 0) {
    if (errno != EEXIST) return FailErrno(fmt::format("create folder {}", path), errno);
    entry = Entry::kFound;
  }
  return SyncParent(parent.string(), entry);
}

}  // namespace base
