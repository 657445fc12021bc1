// RFC 8785 (JSON Canonicalization Scheme): one byte sequence for equal JSON values. Numbers as ECMAScript prints
// doubles, keys sorted by UTF-16 code units. https://www.rfc-editor.org/rfc/rfc8785
#pragma once

#include <string>

#include "wire/strict_json.h"

namespace wire {

// Appends the canonical form of element to out. Integers beyond 2^53 are printed as the double they round to.
void AppendCanonical(const Element& element, std::string& out);
// ECMAScript Number::toString(value, 10); value is finite.
void AppendNumber(double value, std::string& out);

}  // namespace wire
