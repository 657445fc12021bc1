// From what the command line names to toons: files and folders, a submission document, NDJSON.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "cli/spool.h"
#include "cli/upload.h"

namespace cli {

// The members of a submission document but its toons: names and JSON, as they stand.
using Members = std::vector<std::pair<std::string, std::string>>;

// Files over this travel as uploads, smaller ones inline.
inline constexpr std::uint64_t kMostInlineFileBytes = 1U << 20U;

struct FoundFile {
  std::string path;
  std::string toon_id;
};
// All regular files of the paths, those of a folder in byte order of their relative paths. kUsage: absent or
// unreadable, a file named twice, an empty folder, something that is neither file nor folder. Toon ids are unique: the
// path below a named folder, or the file's name; where these clash, the whole path.
[[nodiscard]] Try<std::vector<FoundFile>> FindFiles(const std::vector<std::string>& paths);

class Gatherer {
 public:
  // type_override: the type of every file; empty: guessed.
  Gatherer(Spool& spool, Uploader& uploader, std::string type_override)
      : spool_(spool), uploader_(uploader), type_(std::move(type_override)) {}
  [[nodiscard]] Try<void> AddFiles(const std::vector<FoundFile>& files);
  // NDJSON, one toon a line, read to the end of the descriptor. Blank lines carry nothing.
  [[nodiscard]] Try<void> AddLines(int fd, const std::string& name);
  // `text` of `path` is a JSON object with "toons", some of which name a "file" below the document's folder.
  [[nodiscard]] Try<Members> AddDocument(const std::string& path, const std::string& text);

 private:
  [[nodiscard]] Try<void> AddFile(const FoundFile& file);
  [[nodiscard]] Try<void> AddLine(std::string_view line, const std::string& name, std::uint64_t number);
  [[nodiscard]] Try<void> AddDocumentToon(const std::string& path, std::string_view raw, std::size_t index);
  // `"text":"…"`, `"uri":"…"` …: the one member that carries the file's bytes, and the type that fits it.
  struct Source {
    std::string member;
    std::string type;
  };
  [[nodiscard]] Try<Source> SourceOf(const std::string& path, const std::string& type);

  Spool& spool_;
  Uploader& uploader_;
  std::string type_;
};

// Whether a document is a submission: a JSON object with "toons" or "manifestUri".
[[nodiscard]] bool IsSubmission(std::string_view text);

}  // namespace cli
