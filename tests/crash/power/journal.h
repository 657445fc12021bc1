// The journal of a simulated disk: every change that the server and its workers make below one folder, in order, with
// its bytes, and every sync. tests/crash/power.py works out from it what a loss of power may leave.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

#include "control.h"

namespace power {

enum class Kind : std::uint8_t {
  kCreate = 1,  // ino under parent/name; a: 1 for a folder
  kWrite,       // payload at offset a
  kTruncate,    // to a bytes, cut or filled with zeros
  kSyncBegin,   // a: its number. What was changed before is durable once it ended
  kSyncEnd,     // a: its number
  kSyncFailed,  // what was changed before and not synced never will be
  kRename,      // ino from parent to folder a; name: old NUL new
  kUnlink,      // parent/name
  kLink,        // ino also under parent/name
};

struct Record {
  Kind kind{};
  Class file_class{};
  ino_t ino = 0;
  ino_t parent = 0;
  std::uint64_t a = 0;
  std::string_view name;
  std::string_view payload;
};

// One for the process, made at the first use out of UBERTOONS_POWER_DIR (control, journal) and UBERTOONS_POWER_ROOT.
// Ends the process with a message if they are unusable: a test without its disk proves nothing.
class Journal {
 public:
  static Journal& Get();
  [[nodiscard]] const std::string& root() const { return root_; }
  [[nodiscard]] Control& control() { return *control_; }

  // Held over a change and its record, across all processes. The test kills under it, so no change goes unrecorded.
  class Lock {
   public:
    explicit Lock(Journal& journal);
    ~Lock();
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;

   private:
    Journal& journal_;
    std::lock_guard<std::mutex> threads_;
  };

  // The next three under a Lock.
  void Append(const Record& record);
  // Kills the server and never returns, if this is the moment that the test waits for.
  void Reach(Moment moment, Call call, Class file_class);
  // Is this call to fail? Takes one from the budget.
  [[nodiscard]] bool Fails(Fault fault, Class file_class);

 private:
  Journal();
  std::string root_;
  int journal_fd_ = -1;
  Control* control_ = nullptr;
  std::mutex mutex_;
};

// Where the path lies below root, "" being the root itself. nullopt-like: answers false outside.
[[nodiscard]] bool Below(std::string_view root, std::string_view path, std::string& relative);
[[nodiscard]] Class Classify(std::string_view relative);

}  // namespace power
