#include "local/memory_ledger.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <utility>

#include "local/memory_table.h"

namespace local {

namespace {

// Nobody says so when a process dies: the head looks again after so long, and wakes all when it found a dead one. The
// others only see to it that there still is a head: else each of a thousand would sum up a thousand lines that often.
constexpr std::chrono::milliseconds kHeadLooksAgain = kReapEvery;
constexpr std::chrono::milliseconds kOthersLookAgain{1'000};
// Where factors begin, in the order of ports::MemoryKind. Measured: PNGs of 50 megapixels that are cropped take 1.5
// times their estimate, our sample sounds 0.5 and clips 0.8 times; for the others it is the estimate itself.
constexpr double kPriors[] = {1.0, 1.5, 1.0, 1.0, 1.0, 1.0};
static_assert(std::size(kPriors) == ports::kMemoryKindNames.size());
// A child says nothing of this, the kernel does; still no toon may make others free or impossible.
constexpr double kLeastFactor = 0.25;
constexpr double kMostFactor = 4;
constexpr double kRise = 0.5;    // of the way to a larger ratio
constexpr double kDecay = 0.02;  // of the way to a smaller one: with kRise, about the 96th percentile

std::int64_t NowNs() {
  return std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1);
}

constexpr std::chrono::milliseconds kMissedFor{1'000};

class Ledger final : public MemoryLedger {
 public:
  Ledger(std::unique_ptr<MemoryTable> table, Fd given) : table_(std::move(table)), given_(std::move(given)) {}
  [[nodiscard]] int descriptor() const override { return given_.get(); }
  [[nodiscard]] MemoryFigures figures() override {
    const std::lock_guard ours(mutex_);
    // One scrape asks many times: of those only the first waits for a lock that is not to be had.
    if (std::chrono::nanoseconds(NowNs() - missed_ns_) < kMissedFor) return last_;
    const MemoryTable::Lock lock(*table_);
    if (!lock.held()) {
      missed_ns_ = NowNs();
      return last_;
    }
    table_->ReapIfDue(std::nullopt, NowNs());
    const MemoryPage& page = table_->page();
    MemoryFigures figures{.budget = page.budget, .waiting = page.waiting, .waits = page.waits};
    for (std::size_t i = 0; i < page.lines; ++i) {
      figures.running += page.line[i].running;
      figures.idle += page.line[i].Idle();
      figures.waiting_bytes += page.line[i].wanted;
    }
    std::ranges::copy(page.factors, figures.factors.begin());
    last_ = figures;
    return figures;
  }

 private:
  std::mutex mutex_;
  const std::unique_ptr<MemoryTable> table_;
  const Fd given_;
  MemoryFigures last_;
  std::int64_t missed_ns_ = 0;
};

class Share final : public ports::MemoryShare {
 public:
  Share(std::unique_ptr<MemoryTable> table, std::size_t line)
      : table_(std::move(table)), line_(line), statm_(OpenFile("/proc/self/statm", O_RDONLY)) {}
  [[nodiscard]] std::uint64_t budget() const override { return table_->page().budget; }
  [[nodiscard]] double Factor(ports::MemoryKind kind) const override {
    return std::atomic_ref(table_->page().factors[static_cast<std::size_t>(kind)]).load();
  }
  void Learn(ports::MemoryKind kind, double ratio) override;
  void Hold(std::size_t holder, std::uint64_t bytes) override {
    Change([&](MemoryLine& line) { line.idle[holder] = bytes; });
  }
  void Return(std::size_t holder, std::uint64_t bytes) override {
    Change([&](MemoryLine& line) {
      line.running = 0;
      line.idle[holder] = bytes;
    });
  }
  [[nodiscard]] Taken Take(std::uint64_t bytes, base::SteadyPoint deadline, const std::function<void()>& wait) override;
  [[nodiscard]] bool Wanted() const override;
  [[nodiscard]] bool AwaitWanted(const std::stop_token& stop, std::uint32_t& seen) override;

 private:
  enum class Ask : std::uint8_t { kOnce, kQueue };

  [[nodiscard]] bool TryTake(std::uint64_t bytes, Ask ask);
  void GiveUp();
  void Publish();
  template <typename Changer>
  void Change(const Changer& changer);
  [[nodiscard]] MemoryLine& Line() const { return table_->page().line[line_]; }
  // Of this process, without what files back: the kernel can drop that.
  [[nodiscard]] std::uint64_t OwnBytes() const;

  MemoryLine mine_;           // what our line should say: idle, running, and whether we wait
  mutable std::mutex mutex_;  // of our threads; the table's lock is between processes
  const std::unique_ptr<MemoryTable> table_;
  const std::size_t line_;
  const Fd statm_;
  std::atomic<bool> head_{false};  // of the queue, when we last asked
};

std::uint64_t Share::OwnBytes() const {
  char text[128] = {};
  unsigned long size = 0;
  unsigned long resident = 0;
  unsigned long shared = 0;
  if (!statm_.ok() || ::pread(statm_.get(), text, sizeof text - 1, 0) <= 0) return 0;
  if (std::sscanf(text, "%lu %lu %lu", &size, &resident, &shared) != 3 || resident < shared) return 0;
  return (resident - shared) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

// Under the lock.
void Share::Publish() {
  Line().own = mine_.own;
  std::ranges::copy(mine_.idle, Line().idle);
  Line().running = mine_.running;
  if (mine_.wanted == 0 && std::exchange(Line().wanted, 0) > 0) --table_->page().waiting;
}

template <typename Changer>
void Share::Change(const Changer& changer) {
  const std::lock_guard ours(mutex_);
  mine_.own = OwnBytes();
  changer(mine_);
  const MemoryTable::Lock lock(*table_);
  if (!lock.held()) return;  // told when we next have it
  const std::uint64_t before = Line().Idle() + Line().running;
  Publish();
  const bool less = Line().Idle() + Line().running < before;
  if (less && table_->page().waiting > 0) WakeAll(table_->page().turn);
}

void Share::Learn(ports::MemoryKind kind, double ratio) {
  const std::lock_guard ours(mutex_);
  const MemoryTable::Lock lock(*table_);
  if (!lock.held()) return;
  const std::atomic_ref factor(table_->page().factors[static_cast<std::size_t>(kind)]);
  const double now = factor;
  const double moved = now + (ratio > now ? kRise : kDecay) * (std::clamp(ratio, kLeastFactor, kMostFactor) - now);
  factor = std::clamp(moved, kLeastFactor, kMostFactor);
}

bool Share::TryTake(std::uint64_t bytes, Ask ask) {
  const std::lock_guard ours(mutex_);
  mine_.own = OwnBytes();
  const MemoryTable::Lock lock(*table_);
  if (!lock.held()) return false;
  Publish();
  MemoryPage& page = table_->page();
  const std::int64_t now = NowNs();
  if (page.waiting > 0) table_->ReapIfDue(line_, now);
  if (MayTake(page, line_, bytes, now)) {
    mine_.running = bytes;
    mine_.wanted = 0;
    Publish();
    if (page.waiting > 0) WakeAll(page.turn);  // there is another head
    return true;
  }
  if (ask == Ask::kQueue && Line().wanted == 0) {
    mine_.wanted = bytes;
    Line().wanted = bytes;
    Line().ticket = ++page.tickets;
    Line().since_ns = now;
    ++page.waits;
    ++page.waiting;
    WakeAll(page.calls);
  } else if (CallsAgain(page, line_, now)) {
    WakeAll(page.calls);
  }
  head_ = IsHead(page, line_);
  return false;
}

void Share::GiveUp() {
  Change([](MemoryLine& mine) { mine.wanted = 0; });
  WakeAll(table_->page().turn);
}

ports::MemoryShare::Taken Share::Take(std::uint64_t bytes, base::SteadyPoint deadline,
                                      const std::function<void()>& wait) {
  if (TryTake(bytes, Ask::kOnce)) return Taken::kYes;
  wait();
  if (TryTake(bytes, Ask::kQueue)) return Taken::kYes;
  for (;;) {
    const std::uint32_t turn = table_->page().turn;
    if (TryTake(bytes, Ask::kQueue)) return Taken::kYes;  // at once, if as the head it may run alone
    const auto left = deadline - std::chrono::steady_clock::now();
    if (left <= left.zero()) {
      GiveUp();
      return Taken::kNotYet;
    }
    AwaitChange(table_->page().turn, turn,
                std::min<std::chrono::nanoseconds>(left, head_ ? kHeadLooksAgain : kOthersLookAgain));
  }
}

// Most often nobody waits, and one word says so. One that does may have died since.
bool Share::Wanted() const {
  if (table_->page().waiting == 0) return false;
  const std::lock_guard ours(mutex_);
  const MemoryTable::Lock lock(*table_);
  if (lock.held()) table_->ReapIfDue(line_, NowNs());
  return table_->page().waiting > 0;
}

bool Share::AwaitWanted(const std::stop_token& stop, std::uint32_t& seen) {
  std::atomic<std::uint32_t>& calls = table_->page().calls;
  const std::stop_callback wake(stop, [&] { WakeAll(calls); });
  constexpr std::chrono::hours kLong{1};
  for (;;) {
    const std::uint32_t now = calls;  // before the look at `stop`: whoever stops us in between changed it since
    if (stop.stop_requested()) return false;
    if (now != seen && Wanted()) {
      seen = now;
      return true;
    }
    AwaitChange(calls, now, kLong);
  }
}

// What was opened once more: with locks of its own.
Fd Reopen(int descriptor) {
  return OpenFile(fmt::format("/proc/self/fd/{}", descriptor), O_RDWR);
}

base::Result<std::unique_ptr<MemoryTable>> NewTable(std::uint64_t budget) {
  Fd file(::memfd_create("memory-ledger", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  UT_TRY_ASSIGN(std::unique_ptr<MemoryTable> table, MemoryTable::Map(std::move(file), MemoryTable::Begin::kNew));
  table->page().budget = budget;
  std::ranges::copy(kPriors, table->page().factors);
  return table;
}

base::Result<std::unique_ptr<ports::MemoryShare>> Join(std::unique_ptr<MemoryTable> table) {
  std::optional<std::size_t> line;
  {
    const MemoryTable::Lock lock(*table);
    if (!lock.held()) return base::Fail(base::Code::kUnavailable, "memory ledger: somebody holds its lock");
    line = table->Claim();
  }
  if (!line) return base::Fail(base::Code::kUnavailable, "memory ledger: no line is free");
  auto share = std::make_unique<Share>(std::move(table), *line);
  share->Hold(0, 0);  // what the process has already
  return share;
}

}  // namespace

base::Result<std::unique_ptr<MemoryLedger>> MemoryLedger::Create(std::uint64_t budget) {
  UT_TRY_ASSIGN(std::unique_ptr<MemoryTable> table, NewTable(budget));
  // Workers inherit something else than what our own lock is on: that would outlive us in them.
  Fd given = Reopen(table->descriptor());
  if (!given.ok()) return base::FailErrno("memory ledger", errno);
  return std::make_unique<Ledger>(std::move(table), std::move(given));
}

base::Result<std::unique_ptr<ports::MemoryShare>> JoinMemoryLedger(int descriptor) {
  UT_TRY_ASSIGN(auto table, MemoryTable::Map(Reopen(descriptor), MemoryTable::Begin::kJoin));
  return Join(std::move(table));
}

base::Result<std::unique_ptr<ports::MemoryShare>> NewMemoryShare(std::uint64_t budget) {
  UT_TRY_ASSIGN(auto table, NewTable(budget));
  return Join(std::move(table));
}

}  // namespace local
