// The memory ledger's table: its layout in shared memory, its locks, and who may take. See memory_ledger.h.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "local/files.h"
#include "local/memory_ledger.h"

namespace local {

// What counts as small is a sixteenth of the budget, and never less than this: a fresh executor takes 24 MiB before its
// first byte, and passing photos should be small on the smallest machine.
inline constexpr std::uint64_t kLeastSmallBytes = 40ULL << 20U;
inline constexpr std::chrono::milliseconds kLockPatience{250};
inline constexpr std::chrono::milliseconds kReapEvery{100};
inline constexpr std::size_t kMemoryLines = 1'536;  // workers at most (1,024), with room for those that just ended

// All plain: read and written under the table's lock alone.
struct MemoryLine {
  std::uint64_t own = 0;  // the process itself
  std::uint64_t idle[ports::MemoryShare::kHolders] = {};
  std::uint64_t running = 0;
  std::uint64_t wanted = 0;   // 0: does not wait
  std::uint64_t ticket = 0;   // of the wait: lower came first
  std::int64_t since_ns = 0;  // of the wait, on the steady clock, which all processes share
  [[nodiscard]] std::uint64_t Idle() const;
  [[nodiscard]] bool Empty() const { return Idle() + running + wanted == 0; }
};

struct MemoryPage {
  std::uint64_t magic = 0;
  std::uint64_t budget = 0;
  std::uint64_t lines = 0;  // used ever: none beyond
  std::uint64_t tickets = 0;
  std::uint64_t waits = 0;
  std::int64_t reaped_ns = 0;  // when somebody last looked for the dead
  std::int64_t called_ns = 0;  // when a head called again, see CallsAgain
  double factors[ports::kMemoryKindNames.size()] = {};
  // Read without the lock; futexes.
  std::atomic<std::uint32_t> turn{0};     // changes when bytes come back
  std::atomic<std::uint32_t> calls{0};    // changes when somebody begins to wait
  std::atomic<std::uint32_t> waiting{0};  // how many wait
  MemoryLine line[kMemoryLines];
};
static_assert(std::atomic<std::uint32_t>::is_always_lock_free);

// The memfd and its mapping. Not thread-safe but for page()'s atomics: the kernel's locks know processes, not threads.
class MemoryTable {
 public:
  enum class Begin : bool { kJoin, kNew };
  [[nodiscard]] static base::Result<std::unique_ptr<MemoryTable>> Map(Fd file, Begin begin);
  ~MemoryTable();
  MemoryTable(const MemoryTable&) = delete;
  MemoryTable& operator=(const MemoryTable&) = delete;

  [[nodiscard]] int descriptor() const { return file_.get(); }
  [[nodiscard]] MemoryPage& page() const { return *page_; }
  // The table's lock. Held for microseconds; dies with its holder. Tried for kLockPatience: a holder may be stopped,
  // and then nobody else should be.
  class Lock {
   public:
    explicit Lock(const MemoryTable& table);
    ~Lock();
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;
    [[nodiscard]] bool held() const { return held_; }

   private:
    const MemoryTable& table_;
    bool held_ = false;
  };
  // Under the lock. A free line, wiped and ours from now on.
  [[nodiscard]] std::optional<std::size_t> Claim() const;
  // Under the lock. Wipes lines whose process is gone; a call to the kernel for each line, so only one of all processes
  // does it in kReapEvery. `own`: ours, which the kernel would call free.
  void ReapIfDue(std::optional<std::size_t> own, std::int64_t now_ns) const;
  void Reap(std::optional<std::size_t> own, std::int64_t now_ns) const;

 private:
  MemoryTable(Fd file, MemoryPage* page) : file_(std::move(file)), page_(page) {}
  Fd file_;
  MemoryPage* page_;
};

// Under the lock: whether line `asking` may take `bytes` now, as memory_ledger.h says. Pure.
[[nodiscard]] bool MayTake(const MemoryPage& page, std::size_t asking, std::uint64_t bytes, std::int64_t now_ns);

// Under the lock: whether `line` waits and came before all others that do.
[[nodiscard]] bool IsHead(const MemoryPage& page, std::size_t line);
// Under the lock: whether line `asking` is the head and should call those who hold idle children once more, since some
// became idle after its first call; at most once in kGiveUpTime, which is noted.
[[nodiscard]] bool CallsAgain(MemoryPage& page, std::size_t asking, std::int64_t now_ns);

// futex(2) on a word that processes share.
void AwaitChange(std::atomic<std::uint32_t>& word, std::uint32_t seen, std::chrono::nanoseconds most);
void WakeAll(std::atomic<std::uint32_t>& word);

}  // namespace local
