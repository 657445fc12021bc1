// What the client's tests share: temporary folders, JSON literals, and a stream's text.
#pragma once

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <string>

#include "cli/files.h"
#include "cli/json_read.h"

namespace cli {

class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "ubertoons-cli-XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  ~Folder() {
    std::error_code ec;
    std::filesystem::remove_all(path_, ec);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  [[nodiscard]] const std::string& path() const { return path_; }
  std::string Write(const std::string& name, const std::string& bytes) const {
    const std::filesystem::path path = *this / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << bytes;
    return path.string();
  }

 private:
  std::string path_;
};

inline json::value J(std::string_view text) {
  return ParseJson(text).value();
}

// What a stream that is no terminal was told.
inline std::string Capture(const std::function<void(Stream&)>& write) {
  const Folder folder;
  {
    const int fd = open((folder / "out").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    const Descriptor file(fd);
    Stream stream(fd, {});
    write(stream);
  }
  return ReadSmallFile(folder / "out").value();
}

}  // namespace cli
