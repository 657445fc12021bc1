// Bytes that are too large to travel inline: POST /uploads, then PUT to the signed URL it answers.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "cli/files.h"
#include "cli/session.h"

namespace cli {

struct UploadSource {
  std::string path;   // opened for sending
  std::string label;  // shown to people
  std::string content_type;
  FileDigest digest;
};

// Not thread-safe. The same bytes are sent once per process.
class Uploader {
 public:
  Uploader(Session& session, Stream& err) : session_(session), err_(err) {}
  // The toon `uri` (or manifestUri) of the bytes.
  [[nodiscard]] Try<std::string> Upload(const UploadSource& source);

 private:
  Session& session_;
  Stream& err_;
  std::map<std::string, std::string> uris_;  // by SHA-256
};

}  // namespace cli
