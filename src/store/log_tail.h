// What a loss of power did to the write-ahead log. The committer syncs each batch before it writes the next, so only
// the last batch of the newest log can be on the disk in part, in any of its sectors and not in others. RocksDB takes a
// log that merely ends early; one with a gap in its last batch it calls corrupt. This tells such a gap from damage to
// batches that were synced. The format of a log file: github.com/facebook/rocksdb/wiki/Write-Ahead-Log-File-Format.
// Internal to src/store.
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
// Of a database folder: kTorn only if its newest log is torn and all others are whole. kUnavailable if one can't be
// read. Blocks; holds one log in memory (Options bound them to 256 MB in sum).
[[nodiscard]] base::Result<LogTail> ExamineLogs(const std::string& dir);

}  // namespace store
