// Fan-in: folds a job's successes into one aggregate and makes artifacts of it. Pure and deterministic.
//
// A partial is bytes in the reducer's own versioned format (at most job::kMaxPartialBytes). Merge is associative and
// commutative and Fold(a ∪ b) = Merge(Fold(a), Fold(b)), so that chunks may end in any order and on any machine.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "job/lifecycle.h"
#include "ports/executor.h"
#include "ports/processor.h"

namespace ports {

// Bytes that the job's outcomes name as artifacts; of its tenant only.
class ArtifactReader {
 public:
  virtual ~ArtifactReader() = default;
  // kNotFound: gone (retention); kUnavailable: try again.
  [[nodiscard]] virtual base::Result<std::string> Read(const job::Artifact& artifact) = 0;
};

struct ReduceInput {
  std::string_view partial;      // empty: nothing succeeded
  std::string_view params_json;  // as submitted, validated
  std::uint64_t toon_count = 0;
  std::uint64_t succeeded = 0;
  std::uint64_t failed = 0;
  std::string_view job_id;
  std::string_view tenant;
  ArtifactReader* artifacts = nullptr;  // never null where reducers run; may be null in tests of those that read none
  Executor* images = nullptr;           // decodes for the reducers whose work class is "image"; null: none here
};

class Reducer {
 public:
  virtual ~Reducer() = default;
  [[nodiscard]] virtual std::string_view name() const = 0;
  // Bad places relative to the params object; empty: valid.
  [[nodiscard]] virtual std::vector<base::FieldError> CheckParams(std::string_view params_json) const = 0;
  // Which workers finish it: "data", or "image" for one that decodes.
  [[nodiscard]] virtual std::string_view work_class() const { return "data"; }
  // What every toon of this type must be asked for besides its own operations, so that this reducer has something to
  // fold ("preview"); nullopt: nothing. Not added where the toon asks for the same operation itself.
  [[nodiscard]] virtual std::optional<Operation> Needs(std::string_view /*type*/) const { return std::nullopt; }
  // Only successes are given. "" when none of them concerns this reducer.
  [[nodiscard]] virtual std::string Fold(std::span<const job::Outcome> outcomes) const = 0;
  // kCorrupt if a partial does not decode. Either may be "".
  [[nodiscard]] virtual base::Result<std::string> Merge(std::string_view a, std::string_view b) const = 0;
  // The aggregate as a JSON object for people, while the job runs and after.
  [[nodiscard]] virtual base::Result<std::string> Render(std::string_view partial) const = 0;
  // The artifacts at the end, e.g. summary.json, timeline.svg. kUnavailable: the platform failed, try again.
  [[nodiscard]] virtual base::Result<std::vector<ArtifactBytes>> Finish(const ReduceInput& input) const = 0;
};

class ReducerRegistry {
 public:
  virtual ~ReducerRegistry() = default;
  [[nodiscard]] virtual const Reducer* Find(std::string_view name) const = 0;  // nullptr: unknown
  [[nodiscard]] virtual std::vector<std::string> Names() const = 0;
};

}  // namespace ports
