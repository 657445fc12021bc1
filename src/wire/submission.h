// The body of POST /submit-job, read as a stream: memory is bounded by one toon, not by the body.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "job/limits.h"
#include "job/types.h"
#include "ports/processor.h"
#include "ports/reducer.h"
#include "wire/toon.h"

namespace wire {

// Everything of the body but the toons.
struct Envelope {
  std::optional<job::JobId> job_id;
  std::string metadata_json = "{}";
  std::string operations_json = "{}";
  std::vector<job::ReducerSpec> reducers;
  job::Tolerance tolerance;
  std::int32_t priority = 0;
  job::Chunking chunking = job::Chunking::kAuto;
  job::ReusePolicy reuse = job::ReusePolicy::kByType;
  std::optional<std::chrono::seconds> retention;  // "retentionSeconds"
  std::optional<ToonUri> manifest_uri;            // instead of toons
  bool has_toons = false;
};

// Takes each valid toon as one minified line (with its \n), in order. `toon` is valid during the call only. An error it
// answers ends the reading. A uri's ownership is checked here: answer kInvalid with pointer "" relative to "/uri".
class ToonSink {
 public:
  virtual ~ToonSink() = default;
  [[nodiscard]] virtual base::Status OnToon(job::Position position, const ToonView& toon, std::string_view line) = 0;
};

struct SubmissionRules {
  const job::Limits* limits = nullptr;
  const ports::OperationCatalog* catalog = nullptr;
  const ports::ReducerRegistry* reducers = nullptr;
};

// Reads one submission body in pieces of any size. Members may come in any order ("operations" after "toons" too).
// Field errors are collected over the whole body; once there are any, toons are still checked but no longer handed on.
class SubmissionReader {
 public:
  SubmissionReader(const SubmissionRules& rules, ToonSink& sink);
  ~SubmissionReader();
  // kInvalid (not JSON, wrong shape), kTooLarge (a limit, named), or the sink's own error. After an error: discard.
  [[nodiscard]] base::Status Write(std::string_view piece);
  // The envelope once the document is complete; kInvalid with all field errors otherwise.
  [[nodiscard]] base::Result<Envelope> Finish();
  [[nodiscard]] job::Position toon_count() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// The same checks for an uploaded manifest: NDJSON, one toon a line; blank lines are refused. Lines are handed on as
// they stand (not minified), with the byte offset of each in `offset`. Pointers are "/<line index>/…".
class ManifestReader {
 public:
  // `length` is the line's with its newline (the last line may have none), so that offset + length is the next one's.
  class Sink {
   public:
    virtual ~Sink() = default;
    [[nodiscard]] virtual base::Status OnToon(job::Position position, const ToonView& toon, std::uint64_t offset,
                                              std::uint64_t length) = 0;
  };
  ManifestReader(const SubmissionRules& rules, Sink& sink);
  ~ManifestReader();
  [[nodiscard]] base::Status Write(std::string_view piece);
  [[nodiscard]] base::Result<job::Position> Finish();  // the number of toons

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace wire
