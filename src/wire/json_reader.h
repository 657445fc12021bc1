// Typed members of a JSON object that another process wrote. Collects what is wrong instead of stopping at it.
#pragma once

#include <concepts>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "wire/strict_json.h"

namespace wire {

// One object at `pointer`. Reads of absent or wrong members add an error and answer a zero value; Optional… answer
// nullopt for absent members without an error.
class ObjectReader {
 public:
  ObjectReader(const Object& object, std::string pointer, FieldErrors& errors)
      : object_(object), pointer_(std::move(pointer)), errors_(errors) {}

  [[nodiscard]] const std::string& pointer() const { return pointer_; }
  void Refuse(std::string_view key, std::string_view detail) {
    errors_.Add(pointer_ + "/" + base::PointerToken(key), std::string(detail));
  }
  [[nodiscard]] std::optional<Element> Find(std::string_view key) const {
    Element element;
    if (object_.at_key(key).get(element) != simdjson::SUCCESS) return std::nullopt;
    return element;
  }
  template <typename T>
  [[nodiscard]] std::optional<T> Optional(std::string_view key, std::string_view detail) {
    const auto element = Find(key);
    if (!element) return std::nullopt;
    T value{};
    if (element->get(value) == simdjson::SUCCESS) return value;
    Refuse(key, detail);
    return std::nullopt;
  }
  [[nodiscard]] std::optional<std::string_view> OptionalString(std::string_view key) {
    return Optional<std::string_view>(key, "must be a string");
  }
  [[nodiscard]] std::string String(std::string_view key) {
    const auto value = OptionalString(key);
    if (!value && !Find(key)) Refuse(key, "is required");
    return std::string(value.value_or(std::string_view()));
  }
  template <std::unsigned_integral Int>
  [[nodiscard]] std::optional<Int> OptionalUnsigned(std::string_view key) {
    const auto value = Optional<std::uint64_t>(key, "must be a whole number, not negative");
    if (!value) return std::nullopt;
    if (*value <= std::numeric_limits<Int>::max()) return static_cast<Int>(*value);
    Refuse(key, "is too large");
    return std::nullopt;
  }
  template <std::unsigned_integral Int>
  [[nodiscard]] Int Unsigned(std::string_view key) {
    const auto value = OptionalUnsigned<Int>(key);
    if (!value && !Find(key)) Refuse(key, "is required");
    return value.value_or(0);
  }

 private:
  Object object_;
  std::string pointer_;
  FieldErrors& errors_;
};

}  // namespace wire
