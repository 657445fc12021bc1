#include "cli/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace cli {
namespace {

constexpr std::size_t kPieceBytes = 256 * 1024;

std::unexpected<Failure> CannotRead(std::string_view path, int errno_value) {
  char buffer[128];
  return FailUsage(fmt::format("cannot read {}: {}", path, strerror_r(errno_value, buffer, sizeof buffer)));
}

}  // namespace

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  if (this != &other) {
    if (fd_ >= 0) close(fd_);
    fd_ = other.fd_;
    other.fd_ = -1;
  }
  return *this;
}

Descriptor::~Descriptor() {
  if (fd_ >= 0) close(fd_);
}

std::string Descriptor::proc_path() const {
  return fmt::format("/proc/self/fd/{}", fd_);
}

Try<Descriptor> OpenForReading(const std::string& path) {
  // Without O_NONBLOCK a named pipe would hold us until somebody writes to it.
  Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (file.get() < 0) return CannotRead(path, errno);
  struct stat info{};
  if (fstat(file.get(), &info) != 0) return CannotRead(path, errno);
  if (S_ISDIR(info.st_mode)) return CannotRead(path, EISDIR);
  if (!S_ISREG(info.st_mode)) return FailUsage(fmt::format("cannot read {}: not a regular file", path));
  return file;
}

Try<Descriptor> OpenTemporary(const std::string& folder) {
  Descriptor file(open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (file.get() >= 0) return file;
  // File systems without O_TMPFILE: a name that exists for a moment only.
  std::string name = folder + "/ubertoons-XXXXXX";
  file = Descriptor(mkostemp(name.data(), O_CLOEXEC));
  if (file.get() < 0) return FailLocal("create a temporary file in " + folder, errno);
  if (unlink(name.c_str()) != 0) return FailLocal("unlink " + name, errno);
  return file;
}

Try<void> ReadPieces(int fd, std::string_view name, const std::function<Try<void>(std::string_view)>& take) {
  std::vector<char> piece(kPieceBytes);
  for (;;) {
    const ssize_t got = read(fd, piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return CannotRead(name, errno);
    if (got == 0) return {};
    UT_TRY(take(std::string_view(piece.data(), static_cast<std::size_t>(got))));
  }
}

Try<void> WriteAll(int fd, std::string_view bytes, std::string_view name) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return FailLocal(fmt::format("write {}", name), errno);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

Try<std::string> ReadSmallFile(const std::string& path, std::uint64_t limit) {
  UT_TRY_ASSIGN(const Descriptor file, OpenForReading(path));
  std::string text;
  UT_TRY(ReadPieces(file.get(), path, [&](std::string_view piece) -> Try<void> {
    text += piece;
    if (text.size() > limit) return FailUsage(fmt::format("{} is over {}", path, HumanBytes(limit)));
    return {};
  }));
  return text;
}

Try<FileDigest> DigestFile(const std::string& path) {
  UT_TRY_ASSIGN(const Descriptor file, OpenForReading(path));
  FileDigest digest;
  base::Sha256Stream stream;
  UT_TRY(ReadPieces(file.get(), path, [&](std::string_view piece) -> Try<void> {
    digest.bytes += piece.size();
    stream.Update(piece);
    return {};
  }));
  digest.sha256 = stream.Finish();
  return digest;
}

}  // namespace cli
