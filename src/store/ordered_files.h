// A file system on which CURRENT never names what a loss of power can take back. RocksDB makes tables and a MANIFEST,
// renames a temporary file to CURRENT, and only then syncs the folder: it trusts the file system to keep the names of
// one folder in the order they were made. ext4, XFS and Btrfs do; POSIX promises it for none. Here the folder is synced
// before that rename too, once per start. Internal to src/store. Thread-safe as what lies below it.
#pragma once

#include <rocksdb/env.h>

#include <memory>

namespace store {

// Over `env`'s files; null: the machine's. It must outlive every database opened with it.
[[nodiscard]] std::unique_ptr<rocksdb::Env> NewOrderedEnv(rocksdb::Env* env);

}  // namespace store
