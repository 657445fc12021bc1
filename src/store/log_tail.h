// What a loss of power did to the write-ahead log. The committer syncs each batch before it writes the next, so only
// the last batch of the newest log can be on the disk in part, in any of its sectors and not in others. RocksDB takes a
// log that merely ends early; one with a gap in its last batch it calls corrupt. This tells such a gap from damage to
// batches that were synced. It also sees what RocksDB takes for an early end and is none: a damaged length or a zeroed
// header, behind which whole batches would be dropped without a word. The format of a log file:
// github.com/facebook/rocksdb/wiki/Write-Ahead-Log-File-Format. Internal to src/store.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

namespace store {

enum class LogTail : std::uint8_t {
  kWhole,    // every fragment is whole, or the log just ends early
  kTorn,     // damaged, and no batch begins after the damage
  kDamaged,  // a batch that was synced is damaged
};

// Of the bytes of one log file. Pure.
[[nodiscard]] LogTail ExamineLog(std::string_view log);
// A log that holds no more than one batch without rows counts as none: RocksDB begins a new log so when it has replayed
// the old ones, and names it in its MANIFEST only after that. Cut off in between, it leaves such a log behind a torn
// one.
struct ExaminedLogs {
  LogTail newest = LogTail::kWhole;
  bool older_torn = false;  // what is over after a tear was replayed, or damage: RocksDB knows which of them count
  std::string damaged;      // the first log with kDamaged; empty: none
};
// Of a database folder, absent or not. kUnavailable if a log can't be read. Blocks; holds one log in memory (Options
// bound them to 256 MB in sum).
[[nodiscard]] base::Result<ExaminedLogs> ExamineLogs(const std::string& dir);

}  // namespace store
