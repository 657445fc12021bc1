// What the calls of exports.cc do: as the C library's, below the root journaled as well. Thread-safe.
#pragma once

#include <sys/types.h>
#include <sys/uio.h>

#include <cstddef>

namespace power {

[[nodiscard]] int Open(int folder, const char* path, int flags, mode_t mode);
[[nodiscard]] int MakeTemporary(char* pattern, int flags);
// Of the descriptor tables: it was closed, or is another name of `from`.
void Forget(int fd);
void Copy(int from, int to);
[[nodiscard]] bool IsOurs(int fd);
// at < 0: at the descriptor's own position.
[[nodiscard]] ssize_t Write(int fd, const void* data, std::size_t bytes, off_t at);
[[nodiscard]] ssize_t WriteParts(int fd, const iovec* parts, int count, off_t at);
[[nodiscard]] int Resize(int fd, off_t size);
[[nodiscard]] int Allocate(int fd, int mode, off_t offset, off_t length);
// number: of the system call, for files that are not ours.
[[nodiscard]] int Sync(int fd, long number);
[[nodiscard]] int Rename(int from_folder, const char* from, int to_folder, const char* to, unsigned flags);
[[nodiscard]] int Link(int from_folder, const char* from, int to_folder, const char* to, int flags);
[[nodiscard]] int Unlink(int folder, const char* path, int flags);
[[nodiscard]] int MakeFolder(int folder, const char* path, mode_t mode);
// SIGKILL reaches nobody between a change and its record.
[[nodiscard]] int Signal(pid_t process, int number);

}  // namespace power
