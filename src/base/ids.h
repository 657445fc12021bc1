// Distinct string types, so that a tenant is never passed where a job is meant.
#pragma once

#include <compare>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace base {

template <typename Tag>
class StringId {
 public:
  StringId() = default;
  explicit StringId(std::string value) : value_(std::move(value)) {}
  explicit StringId(std::string_view value) : value_(value) {}
  explicit StringId(const char* value) : value_(value) {}
  [[nodiscard]] const std::string& str() const { return value_; }
  [[nodiscard]] bool empty() const { return value_.empty(); }
  auto operator<=>(const StringId&) const = default;
  bool operator==(const StringId&) const = default;

 private:
  std::string value_;
};

}  // namespace base

template <typename Tag>
struct std::hash<base::StringId<Tag>> {
  std::size_t operator()(const base::StringId<Tag>& id) const noexcept { return std::hash<std::string>{}(id.str()); }
};
