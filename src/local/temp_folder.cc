#include "local/temp_folder.h"

#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace local {

TempFolder::TempFolder() {
  const char* base = std::getenv("TMPDIR");
  std::string path = std::string(base != nullptr && *base != '\0' ? base : "/tmp") + "/ubertoons-XXXXXX";
  if (::mkdtemp(path.data()) != nullptr) path_ = std::move(path);
}

TempFolder::~TempFolder() {
  std::error_code ignored;
  if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

}  // namespace local
