// JSON Schema from a client over a message from a client: "<schema>\0<document>". What the rules let through must
// validate in bounded time and stack.
#include "fuzz/fuzz.h"
#include "processors/json_schema.h"
#include "processors/schema_rules.h"
#include "wire/strict_json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto [schema, document] = fuzz::Cut(fuzz::Text(data, size), std::string_view("\0", 1));
  (void)processors::RefusePattern(document);
  wire::StrictParser schema_parser;
  wire::StrictParser document_parser;
  const auto parsed = schema_parser.Parse(schema);
  if (!parsed || !document_parser.Parse(document)) return 0;
  const auto bad = processors::CheckSchemaRules(*parsed, "");
  processors::SchemaCache cache;
  const auto valid = cache.Validate(schema, document);
  if (!valid) fuzz::Require(!valid.error().error.code.empty(), "a failure has a code");
  fuzz::Require(bad.empty() || (!valid && valid.error().error.code == "invalid-schema"), "a refused schema never runs");
  const auto again = cache.Validate(schema, document);
  fuzz::Require(again.has_value() == valid.has_value(), "a kept schema decides as a new one does");
  return 0;
}
