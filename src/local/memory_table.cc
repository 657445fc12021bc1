#include "local/memory_table.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <new>
#include <numeric>
#include <span>
#include <thread>

namespace local {

namespace {

constexpr std::uint64_t kMagic = 0x75746d656d303031;  // "utmem001"
constexpr off_t kTableByte = kMemoryLines;            // of the file: where the table's own lock is; the lines' before
constexpr std::uint64_t kSmallPart = 16;              // of the budget: what counts as small
constexpr std::uint64_t kSmallLane = 4;               // of the budget: what small ones may run in together

struct flock LockOf(short type, off_t at) {
  struct flock lock{};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = at;
  lock.l_len = 1;
  return lock;
}

struct Sums {
  std::uint64_t used = 0;
  std::uint64_t idle = 0;  // children and the workers themselves
  std::uint64_t others_running = 0;
  std::uint64_t others_idle = 0;  // children
  std::uint64_t small_running = 0;
  const MemoryLine* head = nullptr;
};

std::uint64_t SmallOf(const MemoryPage& page) {
  return std::max(page.budget / kSmallPart, kLeastSmallBytes);
}

std::chrono::nanoseconds Waited(const Sums& sums, std::int64_t now_ns) {
  return std::chrono::nanoseconds(sums.head != nullptr ? now_ns - sums.head->since_ns : 0);
}

Sums SumUp(const MemoryPage& page, std::size_t asking) {
  Sums sums;
  const std::uint64_t small = SmallOf(page);
  for (const MemoryLine& line : std::span(page.line).first(page.lines)) {
    const bool own = &line == &page.line[asking];
    sums.used += line.Idle() + line.running;
    sums.idle += line.Idle();
    if (!own) sums.others_running += line.running;
    if (!own) sums.others_idle += line.Idle() - line.own;
    if (line.running <= small) sums.small_running += line.running;
    if (line.wanted > 0 && (sums.head == nullptr || line.ticket < sums.head->ticket)) sums.head = &line;
  }
  return sums;
}

}  // namespace

std::uint64_t MemoryLine::Idle() const {
  return std::accumulate(std::begin(idle), std::end(idle), own);
}

bool MayTake(const MemoryPage& page, std::size_t asking, std::uint64_t bytes, std::int64_t now_ns) {
  const Sums sums = SumUp(page, asking);
  const bool fits = sums.used + bytes <= page.budget;
  if (sums.head == nullptr) return fits;
  const auto waited = Waited(sums, now_ns);
  const bool alone = sums.others_running == 0 && (sums.others_idle == 0 || waited >= kGiveUpTime);
  if (sums.head == &page.line[asking]) return fits || alone;
  if (!fits) return false;
  if (waited < kHeadPatience) return true;
  // With all that lies idle as well, the head must fit beside a full lane: it can wait for none of these.
  const std::uint64_t lane = std::max(page.budget / kSmallLane, SmallOf(page));
  return bytes <= SmallOf(page) && sums.small_running + bytes <= lane &&
         sums.head->wanted + sums.idle + lane <= page.budget;
}

bool IsHead(const MemoryPage& page, std::size_t line) {
  return SumUp(page, line).head == &page.line[line];
}

bool CallsAgain(MemoryPage& page, std::size_t asking, std::int64_t now_ns) {
  const Sums sums = SumUp(page, asking);
  if (sums.head != &page.line[asking] || sums.others_idle == 0) return false;
  const std::chrono::nanoseconds called(now_ns - page.called_ns);
  if (Waited(sums, now_ns) < kGiveUpTime || called < kGiveUpTime) return false;
  page.called_ns = now_ns;
  return true;
}

void AwaitChange(std::atomic<std::uint32_t>& word, std::uint32_t seen, std::chrono::nanoseconds most) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(most);
  const timespec time{.tv_sec = static_cast<time_t>(seconds.count()),
                      .tv_nsec = static_cast<long>((most - seconds).count())};
  (void)::syscall(SYS_futex, &word, FUTEX_WAIT, seen, &time, nullptr, 0);
}

