// JSON Schema (draft 7, as valijson 1.0 understands it) over messages. The only place that includes valijson.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "processors/failure.h"

namespace processors {

// Compiles schemas once and keeps the last kMaxCachedSchemas by content. One thread at a time.
class SchemaCache {
 public:
  static constexpr std::size_t kMaxCachedSchemas = 16;

  SchemaCache();
  ~SchemaCache();
  SchemaCache(const SchemaCache&) = delete;
  SchemaCache& operator=(const SchemaCache&) = delete;

  // Fails with "invalid-schema" (does not compile, or breaks schema_rules.h), "schema-mismatch" (the message says where
  // the first violations are, as JSON Pointers, never the values) or "schema-limit": the document has a string under a
  // schema with patterns or formats, or an array under uniqueItems, that is larger than schema_rules.h allows.
  [[nodiscard]] Processed<void> Validate(std::string_view schema_json, std::string_view document_json);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace processors
