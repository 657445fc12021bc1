// Query parameters, read strictly: what a route does not know is refused, not ignored.
#pragma once

#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "job/lifecycle.h"

namespace api {

using Parameters = std::map<std::string, std::string>;

// Reads one request's parameters; gathers every bad one. Pointers are "/<name>".
class ParameterReader {
 public:
  ParameterReader(const Parameters& parameters, std::initializer_list<std::string_view> known);
  [[nodiscard]] std::optional<std::string> Text(std::string_view name) const;
  [[nodiscard]] std::size_t PageSize(std::size_t standard, std::uint64_t most, std::string_view name = "pageSize");
  [[nodiscard]] std::optional<job::JobStatus> Status();
  [[nodiscard]] std::optional<job::ToonState> State();
  void Refuse(std::string_view name, std::string detail);
  // kInvalid with all of them, or OK.
  [[nodiscard]] base::Status Finish() const;

 private:
  template <typename Enum, std::size_t count>
  std::optional<Enum> OneOf(std::string_view name, const std::string_view (&names)[count]);

  const Parameters& parameters_;
  std::vector<base::FieldError> errors_;
};

}  // namespace api
