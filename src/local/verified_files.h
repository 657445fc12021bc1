// The files of content-addressed blobs, read and hashed before they are first given out, and again when their inode,
// size or times changed. Bytes that were altered before that are not served; what a disk alters later without a write
// changes none of these and is served until this process, or its memory of the file, ends. Thread-safe; blocks.
#pragma once

#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/error.h"

namespace local {

class VerifiedFiles {
 public:
  explicit VerifiedFiles(std::string root) : root_(std::move(root)) {}
  // The path of a ports::ContentKey. kNotFound: no such file; kCorrupt: it holds other bytes; kInternal: another key.
  [[nodiscard]] base::Result<std::string> Find(std::string_view key);

 private:
  static constexpr std::size_t kRemembered = 16'384;  // keys: about 4 MB

  [[nodiscard]] bool Known(const std::string& key, const std::string& stamp);
  void Remember(const std::string& key, std::string stamp);

  const std::string root_;
  std::mutex mutex_;
  std::unordered_map<std::string, std::string> good_;  // guarded by mutex_; key: what stat said
};

}  // namespace local
