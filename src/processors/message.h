// Messages: JSON or UTF-8 text.
//
// JSON is what was submitted as `json`, or bytes and text that start with { or [ and parse strictly; its fingerprint is
// the SHA-256 of its canonical form (RFC 8785), so that equal values have equal fingerprints. Anything else is text.
// Result: {"format":"json","bytes","members","depth","sourceSha256"} or {"format":"text","bytes","chars","lines"}.
// `members` counts the values below the root, `depth` the levels of nesting (a scalar is 0). The first member is always
// "format": reducers rely on it. Failures: "invalid-encoding" (not UTF-8), "invalid-json" (an operation, or `json`,
// needs JSON), and those of json_schema.h.
#pragma once

#include <memory>

#include "ports/processor.h"

namespace processors {

[[nodiscard]] std::unique_ptr<ports::Processor> NewMessageProcessor();

}  // namespace processors
