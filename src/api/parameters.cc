#include "api/parameters.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>

#include "job/limits.h"

namespace api {

ParameterReader::ParameterReader(const Parameters& parameters, std::initializer_list<std::string_view> known)
    : parameters_(parameters) {
  for (const auto& [name, value] : parameters_) {
    if (std::ranges::find(known, name) != known.end() || errors_.size() >= job::kMaxFieldErrors) continue;
    Refuse(name, known.size() == 0 ? std::string("this path takes no parameters")
                                   : fmt::format("unknown parameter; there are {}", fmt::join(known, ", ")));
  }
}

std::optional<std::string> ParameterReader::Text(std::string_view name) const {
  const auto found = parameters_.find(std::string(name));
  return found == parameters_.end() ? std::nullopt : std::optional(found->second);
}

std::size_t ParameterReader::PageSize(std::size_t standard, std::uint64_t most, std::string_view name) {
  const auto text = Text(name);
  if (!text) return std::min<std::size_t>(standard, most);
  std::uint64_t size = 0;
  const char* end = text->data() + text->size();
  const auto [stop, error] = std::from_chars(text->data(), end, size);
  if (error != std::errc() || stop != end || size == 0 || size > most) {
    Refuse(name, fmt::format("a whole number in 1..{} is expected (maxPageSize)", most));
    return standard;
  }
  return size;
}

template <typename Enum, std::size_t count>
std::optional<Enum> ParameterReader::OneOf(std::string_view name, const std::string_view (&names)[count]) {
  const auto text = Text(name);
  if (!text) return std::nullopt;
  const auto found = std::ranges::find(names, *text);
  if (found == std::end(names)) {
    Refuse(name, fmt::format("one of {} is expected", fmt::join(names, ", ")));
    return std::nullopt;
  }
  return static_cast<Enum>(found - std::begin(names));
}

std::optional<job::JobStatus> ParameterReader::Status() {
  return OneOf<job::JobStatus>("status", job::kJobStatusNames);
}

std::optional<job::ToonState> ParameterReader::State() {
  return OneOf<job::ToonState>("state", job::kToonStateNames);
}

void ParameterReader::Refuse(std::string_view name, std::string detail) {
  errors_.push_back({.pointer = "/" + base::PointerToken(name), .detail = std::move(detail)});
}

base::Status ParameterReader::Finish() const {
  if (errors_.empty()) return {};
  return std::unexpected(base::Error{.code = base::Code::kInvalid,
                                     .message = fmt::format("the query has {} bad parameter(s)", errors_.size()),
                                     .fields = errors_});
}

}  // namespace api
