// `ubertoons submit`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/gather.h"
#include "cli/shell.h"

namespace cli {

struct SubmitOptions {
  std::vector<std::string> paths;  // files and folders; or "-"; or one submission document; or one NDJSON manifest
  std::string job_id;
  std::vector<std::string> operations;  // TYPE:NAME[:k=v,…]
  std::vector<std::string> reducers;    // NAME[:k=v,…]
  std::string type;                     // of every file; empty: guessed
  std::optional<int> priority;
  std::string tolerance;              // "5%" or "3"
  std::vector<std::string> metadata;  // k=v
  std::optional<bool> reuse;
  bool per_toon = false;
  bool manifest = false;  // the one path is an NDJSON manifest, sent as it is
  bool watch = false;
  bool json = false;
};

// Standard output: the job's id alone, or with --json the server's document (with --watch the final one).
[[nodiscard]] Try<Exit> RunSubmit(Shell& shell, const SubmitOptions& options);

// ---- what flags become; each FailUsage names the flag ------------------------------------------------------------

// "k=v,…" or a JSON object -> members of a JSON object. A value that is JSON stands as it is, else it is a string.
[[nodiscard]] Try<Members> ParseParameters(std::string_view text, std::string_view flag);
struct OperationFlag {
  std::string type;
  std::string json;  // {"op":"NAME",…}
};
[[nodiscard]] Try<OperationFlag> ParseOperation(std::string_view text);
[[nodiscard]] Try<std::string> ParseReducer(std::string_view text);    // JSON: a string, or an object with parameters
[[nodiscard]] Try<std::string> ParseTolerance(std::string_view text);  // {"failedPercent":5} or {"failedCount":3}
// The document's envelope with the flags laid over it: operations, reducers and metadata are added to, the rest
// replaced.
[[nodiscard]] Try<void> ApplyFlags(const SubmitOptions& options, Members& envelope);
// The members and, unless empty, one more, as one JSON object.
[[nodiscard]] std::string RenderEnvelope(const Members& envelope, std::string_view last_member);

}  // namespace cli
