#include "wire/toon_checker.h"

#include <fmt/format.h>

namespace wire {

bool ToonChecker::Check(std::string_view line, std::string_view prefix, job::Position index, ToonView& out,
                        FieldErrors& errors) {
  pointer_.assign(prefix);
  const fmt::format_int digits(index);
  pointer_.append(digits.data(), digits.size());
  auto element = parser_.Parse(line, pointer_, StrictParser::Padding::kPresent);
  if (!element) {
    base::Error error = std::move(element).error();
    if (error.fields.empty()) error.fields.push_back({pointer_, error.message});
    for (auto& field : error.fields) errors.Add(std::move(field.pointer), std::move(field.detail));
    return false;
  }
  const bool decoded = DecodeToon(*element, line, pointer_, *rules_.limits, out, errors);
  return CheckJobRules(out, errors) && decoded;
}

bool ToonChecker::CheckJobRules(const ToonView& toon, FieldErrors& errors) {
  bool good = true;
  const auto refuse = [&](std::string_view member, std::string detail) {
    errors.Add(pointer_ + std::string(member), std::move(detail));
    good = false;
  };
  // An empty view is a member that was refused before.
  if (!toon.toon_id.empty() && !ids_.Insert(toon.toon_id)) refuse("/toonId", "is the id of an earlier toon");
  const bool known = !toon.type.empty() && rules_.catalog->KnowsType(toon.type);
  if (!toon.type.empty() && !known) refuse("/type", "an unknown type");
  if (!toon.operations || !known) return good;
  FieldErrors found;
  (void)DecodeOperations(*toon.operations, toon.type, pointer_ + "/operations", *rules_.catalog, found);
  for (const base::FieldError& error : found.list()) errors.Add(error.pointer, error.detail);
  return good && found.empty();
}

base::Error TooLarge(std::string pointer, std::string_view limit, std::uint64_t value) {
  base::Error error{.code = base::Code::kTooLarge, .reason = "limit"};
  error.message = fmt::format("over {} ({})", limit, value);
  error.fields.push_back({std::move(pointer), error.message});
  return error;
}

base::Error AtUri(base::Error error, std::string_view uri_pointer) {
  if (error.code != base::Code::kInvalid && error.code != base::Code::kTooLarge) return error;
  if (error.fields.empty()) error.fields.push_back({"", error.message});
  for (base::FieldError& field : error.fields) field.pointer.insert(0, uri_pointer);
  return error;
}

}  // namespace wire
