// Reading the caller's files. Every failure names the path.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/hash.h"
#include "cli/failure.h"

namespace cli {

inline constexpr std::uint64_t kSmallFileBytes = 1U << 20U;     // settings, tokens
inline constexpr std::uint64_t kDocumentBytes = 256ULL << 20U;  // a manifest.json; larger ones belong in NDJSON

// An owned descriptor.
class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor();
  [[nodiscard]] int get() const { return fd_; }
  // The open file under a name that others may open, also when it has none in any folder.
  [[nodiscard]] std::string proc_path() const;

 private:
  int fd_;
};

// kUsage: absent, no permission, a folder or another thing that is no regular file.
[[nodiscard]] Try<Descriptor> OpenForReading(const std::string& path);
// A nameless file in TMPDIR that vanishes with its descriptor.
[[nodiscard]] Try<Descriptor> OpenTemporary(const std::string& folder);
// The pieces of a descriptor in order until its end; `take` may stop it with a failure. `name` is for messages.
[[nodiscard]] Try<void> ReadPieces(int fd, std::string_view name,
                                   const std::function<Try<void>(std::string_view)>& take);
[[nodiscard]] Try<void> WriteAll(int fd, std::string_view bytes, std::string_view name);
// kUsage also when it is over `limit` bytes.
[[nodiscard]] Try<std::string> ReadSmallFile(const std::string& path, std::uint64_t limit = kSmallFileBytes);

struct FileDigest {
  std::uint64_t bytes = 0;
  base::Sha256 sha256{};
};
[[nodiscard]] Try<FileDigest> DigestFile(const std::string& path);

}  // namespace cli
