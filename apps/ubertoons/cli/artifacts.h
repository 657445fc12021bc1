// `ubertoons artifacts`: every artifact of a job as files.
#pragma once

#include <string>

#include "cli/shell.h"

namespace cli {

struct ArtifactOptions {
  std::string job_id;
  std::string folder;
  bool json = false;  // one JSON object a line instead of paths
};
// FOLDER/<toonId>/<name>, and FOLDER/_job/<name> for what reducers made. Each file is checked against its SHA-256
// before it takes its name; one that is there already with the right content is kept. Standard output lists the paths.
[[nodiscard]] Try<Exit> RunArtifacts(Shell& shell, const ArtifactOptions& options);

}  // namespace cli