void WakeAll(std::atomic<std::uint32_t>& word) {
  ++word;
  constexpr int kAll = 0x7fffffff;
  (void)::syscall(SYS_futex, &word, FUTEX_WAKE, kAll, nullptr, nullptr, 0);
}

base::Result<std::unique_ptr<MemoryTable>> MemoryTable::Map(Fd file, Begin begin) {
  const auto fail = [](int error) { return base::FailErrno("memory ledger", error); };
  if (!file.ok()) return fail(errno);
  struct stat status{};
  if (begin == Begin::kNew) {
    // All pages now, or an error: a hole that cannot be filled later is a SIGBUS. And nobody may make holes.
    if (const int error = ::posix_fallocate(file.get(), 0, sizeof(MemoryPage)); error != 0) return fail(error);
    if (::fcntl(file.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) return fail(errno);
  }
  if (::fstat(file.get(), &status) != 0) return fail(errno);
  if (status.st_size != sizeof(MemoryPage)) return fail(EPROTO);
  void* at = ::mmap(nullptr, sizeof(MemoryPage), PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  if (at == MAP_FAILED) return fail(errno);
  auto* page = begin == Begin::kNew ? new (at) MemoryPage : static_cast<MemoryPage*>(at);
  std::unique_ptr<MemoryTable> table(new MemoryTable(std::move(file), page));
  if (begin == Begin::kNew) page->magic = kMagic;
  if (page->magic != kMagic) return fail(EPROTO);
  return table;
}

MemoryTable::~MemoryTable() {
  (void)::munmap(page_, sizeof(MemoryPage));
}

MemoryTable::Lock::Lock(const MemoryTable& table) : table_(table) {
  constexpr std::chrono::microseconds kPause{100};
  const auto until = std::chrono::steady_clock::now() + kLockPatience;
  for (;;) {
    struct flock lock = LockOf(F_WRLCK, kTableByte);
    held_ = ::fcntl(table_.file_.get(), F_OFD_SETLK, &lock) == 0;
    const bool taken = !held_ && (errno == EAGAIN || errno == EACCES || errno == EINTR);
    if (!taken || std::chrono::steady_clock::now() >= until) return;
    std::this_thread::sleep_for(kPause);
  }
}

MemoryTable::Lock::~Lock() {
  if (!held_) return;
  struct flock lock = LockOf(F_UNLCK, kTableByte);
  (void)::fcntl(table_.file_.get(), F_OFD_SETLK, &lock);
}

std::optional<std::size_t> MemoryTable::Claim() const {
  for (std::size_t i = 0; i < kMemoryLines; ++i) {
    struct flock lock = LockOf(F_WRLCK, static_cast<off_t>(i));
    if (::fcntl(file_.get(), F_OFD_SETLK, &lock) != 0) continue;
    if (page_->line[i].wanted > 0 && page_->waiting > 0) --page_->waiting;  // of whoever had it and is gone
    page_->line[i] = {};
    page_->lines = std::max<std::uint64_t>(page_->lines, i + 1);
    return i;
  }
  return std::nullopt;
}

void MemoryTable::ReapIfDue(std::optional<std::size_t> own, std::int64_t now_ns) const {
  if (std::chrono::nanoseconds(now_ns - page_->reaped_ns) >= kReapEvery) Reap(own, now_ns);
}

void MemoryTable::Reap(std::optional<std::size_t> own, std::int64_t now_ns) const {
  page_->reaped_ns = now_ns;
  std::uint32_t waiting = 0;
  bool freed = false;
  for (std::size_t i = 0; i < page_->lines; ++i) {
    MemoryLine& line = page_->line[i];
    if (line.Empty()) continue;
    struct flock lock = LockOf(F_WRLCK, static_cast<off_t>(i));
    const bool gone = i != own && ::fcntl(file_.get(), F_OFD_GETLK, &lock) == 0 && lock.l_type == F_UNLCK;
    if (gone) {
      line = {};
      freed = true;
    }
    if (line.wanted > 0) ++waiting;
  }
  page_->waiting = waiting;
  if (freed) WakeAll(page_->turn);
}

}  // namespace local
