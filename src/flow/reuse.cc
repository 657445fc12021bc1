#include "flow/reuse.h"

#include <fmt/format.h>

#include <string>

namespace flow {

base::Sha256 ReuseKey(std::string_view type, const base::Sha256& source_sha256,
                      const std::vector<ports::Operation>& operations, std::string_view processor_version) {
  std::string text;
  const auto add = [&](std::string_view part) { text += fmt::format("{}:{}", part.size(), part); };
  add("reuse-1");
  add(type);
  add(base::View(source_sha256));
  add(processor_version);
  for (const ports::Operation& operation : operations) {
    add(operation.name);
    add(operation.params_json);
  }
  return base::Sha256Of(text);
}

bool ReuseApplies(job::ReusePolicy policy, std::string_view type) {
  switch (policy) {
    case job::ReusePolicy::kAlways:
      return true;
    case job::ReusePolicy::kNever:
      return false;
    case job::ReusePolicy::kByType:
      break;
  }
  return type == "image" || type == "audio" || type == "video";
}

}  // namespace flow
