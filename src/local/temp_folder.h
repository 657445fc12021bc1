// A folder of one owner, removed with everything in it at the end.
#pragma once

#include <string>

namespace local {

class TempFolder {
 public:
  // Below $TMPDIR, or /tmp. path() is empty if it could not be made.
  TempFolder();
  ~TempFolder();
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace local
