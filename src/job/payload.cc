#include "job/payload.h"

#include <fmt/format.h>

#include <string>
#include <string_view>

namespace job {

base::Sha256 PayloadDigest(const JobSpec& spec, const base::Sha256& manifest_sha256) {
  std::string text;
  const auto add = [&](std::string_view part) { text += fmt::format("{}:{}", part.size(), part); };
  add("payload-1");
  add(base::View(manifest_sha256));
  add(spec.metadata_json);
  add(spec.operations_json);
  for (const ReducerSpec& reducer : spec.reducers) {
    add(reducer.name);
    add(reducer.params_json);
  }
  const Tolerance& tolerance = spec.tolerance;
  add(tolerance.failed_percent ? fmt::format("{}", *tolerance.failed_percent) : "");
  add(tolerance.failed_count ? fmt::format("{}", *tolerance.failed_count) : "");
  add(fmt::format("{} {} {} {}", spec.priority, static_cast<int>(spec.chunking), static_cast<int>(spec.reuse),
                  spec.retention ? spec.retention->count() : -1));
  return base::Sha256Of(text);
}

}  // namespace job
