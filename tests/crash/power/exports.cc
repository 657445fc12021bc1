// The C library's calls that change files, as the server and RocksDB make them, taken over by LD_PRELOAD.
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstdlib>

#include "calls.h"

namespace power {
namespace {

mode_t ModeOf(int flags, va_list arguments) {
  return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, mode_t) : 0;
}

}  // namespace
}  // namespace power

// NOLINTBEGIN: the names and shapes are the C library's.
extern "C" {

#define POWER_OPEN(NAME)                                 \
  int NAME(const char* path, int flags, ...) {           \
    va_list arguments;                                   \
    va_start(arguments, flags);                          \
    const mode_t mode = power::ModeOf(flags, arguments); \
    va_end(arguments);                                   \
    return power::Open(AT_FDCWD, path, flags, mode);     \
  }
POWER_OPEN(open)
POWER_OPEN(open64)
#undef POWER_OPEN

#define POWER_OPENAT(NAME)                                 \
  int NAME(int folder, const char* path, int flags, ...) { \
    va_list arguments;                                     \
    va_start(arguments, flags);                            \
    const mode_t mode = power::ModeOf(flags, arguments);   \
    va_end(arguments);                                     \
    return power::Open(folder, path, flags, mode);         \
  }
POWER_OPENAT(openat)
POWER_OPENAT(openat64)
#undef POWER_OPENAT

int __open_2(const char* path, int flags) {
  return power::Open(AT_FDCWD, path, flags, 0);
}
int __open64_2(const char* path, int flags) {
  return power::Open(AT_FDCWD, path, flags, 0);
}
int creat(const char* path, mode_t mode) {
  return power::Open(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}
int mkostemp(char* pattern, int flags) {
  return power::MakeTemporary(pattern, flags);
}
int mkstemp(char* pattern) {
  return power::MakeTemporary(pattern, 0);
}

int close(int fd) {
  power::Forget(fd);
  return static_cast<int>(::syscall(SYS_close, fd));
}
int dup(int fd) noexcept {
  const int made = static_cast<int>(::syscall(SYS_dup, fd));
  power::Copy(fd, made);
  return made;
}
int dup2(int fd, int to) noexcept {
  const int made = static_cast<int>(::syscall(SYS_dup2, fd, to));
  power::Copy(fd, made);
  return made;
}
int dup3(int fd, int to, int flags) noexcept {
  const int made = static_cast<int>(::syscall(SYS_dup3, fd, to, flags));
  power::Copy(fd, made);
  return made;
}

ssize_t write(int fd, const void* data, size_t bytes) {
  return power::Write(fd, data, bytes, -1);
}
ssize_t pwrite(int fd, const void* data, size_t bytes, off_t at) {
  return power::Write(fd, data, bytes, at);
}
ssize_t pwrite64(int fd, const void* data, size_t bytes, off64_t at) {
  return power::Write(fd, data, bytes, at);
}
ssize_t writev(int fd, const iovec* parts, int count) {
  return power::WriteParts(fd, parts, count, -1);
}
ssize_t pwritev(int fd, const iovec* parts, int count, off_t at) {
  return power::WriteParts(fd, parts, count, at);
}

int ftruncate(int fd, off_t size) noexcept {
  return power::Resize(fd, size);
}
int ftruncate64(int fd, off64_t size) noexcept {
  return power::Resize(fd, size);
}
int fallocate(int fd, int mode, off_t offset, off_t length) {
  return power::Allocate(fd, mode, offset, length);
}
int posix_fallocate(int fd, off_t offset, off_t length) {
  return power::Allocate(fd, 0, offset, length) == 0 ? 0 : errno;
}

int fsync(int fd) {
  return power::Sync(fd, SYS_fsync);
}
int fdatasync(int fd) {
  return power::Sync(fd, SYS_fdatasync);
}
// A hint to start writing; nothing may rest on it.
int sync_file_range(int fd, off64_t offset, off64_t bytes, unsigned flags) {
  if (power::IsOurs(fd)) return 0;
  return static_cast<int>(::syscall(SYS_sync_file_range, fd, offset, bytes, flags));
}

int rename(const char* from, const char* to) noexcept {
  return power::Rename(AT_FDCWD, from, AT_FDCWD, to, 0);
}
int renameat(int from_folder, const char* from, int to_folder, const char* to) noexcept {
  return power::Rename(from_folder, from, to_folder, to, 0);
}
int renameat2(int from_folder, const char* from, int to_folder, const char* to, unsigned flags) noexcept {
  return power::Rename(from_folder, from, to_folder, to, flags);
}
int link(const char* from, const char* to) noexcept {
  return power::Link(AT_FDCWD, from, AT_FDCWD, to, 0);
}
int linkat(int from_folder, const char* from, int to_folder, const char* to, int flags) noexcept {
  return power::Link(from_folder, from, to_folder, to, flags);
}
int unlink(const char* path) noexcept {
  return power::Unlink(AT_FDCWD, path, 0);
}
int unlinkat(int folder, const char* path, int flags) noexcept {
  return power::Unlink(folder, path, flags);
}
int rmdir(const char* path) noexcept {
  return power::Unlink(AT_FDCWD, path, AT_REMOVEDIR);
}
int remove(const char* path) noexcept {
  struct stat info{};
  const bool folder = ::lstat(path, &info) == 0 && S_ISDIR(info.st_mode);
  return power::Unlink(AT_FDCWD, path, folder ? AT_REMOVEDIR : 0);
}
int mkdir(const char* path, mode_t mode) noexcept {
  return power::MakeFolder(AT_FDCWD, path, mode);
}
int mkdirat(int folder, const char* path, mode_t mode) noexcept {
  return power::MakeFolder(folder, path, mode);
}
int kill(pid_t process, int number) noexcept {
  return power::Signal(process, number);
}

void* mmap(void* address, size_t bytes, int protection, int flags, int fd, off_t offset) noexcept {
  // Stores through a mapping would go unseen.
  if ((protection & PROT_WRITE) != 0 && (flags & MAP_SHARED) != 0 && power::IsOurs(fd)) std::abort();
  return reinterpret_cast<void*>(::syscall(SYS_mmap, address, bytes, protection, flags, fd, offset));
}
}
// NOLINTEND
