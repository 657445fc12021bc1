// Copies of whole folders for backup and restore.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/error.h"

struct Copied {
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  std::uint64_t linked = 0;  // of files: shared with the earlier backup
};

enum class Alike : std::uint8_t {
  kByName,   // a file named by its SHA-256 is the earlier one if that still has it; others are compared
  kByBytes,  // they are compared
};

struct CopyJob {
  std::string from;  // a folder
  std::string to;    // made
  std::string base;  // linked from where it has the same file; empty: nothing is
  Alike alike = Alike::kByBytes;
  std::function<base::Status()> step = [] { return base::Status{}; };  // before each file, and every megabyte
};
// Regular files and folders, all of them private. Not synced: SyncDisk. kUnavailable also for a file that vanishes
// meanwhile, but under kByName for one named by its SHA-256 alone: others there are manifests, and that of a submission
// which is not accepted goes again. The database's picture does not know it.
[[nodiscard]] base::Status CopyTree(const CopyJob& job, Copied& copied);
// Everything written to the disk of `path` so far is durable.
[[nodiscard]] base::Status SyncDisk(const std::string& path);
// The file whole or not at all, durable.
[[nodiscard]] base::Status WriteDurably(const std::string& path, std::string_view text);
