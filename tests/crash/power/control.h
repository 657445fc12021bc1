// What the test tells the library while the server runs, and what it counts: one page that both map.
// tests/crash/power.py holds the same layout. Little-endian, every field 4 bytes.
#pragma once

#include <atomic>
#include <cstdint>

namespace power {

// What a file or folder is to the server; a bit each in the masks below.
enum class Class : std::uint8_t {
  kWal,
  kSst,
  kManifest,    // RocksDB's MANIFEST-*
  kCurrent,     // RocksDB's CURRENT and the *.dbtmp that become it
  kDbFolder,    // DATA/db
  kBlob,        // DATA/blobs/tmp/*, under whatever name it has later
  kBlobLeaf,    // folders that hold blobs
  kBlobParent,  // folders above those
  kKeys,        // DATA/keys and what is in it
  kTop,         // DATA and the folder it lies in
  kOther,
};
inline constexpr std::size_t kClasses = 11;

enum class Call : std::uint32_t { kNone, kWrite, kSync, kCreate, kRename, kUnlink };
enum class Moment : std::uint32_t { kNone, kBefore, kAfter };
enum class Fault : std::uint32_t {
  kNone,
  kNoSpace,     // writes and creations: ENOSPC
  kTornWrite,   // a write takes half of its bytes, the next one none: ENOSPC
  kWriteError,  // EIO
  kSyncError,   // EIO, and the kernel forgets what was dirty: a later sync answers OK for lost bytes
  kReadOnly,    // as the kernel remounts it after an error. Every change: EROFS
};

struct Control {
  std::atomic<std::uint32_t> server_pid;  // the first process that loads the library
  // The server dies at the countdown-th (1: next) such call.
  std::atomic<Moment> kill_moment;
  std::atomic<Call> kill_call;
  std::atomic<std::uint32_t> kill_classes;
  std::atomic<std::int32_t> kill_countdown;
  std::atomic<std::uint32_t> killed;
  // Syncs of these answer OK and do nothing.
  std::atomic<std::uint32_t> lie_classes;
  std::atomic<Fault> fault;
  std::atomic<std::uint32_t> fault_classes;
  std::atomic<std::int32_t> fault_budget;  // how many calls fail; negative: every one
  std::atomic<std::uint32_t> fault_hits;
  std::atomic<std::uint32_t> sync_micros;  // a sync takes up to so long
  std::atomic<std::uint32_t> next_sync;
  std::atomic<std::uint32_t> syncs[kClasses];  // that ended
  std::atomic<std::uint32_t> lies[kClasses];
};
static_assert(sizeof(std::atomic<Fault>) == 4 && std::atomic<std::uint32_t>::is_always_lock_free);
inline constexpr std::size_t kControlBytes = 4096;

}  // namespace power
