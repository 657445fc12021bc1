// Fan-in: folds a job's successes into one aggregate and makes artifacts of it. Pure and deterministic.
//
// A partial is bytes in the reducer's own versioned format (at most job::kMaxPartialBytes). Merge is associative and
// commutative and Fold(a ∪ b) = Merge(Fold(a), Fold(b)), so that chunks may end in any order and on any machine.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "job/lifecycle.h"
#include "ports/processor.h"

namespace ports {

struct ReduceInput {
  std::string_view partial;      // empty: nothing succeeded
  std::string_view params_json;  // as submitted, validated
  std::uint64_t toon_count = 0;
  std::uint64_t succeeded = 0;
  std::uint64_t failed = 0;
  std::string_view job_id;
};

class Reducer {
 public:
  virtual ~Reducer() = default;
  [[nodiscard]] virtual std::string_view name() const = 0;
  // Bad places relative to the params object; empty: valid.
  [[nodiscard]] virtual std::vector<base::FieldError> CheckParams(std::string_view params_json) const = 0;
  // Only successes are given. "" when none of them concerns this reducer.
  [[nodiscard]] virtual std::string Fold(std::span<const job::Outcome> outcomes) const = 0;
  // kCorrupt if a partial does not decode. Either may be "".
  [[nodiscard]] virtual base::Result<std::string> Merge(std::string_view a, std::string_view b) const = 0;
  // The aggregate as a JSON object for people, while the job runs and after.
  [[nodiscard]] virtual base::Result<std::string> Render(std::string_view partial) const = 0;
  // The artifacts at the end, e.g. summary.json, timeline.svg.
  [[nodiscard]] virtual base::Result<std::vector<ArtifactBytes>> Finish(const ReduceInput& input) const = 0;
};

class ReducerRegistry {
 public:
  virtual ~ReducerRegistry() = default;
  [[nodiscard]] virtual const Reducer* Find(std::string_view name) const = 0;  // nullptr: unknown
  [[nodiscard]] virtual std::vector<std::string> Names() const = 0;
};

}  // namespace ports
