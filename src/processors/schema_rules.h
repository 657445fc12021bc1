// What a JSON Schema must satisfy before anybody compiles it: a schema is the client's program, so its cost is bounded
// here. Pure; thread-safe.
#pragma once

#include <simdjson.h>

#include <cstddef>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace processors {

inline constexpr std::size_t kMaxSchemaBytes = 32 * 1024;    // minified; it rides in every chunk's operations
inline constexpr std::size_t kMaxSchemaNodes = 10'000;       // after references are written out: doubling references
                                                             // would otherwise cost exponential time
inline constexpr std::size_t kMaxPatternBytes = 256;         // of one regular expression
inline constexpr std::size_t kMaxPatternSubjectBytes = 256;  // of a string that a pattern looks at: a backtracking
                                                             // matcher needs stack and time for every byte
inline constexpr std::size_t kMaxUniqueItems = 1000;         // of an array under uniqueItems: compared pair by pair

// Bad places below `pointer`; empty: fine. Refuses $ref to anything but a "#/…" place inside the schema, references
// that lead back to themselves, more than kMaxSchemaNodes, multipleOf that is not positive, and patterns that
// RefusePattern does.
[[nodiscard]] std::vector<base::FieldError> CheckSchemaRules(simdjson::dom::element schema, std::string_view pointer);

// Why a pattern is refused: too long, a repeated or looked-around group, a back reference, more than three variable
// repetitions or eight alternatives. What is left takes polynomial time on a short subject. nullptr: accepted.
[[nodiscard]] const char* RefusePattern(std::string_view pattern);

}  // namespace processors
