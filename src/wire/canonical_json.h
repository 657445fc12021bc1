// RFC 8785 (JSON Canonicalization Scheme): one byte sequence for equal JSON values. Numbers as ECMAScript prints
// doubles, keys sorted by UTF-16 code units. https://www.rfc-editor.org/rfc/rfc8785
#pragma once

#include <string>

#include "wire/strict_json.h"

namespace wire {

// Appends the canonical form of element to out. Integers beyond 2^53 are printed as the double they round to; doubles
// from 2^64 up to 10^21 without a point or exponent, as ECMAScript does, and StrictParser refuses such integers: of all
// canonical forms only these do not parse here again.
void AppendCanonical(const Element& element, std::string& out);
// ECMAScript Number::toString(value, 10); value is finite.
void AppendNumber(double value, std::string& out);

}  // namespace wire
