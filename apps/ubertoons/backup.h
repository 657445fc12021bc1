// `ubertoons backup` and `ubertoons restore`: a whole copy of a data folder, made while its server works, and back.
//
//   TO/db, TO/blobs, TO/keys   as in a data folder      TO/BACKUP.json   written last: without it, it is none
#pragma once

#include <functional>
#include <map>
#include <string>

#include "base/clock.h"

namespace CLI {
class App;
}

struct BackupFlags {
  std::string data;
  std::string to;
  std::string base;     // an earlier backup; empty: none
  std::string url;      // empty: as the server wrote it into its folder
  std::string ca_file;  // empty: the system's
};
struct RestoreFlags {
  std::string from;
  std::string data;
};

void AddBackup(CLI::App& app, BackupFlags& flags, std::function<void()> chosen);
void AddRestore(CLI::App& app, RestoreFlags& flags, std::function<void()> chosen);

// 0: made, whole and synced. 2: folders that do not fit. 3: the server refuses. 4: it cannot be reached, or the disk
// fails. What is left after anything but 0 is no backup and never taken for one.
[[nodiscard]] int MakeBackup(const BackupFlags& flags, const base::Clock& clock);
[[nodiscard]] int Restore(const RestoreFlags& flags);

// kCorrupt or kConflict if a server must not open the folder: a backup, a restore that was cut off, blobs without their
// database.
[[nodiscard]] base::Status RefuseFolder(const std::string& data);
