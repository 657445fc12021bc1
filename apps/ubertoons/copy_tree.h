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
  kBySize,   // files of one name and size have one content: blobs, which are named by it or at random
  kByBytes,  // they are compared
};

struct CopyJob {
  std::string from;  // a folder
  std::string to;    // made
  std::string base;  // linked from where it has the same file; empty: nothing is
  Alike alike = Alike::kByBytes;
  std::function<base::Status()> step = [] { return base::Status{}; };  // before each file
};
// Regular files and folders, all of them private. A file that vanishes meanwhile is left out. Not synced: SyncDisk.
[[nodiscard]] base::Status CopyTree(const CopyJob& job, Copied& copied);
// Everything written to the disk of `path` so far is durable.
[[nodiscard]] base::Status SyncDisk(const std::string& path);
// The file whole or not at all, durable.
[[nodiscard]] base::Status WriteDurably(const std::string& path, std::string_view text);
