#include "fakes/reducers.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace fakes {

namespace {
base::Result<std::uint64_t> Number(std::string_view text) {
  std::uint64_t value = 0;
  if (text.empty()) return value;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    return base::Fail(base::Code::kCorrupt, "a partial of the counting reducer is not a decimal number");
  }
  return value;
}
}  // namespace

base::Result<std::string> AddDecimal(std::string_view a, std::string_view b) {
  UT_TRY_ASSIGN(const std::uint64_t left, Number(a));
  UT_TRY_ASSIGN(const std::uint64_t right, Number(b));
  return std::to_string(left + right);
}

std::vector<base::FieldError> CountingReducer::CheckParams(std::string_view params_json) const {
  if (params_json.find("\"refuse\"") == std::string_view::npos) return {};
  return {{.pointer = "/refuse", .detail = "this parameter is refused"}};
}

std::string CountingReducer::Fold(std::span<const job::Outcome> outcomes) const {
  return outcomes.empty() ? std::string() : std::to_string(outcomes.size());
}

base::Result<std::string> CountingReducer::Render(std::string_view partial) const {
  UT_TRY_ASSIGN(const std::uint64_t count, Number(partial));
  return fmt::format(R"({{"succeeded":{}}})", count);
}

base::Result<std::vector<ports::ArtifactBytes>> CountingReducer::Finish(const ports::ReduceInput& input) const {
  UT_TRY_ASSIGN(const std::uint64_t count, Number(input.partial));
  std::vector<ports::ArtifactBytes> artifacts;
  artifacts.push_back({.name = name_ + ".txt", .content_type = "text/plain", .bytes = std::to_string(count)});
  return artifacts;
}

std::vector<std::string> FakeReducerRegistry::Names() const {
  std::vector<std::string> names;
  for (const auto& [name, reducer] : reducers_) names.push_back(name);
  return names;
}

}  // namespace fakes
