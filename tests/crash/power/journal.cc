#include "journal.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <vector>

namespace power {

namespace {

constexpr std::uint32_t kMagic = 0x4A505455;  // "UTPJ"

struct Header {
  std::uint32_t magic;
  Kind kind;
  Class file_class;
  std::uint16_t name_bytes;
  std::uint64_t ino;
  std::uint64_t parent;
  std::uint64_t a;
  std::uint32_t payload_bytes;
  std::uint32_t pid;
};
static_assert(sizeof(Header) == 40);

[[noreturn]] void Die(const char* why) {
  std::fprintf(stderr, "libubertoons-power: %s: errno %d\n", why, errno);
  std::abort();
}

std::string Variable(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr || *value == '\0') Die(name);
  return value;
}

bool Ends(std::string_view text, std::string_view end) {
  return text.ends_with(end);
}

// "a/b/c" has three.
std::size_t Parts(std::string_view path) {
  return path.empty() ? 0 : static_cast<std::size_t>(std::ranges::count(path, '/')) + 1;
}

Class ClassifyDatabase(std::string_view name) {
  if (name.empty()) return Class::kDbFolder;
  if (Ends(name, ".log")) return Class::kWal;
  if (Ends(name, ".sst")) return Class::kSst;
  if (name.starts_with("MANIFEST-")) return Class::kManifest;
  if (name == "CURRENT" || Ends(name, ".dbtmp")) return Class::kCurrent;
  return Class::kOther;
}

Class ClassifyBlobs(std::string_view path) {
  if (path.starts_with("tmp/")) return Class::kBlob;
  if (!path.starts_with("t/")) return Class::kBlobParent;
  // t/<tenant>/m holds manifests, t/<tenant>/c/<aa> content.
  const std::size_t parts = Parts(path);
  if (path.find("/c", 2) == std::string_view::npos || Ends(path, "/m")) {
    return parts < 3 ? Class::kBlobParent : parts == 3 ? Class::kBlobLeaf : Class::kBlob;
  }
  return parts < 4 ? Class::kBlobParent : parts == 4 ? Class::kBlobLeaf : Class::kBlob;
}

// The rest of `path` below `folder`; false if it lies elsewhere.
bool Inside(std::string_view path, std::string_view folder, std::string_view& rest) {
  if (!path.starts_with(folder)) return false;
  rest = path.substr(folder.size());
  if (!rest.empty() && rest.front() != '/') return false;
  if (!rest.empty()) rest.remove_prefix(1);
  return true;
}

}  // namespace

bool Below(std::string_view root, std::string_view path, std::string& relative) {
  // Folds "//", "." and ".." by name: the server makes no symbolic links.
  std::vector<std::string_view> parts;
  for (std::size_t at = 0; at < path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    const std::string_view part = path.substr(at, end - at);
    if (part == ".." && !parts.empty()) parts.pop_back();
    if (!part.empty() && part != "." && part != "..") parts.push_back(part);
    at = end + 1;
  }
  std::string clean;
  for (const std::string_view part : parts) {
    clean += '/';
    clean += part;
  }
  std::string_view rest;
  if (!Inside(clean, root, rest)) return false;
  relative = rest;
  return true;
}

Class Classify(std::string_view relative) {
  std::string_view rest;
  if (Inside(relative, "data/db", rest)) return ClassifyDatabase(rest);
  if (Inside(relative, "data/blobs", rest)) return ClassifyBlobs(rest);
  if (Inside(relative, "data/keys", rest)) return Class::kKeys;
  if (relative.empty() || relative == "data") return Class::kTop;
  return Class::kOther;
}

Journal& Journal::Get() {
  static Journal* journal = new Journal();  // never destroyed: other libraries write until the last moment
  return *journal;
}

Journal::Journal() : root_(Variable("UBERTOONS_POWER_ROOT")) {
  const std::string dir = Variable("UBERTOONS_POWER_DIR");
  const auto open = [](const std::string& path, int flags) {
    return static_cast<int>(::syscall(SYS_openat, AT_FDCWD, path.c_str(), flags | O_CLOEXEC, 0));
  };
  journal_fd_ = open(dir + "/journal", O_WRONLY | O_APPEND);
  const int control_fd = open(dir + "/control", O_RDWR);
  if (journal_fd_ < 0 || control_fd < 0) Die("no control or journal");
  void* page = ::mmap(nullptr, kControlBytes, PROT_READ | PROT_WRITE, MAP_SHARED, control_fd, 0);
  if (page == MAP_FAILED) Die("mmap");
  ::syscall(SYS_close, control_fd);
  control_ = static_cast<Control*>(page);
  std::uint32_t nobody = 0;
  control_->server_pid.compare_exchange_strong(nobody, static_cast<std::uint32_t>(::getpid()));
}

Journal::Lock::Lock(Journal& journal) : journal_(journal), threads_(journal.mutex_) {
  while (::flock(journal_.journal_fd_, LOCK_EX) != 0) {
    if (errno != EINTR) Die("flock");
  }
}

Journal::Lock::~Lock() {
  const int kept = errno;
  (void)::flock(journal_.journal_fd_, LOCK_UN);
  errno = kept;
}

void Journal::Append(const Record& record) {
  const int kept = errno;
  Header header{.magic = kMagic,
                .kind = record.kind,
                .file_class = record.file_class,
                .name_bytes = static_cast<std::uint16_t>(record.name.size()),
                .ino = record.ino,
                .parent = record.parent,
                .a = record.a,
                .payload_bytes = static_cast<std::uint32_t>(record.payload.size()),
                .pid = static_cast<std::uint32_t>(::getpid())};
  const iovec parts[] = {{&header, sizeof header},
                         {const_cast<char*>(record.name.data()), record.name.size()},
                         {const_cast<char*>(record.payload.data()), record.payload.size()}};
  const auto wanted = static_cast<long>(sizeof header + record.name.size() + record.payload.size());
  if (::syscall(SYS_writev, journal_fd_, parts, 3) != wanted) Die("the journal cannot be written");
  errno = kept;
}

void Journal::Reach(Moment moment, Call call, Class file_class) {
  Control& control = *control_;
  if (control.kill_moment != moment || control.kill_call != call) return;
  if ((control.kill_classes >> static_cast<unsigned>(file_class) & 1U) == 0) return;
  if (control.kill_countdown.fetch_sub(1) != 1) return;
  control.killed = 1;
  // A worker dies with the server. Nobody else changes anything meanwhile: the lock is ours.
  ::syscall(SYS_kill, static_cast<pid_t>(control.server_pid.load()), SIGKILL);  // the other kill takes the lock
  while (true) ::pause();
}

bool Journal::Fails(Fault fault, Class file_class) {
  Control& control = *control_;
  if (control.fault != fault) return false;
  if ((control.fault_classes >> static_cast<unsigned>(file_class) & 1U) == 0) return false;
  const std::int32_t budget = control.fault_budget;
  if (budget == 0) return false;
  if (budget > 0) control.fault_budget = budget - 1;
  control.fault_hits += 1;
  return true;
}

}  // namespace power
