// The C library's calls that change files, as the server and RocksDB make them, taken over by LD_PRELOAD. Below the
// root each is done and journaled under one lock; elsewhere it is only done. A sync reaches no disk: it is journaled,
// and takes a random while, so that what must wait for it is seen to wait.
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <random>

#include "journal.h"

namespace power {
namespace {
// ---- descriptors ------------------------------------------------------------------------------------------------

struct Slot {
  std::atomic<ino_t> ino;  // 0: not below the root
  std::atomic<Class> file_class;
};
constexpr int kMaxDescriptors = 65'536;
std::array<Slot, kMaxDescriptors> g_slots;

struct File {
  ino_t ino = 0;
  Class file_class = Class::kOther;
  bool folder = false;
  off_t size = 0;
  explicit operator bool() const { return ino != 0; }
};

// Checked against the kernel: closedir and the like close descriptors without a call that we see.
File FileOf(int fd) {
  if (fd < 0 || fd >= kMaxDescriptors) return {};
  const ino_t ino = g_slots[fd].ino;
  if (ino == 0) return {};
  const int kept = errno;
  struct stat info{};
  const bool same = ::fstat(fd, &info) == 0 && info.st_ino == ino && (S_ISREG(info.st_mode) || S_ISDIR(info.st_mode));
  errno = kept;
  if (!same) return {};
  return {.ino = ino, .file_class = g_slots[fd].file_class, .folder = S_ISDIR(info.st_mode), .size = info.st_size};
}

void Remember(int fd, ino_t ino, Class file_class) {
  if (fd < 0 || fd >= kMaxDescriptors) std::abort();
  g_slots[fd].file_class = file_class;
  g_slots[fd].ino = ino;
}

// ---- paths --------------------------------------------------------------------------------------------------------

struct Place {
  bool inside = false;  // below the root
  std::string path;
  std::string name;
  Class file_class = Class::kOther;
};

std::string FolderOfDescriptor(int fd) {
  char text[4096];
  const std::string link = fd == AT_FDCWD ? "/proc/self/cwd" : "/proc/self/fd/" + std::to_string(fd);
  const ssize_t length = ::readlink(link.c_str(), text, sizeof text);
  return length < 0 ? "" : std::string(text, static_cast<std::size_t>(length));
}

Place PlaceOf(int folder, const char* path) {
  if (path == nullptr || *path == '\0') return {};
  const int kept = errno;
  Place place;
  place.path = *path == '/' ? std::string(path) : FolderOfDescriptor(folder) + "/" + path;
  errno = kept;
  Journal& journal = Journal::Get();
  std::string relative;
  place.inside = Below(journal.root(), place.path, relative);
  if (!place.inside) return place;
  place.file_class = Classify(relative);
  place.path = relative.empty() ? journal.root() : journal.root() + "/" + relative;
  place.name = relative.substr(relative.rfind('/') + 1);
  return place;
}

struct stat StatOf(const std::string& path) {
  const int kept = errno;
  struct stat info{};
  if (::lstat(path.c_str(), &info) != 0) info = {};
  errno = kept;
  return info;
}

ino_t ParentOf(const Place& place) {
  return StatOf(place.path.substr(0, place.path.rfind('/'))).st_ino;
}

int Fail(int error) {
  errno = error;
  return -1;
}

// ---- calls --------------------------------------------------------------------------------------------------------

int RawOpen(int folder, const char* path, int flags, mode_t mode) {
  return static_cast<int>(::syscall(SYS_openat, folder, path, flags, mode));
}

// The record of an open that may have made or cut a file.
void NoteOpened(const Place& place, const struct stat& before, const struct stat& now, int flags) {
  Journal& journal = Journal::Get();
  if (before.st_ino == 0) {
    journal.Append({.kind = Kind::kCreate,
                    .file_class = place.file_class,
                    .ino = now.st_ino,
                    .parent = ParentOf(place),
                    .name = place.name});
    journal.Reach(Moment::kAfter, Call::kCreate, place.file_class);
  } else if ((flags & O_TRUNC) != 0 && before.st_size != 0) {
    journal.Append({.kind = Kind::kTruncate, .file_class = place.file_class, .ino = now.st_ino});
  }
}

// How many of `bytes` a failing disk takes; negative: none, with errno set.
ssize_t Admit(Journal& journal, Class file_class, std::size_t bytes) {
  if (journal.Fails(Fault::kReadOnly, file_class)) return Fail(EROFS);
  if (journal.Fails(Fault::kWriteError, file_class)) return Fail(EIO);
  if (journal.Fails(Fault::kNoSpace, file_class)) return Fail(ENOSPC);
  if (bytes > 1 && journal.Fails(Fault::kTornWrite, file_class)) {
    journal.control().fault = Fault::kNoSpace;
    return static_cast<ssize_t>(bytes / 2);
  }
  return static_cast<ssize_t>(bytes);
}

void Linger(std::uint32_t most_micros) {
  if (most_micros == 0) return;
  thread_local std::minstd_rand random(std::random_device{}());
  const timespec pause{.tv_sec = 0, .tv_nsec = static_cast<long>(random() % most_micros) * 1000};
  ::nanosleep(&pause, nullptr);
}

}  // namespace

bool IsOurs(int fd) {
  return static_cast<bool>(FileOf(fd));
}

void Forget(int fd) {
  if (fd >= 0 && fd < kMaxDescriptors) g_slots[fd].ino = 0;
}

void Copy(int from, int to) {
  if (from < 0 || from >= kMaxDescriptors || to < 0 || to >= kMaxDescriptors) return;
  g_slots[to].file_class = g_slots[from].file_class.load();
  g_slots[to].ino = g_slots[from].ino.load();
}

int Open(int folder, const char* path, int flags, mode_t mode) {
  const Place place = PlaceOf(folder, path);
  if (!place.inside) {
    const int fd = RawOpen(folder, path, flags, mode);
    Forget(fd);
    return fd;
  }
  if ((flags & O_TMPFILE) == O_TMPFILE) std::abort();  // a file without a name: not known here
  Journal& journal = Journal::Get();
  const Journal::Lock lock(journal);
  const struct stat before = StatOf(place.path);
  const bool creates = (flags & O_CREAT) != 0 && before.st_ino == 0;
  const bool writes = (flags & O_ACCMODE) != O_RDONLY && (creates || before.st_ino != 0);
  if (writes && journal.Fails(Fault::kReadOnly, place.file_class)) return Fail(EROFS);
  if (creates) {
    if (journal.Fails(Fault::kNoSpace, place.file_class)) return Fail(ENOSPC);
    journal.Reach(Moment::kBefore, Call::kCreate, place.file_class);
  }
  const int fd = RawOpen(folder, path, flags, mode);
  if (fd < 0) return fd;
  const struct stat now = StatOf(place.path);
  Remember(fd, now.st_ino, place.file_class);
  NoteOpened(place, before, now, flags);
  return fd;
}

// at < 0: at the descriptor's own position.
ssize_t Write(int fd, const void* data, std::size_t bytes, off_t at) {
  const auto raw = [&](std::size_t count) {
    return at < 0 ? ::syscall(SYS_write, fd, data, count) : ::syscall(SYS_pwrite64, fd, data, count, at);
  };
  if (!FileOf(fd)) return raw(bytes);
  Journal& journal = Journal::Get();
  const Journal::Lock lock(journal);
  const File file = FileOf(fd);
  journal.Reach(Moment::kBefore, Call::kWrite, file.file_class);
  const ssize_t admitted = Admit(journal, file.file_class, bytes);
  if (admitted < 0) return -1;
  const bool appends = (::fcntl(fd, F_GETFL) & O_APPEND) != 0;
  const off_t offset = appends ? file.size : at < 0 ? ::lseek(fd, 0, SEEK_CUR) : at;
  const ssize_t written = raw(static_cast<std::size_t>(admitted));
  if (written > 0) {
    journal.Append({.kind = Kind::kWrite,
                    .file_class = file.file_class,
                    .ino = file.ino,
                    .a = static_cast<std::uint64_t>(offset),
                    .payload = {static_cast<const char*>(data), static_cast<std::size_t>(written)}});
    journal.Reach(Moment::kAfter, Call::kWrite, file.file_class);
  }
  return written;
}

ssize_t WriteParts(int fd, const iovec* parts, int count, off_t at) {
  if (!FileOf(fd)) {
    return at < 0 ? ::syscall(SYS_writev, fd, parts, count) : ::syscall(SYS_pwritev, fd, parts, count, at, 0);
  }
  std::string all;
  for (int i = 0; i < count; ++i) all.append(static_cast<const char*>(parts[i].iov_base), parts[i].iov_len);
  return Write(fd, all.data(), all.size(), at);
}

int Resize(int fd, off_t size) {
  const File known = FileOf(fd);
  if (!known) return static_cast<int>(::syscall(SYS_ftruncate, fd, size));
  Journal& journal = Journal::Get();
  const Journal::Lock lock(journal);
  const File file = FileOf(fd);
  if (journal.Fails(Fault::kReadOnly, file.file_class)) return Fail(EROFS);
  const int answer = static_cast<int>(::syscall(SYS_ftruncate, fd, size));
  if (answer == 0 && file.size != size) {
    journal.Append({.kind = Kind::kTruncate,
                    .file_class = file.file_class,
                    .ino = file.ino,
                    .a = static_cast<std::uint64_t>(size)});
  }
  return answer;
}

int Allocate(int fd, int mode, off_t offset, off_t length) {
  const File known = FileOf(fd);
  if (!known) return static_cast<int>(::syscall(SYS_fallocate, fd, mode, offset, length));
  Journal& journal = Journal::Get();
  const Journal::Lock lock(journal);
  if (journal.Fails(Fault::kReadOnly, known.file_class)) return Fail(EROFS);
  if (journal.Fails(Fault::kNoSpace, known.file_class)) return Fail(ENOSPC);
  const File before = FileOf(fd);
  // Only space past the end is ever given back; a hole in the middle is not known here.
  if ((mode & FALLOC_FL_PUNCH_HOLE) != 0 && offset < before.size) std::abort();
  const int answer = static_cast<int>(::syscall(SYS_fallocate, fd, mode, offset, length));
  const File after = FileOf(fd);
  if (answer == 0 && after.size != before.size) {
    journal.Append({.kind = Kind::kTruncate,
                    .file_class = after.file_class,
                    .ino = after.ino,
                    .a = static_cast<std::uint64_t>(after.size)});
  }
  return answer;
}

int Sync(int fd, long number) {
  const File file = FileOf(fd);
  if (!file) return static_cast<int>(::syscall(number, fd));
  Journal& journal = Journal::Get();
  Control& control = journal.control();
  const auto index = static_cast<std::size_t>(file.file_class);
  std::uint64_t id = 0;
  {
    const Journal::Lock lock(journal);
    journal.Reach(Moment::kBefore, Call::kSync, file.file_class);
    if (journal.Fails(Fault::kSyncError, file.file_class)) {
      journal.Append({.kind = Kind::kSyncFailed, .file_class = file.file_class, .ino = file.ino});
      return Fail(EIO);
    }
    if ((control.lie_classes >> index & 1U) != 0) {
      control.lies[index] += 1;
      return 0;
    }
    id = control.next_sync.fetch_add(1);
    journal.Append({.kind = Kind::kSyncBegin, .file_class = file.file_class, .ino = file.ino, .a = id});
  }
  Linger(control.sync_micros);
  const Journal::Lock lock(journal);
  journal.Append({.kind = Kind::kSyncEnd, .file_class = file.file_class, .ino = file.ino, .a = id});
  control.syncs[index] += 1;
  journal.Reach(Moment::kAfter, Call::kSync, file.file_class);
  return 0;
}

int Rename(int from_folder, const char* from, int to_folder, const char* to, unsigned flags) {
  const Place source = PlaceOf(from_folder, from);
  const Place target = PlaceOf(to_folder, to);
  const auto raw = [&] { return static_cast<int>(::syscall(SYS_renameat2, from_folder, from, to_folder, to, flags)); };
  if (!source.inside && !target.inside) return raw();
  if (!source.inside || !target.inside || flags != 0) std::abort();  // not known here
  Journal& journal = Journal::Get();
  const Journal::Lock lock(journal);
  if (journal.Fails(Fault::kReadOnly, source.file_class)) return Fail(EROFS);
  journal.Reach(Moment::kBefore, Call::kRename, source.file_class);
  const ino_t ino = StatOf(source.path).st_ino;
  const int answer = raw();
  if (answer != 0) return answer;
  std::string names = source.name;
  names += '\0';
  names += target.name;
  journal.Append({.kind = Kind::kRename,
                  .file_class = source.file_class,
                  .ino = ino,
                  .parent = ParentOf(source),
                  .a = ParentOf(target),
                  .name = names});
  journal.Reach(Moment::kAfter, Call::kRename, source.file_class);
  return answer;
}

int Unlink(int folder, const char* path, int flags) {
  const Place place = PlaceOf(folder, path);
  if (!place.inside) return static_cast<int>(::syscall(SYS_unlinkat, folder, path, flags));
  Journal& journal = Journal::Get();
  const Journal::Lock lock(journal);
  if (StatOf(place.path).st_ino != 0 && journal.Fails(Fault::kReadOnly, place.file_class)) return Fail(EROFS);
  journal.Reach(Moment::kBefore, Call::kUnlink, place.file_class);
  const int answer = static_cast<int>(::syscall(SYS_unlinkat, folder, path, flags));
  if (answer != 0) return answer;
  journal.Append(
      {.kind = Kind::kUnlink, .file_class = place.file_class, .parent = ParentOf(place), .name = place.name});
  journal.Reach(Moment::kAfter, Call::kUnlink, place.file_class);
  return answer;
}

int MakeFolder(int folder, const char* path, mode_t mode) {
  const Place place = PlaceOf(folder, path);
  if (!place.inside) return static_cast<int>(::syscall(SYS_mkdirat, folder, path, mode));
  Journal& journal = Journal::Get();
  const Journal::Lock lock(journal);
  if (StatOf(place.path).st_ino == 0 && journal.Fails(Fault::kReadOnly, place.file_class)) return Fail(EROFS);
  const int answer = static_cast<int>(::syscall(SYS_mkdirat, folder, path, mode));
  if (answer != 0) return answer;
  journal.Append({.kind = Kind::kCreate,
                  .file_class = place.file_class,
                  .ino = StatOf(place.path).st_ino,
                  .parent = ParentOf(place),
                  .a = 1,
                  .name = place.name});
  journal.Reach(Moment::kAfter, Call::kCreate, place.file_class);
  return answer;
}

int Link(int from_folder, const char* from, int to_folder, const char* to, int flags) {
  const Place source = PlaceOf(from_folder, from);
  const Place target = PlaceOf(to_folder, to);
  const auto raw = [&] { return static_cast<int>(::syscall(SYS_linkat, from_folder, from, to_folder, to, flags)); };
  if (!source.inside && !target.inside) return raw();
  if (!source.inside || !target.inside) std::abort();  // not known here
  Journal& journal = Journal::Get();
  const Journal::Lock lock(journal);
  if (journal.Fails(Fault::kReadOnly, target.file_class)) return Fail(EROFS);
  const int answer = raw();
  if (answer != 0) return answer;
  journal.Append({.kind = Kind::kLink,
                  .file_class = target.file_class,
                  .ino = StatOf(target.path).st_ino,
                  .parent = ParentOf(target),
                  .name = target.name});
  return answer;
}

// The server kills a worker whose work is not wanted any more. Under the lock the worker is at most waiting for it, and
// that wait ends with the signal.
int Signal(pid_t process, int number) {
  const auto raw = [&] { return static_cast<int>(::syscall(SYS_kill, process, number)); };
  if (number != SIGKILL) return raw();
  const Journal::Lock lock(Journal::Get());
  return raw();
}

// The C library opens the file behind our back, so it is noted afterwards, under the lock.
int MakeTemporary(char* pattern, int flags) {
  static const auto real = reinterpret_cast<int (*)(char*, int)>(::dlsym(RTLD_NEXT, "mkostemp"));
  Journal& journal = Journal::Get();
  const Journal::Lock lock(journal);
  const int fd = real(pattern, flags);
  if (fd < 0) return fd;
  Forget(fd);
  const Place place = PlaceOf(AT_FDCWD, pattern);
  if (!place.inside) return fd;
  const struct stat now = StatOf(place.path);
  Remember(fd, now.st_ino, place.file_class);
  NoteOpened(place, {}, now, 0);
  return fd;
}

}  // namespace power
