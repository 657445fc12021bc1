#include "copy_tree.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <vector>

#include "base/hash.h"
#include "local/files.h"

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kPieceBytes = 1U << 20U;

// Up to kPieceBytes more; empty at the end.
base::Status ReadPiece(const local::Fd& file, const std::string& path, std::string& piece) {
  piece.resize(kPieceBytes);
  ssize_t got = 0;
  do {
    got = ::read(file.get(), piece.data(), piece.size());
  } while (got < 0 && errno == EINTR);
  if (got < 0) return base::FailErrno(fmt::format("read {}", path), errno);
  piece.resize(static_cast<std::size_t>(got));
  return {};
}

base::Result<bool> SameBytes(const CopyJob& job, const std::string& a, const std::string& b) {
  const local::Fd first = local::OpenFile(a, O_RDONLY);
  const local::Fd second = local::OpenFile(b, O_RDONLY);
  if (!first.ok() || !second.ok()) return false;
  std::string left;
  std::string right;
  do {
    UT_TRY(job.step());
    UT_TRY(ReadPiece(first, a, left));
    UT_TRY(ReadPiece(second, b, right));
    if (left != right) return false;
  } while (!left.empty());
  return true;
}

bool NamedByHash(const std::string& path) {
  const std::string name = fs::path(path).filename().string();
  return name.size() == 2 * base::Sha256{}.size() && name.find_first_not_of("0123456789abcdef") == std::string::npos;
}

// Are the bytes of `path` those that its name says?
base::Result<bool> AsNamed(const CopyJob& job, const std::string& path) {
  const local::Fd file = local::OpenFile(path, O_RDONLY);
  if (!file.ok()) return false;
  base::Sha256Stream hash;
  std::string piece;
  do {
    UT_TRY(job.step());
    UT_TRY(ReadPiece(file, path, piece));
    hash.Update(piece);
  } while (!piece.empty());
  return base::ToHex(base::View(hash.Finish())) == fs::path(path).filename().string();
}

base::Status CopyFile(const CopyJob& job, const std::string& from, const std::string& to, Copied& copied) {
  const local::Fd in = local::OpenFile(from, O_RDONLY);
  if (!in.ok() && errno == ENOENT && job.alike == Alike::kByName && !NamedByHash(from)) return {};
  if (!in.ok()) return base::FailErrno(fmt::format("open {}", from), errno);
  const local::Fd out = local::OpenFile(to, O_WRONLY | O_CREAT | O_EXCL);
  if (!out.ok()) return base::FailErrno(fmt::format("create {}", to), errno);
  std::string piece;
  do {
    UT_TRY(job.step());
    UT_TRY(ReadPiece(in, from, piece));
    UT_TRY(local::WriteAll(out.get(), piece, to));
    copied.bytes += piece.size();
  } while (!piece.empty());
  copied.files += 1;
  return {};
}

base::Result<bool> Link(const CopyJob& job, const std::string& from, const std::string& base, const std::string& to) {
  struct stat ours{};
  struct stat theirs{};
  if (::stat(from.c_str(), &ours) != 0 || ::stat(base.c_str(), &theirs) != 0) return false;
  if (ours.st_size != theirs.st_size) return false;
  // What the earlier backup's disk altered since must not become part of this one.
  const bool by_name = job.alike == Alike::kByName && NamedByHash(base);
  UT_TRY_ASSIGN(const bool same, by_name ? AsNamed(job, base) : SameBytes(job, from, base));
  if (!same) return false;
  return ::link(base.c_str(), to.c_str()) == 0;  // another disk: it is copied
}

}  // namespace

base::Status CopyTree(const CopyJob& job, Copied& copied) {
  if (::mkdir(job.to.c_str(), 0700) != 0) return base::FailErrno(fmt::format("create folder {}", job.to), errno);
  std::vector<fs::path> folders;
  std::error_code error;
  for (auto at = fs::directory_iterator(job.from, error); !error && at != fs::directory_iterator();
       at.increment(error)) {
    const std::string name = at->path().filename().string();
    std::error_code ignored;
    if (at->is_directory(ignored)) folders.push_back(at->path());
    if (!at->is_regular_file(ignored) || name == "LOCK") continue;
    UT_TRY(job.step());
    const std::string to = fmt::format("{}/{}", job.to, name);
    bool linked = false;
    if (!job.base.empty()) {
      UT_TRY_ASSIGN(linked, Link(job, at->path().string(), fmt::format("{}/{}", job.base, name), to));
    }
    if (linked) {
      copied.files += 1;
      copied.linked += 1;
      copied.bytes += fs::file_size(to, ignored);
    } else {
      UT_TRY(CopyFile(job, at->path().string(), to, copied));
    }
  }
  if (error) return base::FailErrno(fmt::format("list {}", job.from), error.value());
  for (const fs::path& folder : folders) {
    const std::string name = folder.filename().string();
    CopyJob below = job;
    below.from = folder.string();
    below.to = fmt::format("{}/{}", job.to, name);
    if (!job.base.empty()) below.base = fmt::format("{}/{}", job.base, name);
    UT_TRY(CopyTree(below, copied));
  }
  return {};
}

base::Status SyncDisk(const std::string& path) {
  const local::Fd folder = local::OpenFile(path, O_RDONLY | O_DIRECTORY);
  if (!folder.ok() || ::syncfs(folder.get()) != 0) return base::FailErrno(fmt::format("sync {}", path), errno);
  return {};
}

base::Status WriteDurably(const std::string& path, std::string_view text) {
  const std::string temporary = path + ".tmp";
  const local::Fd file = local::OpenFile(temporary, O_WRONLY | O_CREAT | O_TRUNC);
  if (!file.ok()) return base::FailErrno(fmt::format("create {}", temporary), errno);
  UT_TRY(local::WriteAll(file.get(), text, temporary));
  if (::fsync(file.get()) != 0) return base::FailErrno(fmt::format("fsync {}", temporary), errno);
  if (std::rename(temporary.c_str(), path.c_str()) != 0) return base::FailErrno(fmt::format("rename {}", path), errno);
  const std::string folder = fs::path(path).parent_path().string();
  const local::Fd parent = local::OpenFile(folder.empty() ? "." : folder, O_RDONLY | O_DIRECTORY);
  if (!parent.ok() || ::fsync(parent.get()) != 0) return base::FailErrno(fmt::format("fsync {}", folder), errno);
  return {};
}
