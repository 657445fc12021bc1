// Without this valijson ends the process at a schema it does not like.
#define VALIJSON_USE_EXCEPTIONS 1

#include "processors/json_schema.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <boost/json.hpp>
#include <list>
#include <map>
#include <valijson/adapters/boost_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>

#include "base/error.h"
#include "processors/schema_rules.h"

namespace processors {

namespace {

namespace json = boost::json;
using Adapter = valijson::adapters::BoostJsonAdapter;

constexpr std::size_t kMaxViolationsNamed = 5;
// Violations are collected as strings; a larger document is only told that it does not match.
constexpr std::size_t kMaxExplainedBytes = 256 * 1024;

struct Compiled {
  valijson::Schema schema;
  bool matches_text = false;  // holds patterns or formats
  bool unique_items = false;
};

json::parse_options Options() {
  json::parse_options options;
  options.max_depth = 80;  // what we accept is at most 64 deep
  return options;
}

void NoteCosts(const json::value& node, Compiled& compiled) {
  if (const auto* object = node.if_object()) {
    for (const auto& member : *object) {
      const std::string_view key(member.key().data(), member.key().size());
      if (key == "pattern" || key == "patternProperties" || key == "format") compiled.matches_text = true;
      if (key == "uniqueItems") compiled.unique_items = true;
      NoteCosts(member.value(), compiled);
    }
  } else if (const auto* array = node.if_array()) {
    for (const auto& child : *array) NoteCosts(child, compiled);
  }
}

// Whether a schema with patterns or uniqueItems may look at this document.
bool WithinLimits(const json::value& node, const Compiled& compiled) {
  if (const auto* text = node.if_string()) return !compiled.matches_text || text->size() <= kMaxPatternSubjectBytes;
  if (const auto* array = node.if_array()) {
    if (compiled.unique_items && array->size() > kMaxUniqueItems) return false;
    return std::ranges::all_of(*array, [&](const json::value& child) { return WithinLimits(child, compiled); });
  }
  const auto* object = node.if_object();
  if (object == nullptr) return true;
  return std::ranges::all_of(*object, [&](const auto& member) {
    return (!compiled.matches_text || member.key().size() <= kMaxPatternSubjectBytes) &&
           WithinLimits(member.value(), compiled);
  });
}

// valijson names places as "<root>", "[member]", "[0]".
std::string PointerOf(const std::vector<std::string>& context) {
  std::string pointer;
  for (std::size_t i = 1; i < context.size(); ++i) {
    std::string_view token = context[i];
    if (token.size() >= 2 && token.front() == '[' && token.back() == ']') token = token.substr(1, token.size() - 2);
    pointer += "/" + base::PointerToken(token.substr(0, 64));
    if (pointer.size() > 256) break;
  }
  return pointer;
}

std::string Explain(const valijson::ValidationResults& results) {
  std::vector<std::string> places;
  for (const auto& error : results) {
    std::string place = PointerOf(error.context);
    if (place.empty()) place = "the whole message";
    if (std::ranges::find(places, place) != places.end()) continue;
    if (places.size() == kMaxViolationsNamed) break;
    places.push_back(std::move(place));
  }
  return fmt::format("the message does not match its schema at {}", fmt::join(places, ", "));
}

Processed<std::unique_ptr<Compiled>> Compile(std::string_view schema_json) {
  simdjson::dom::parser parser;
  simdjson::dom::element element;
  if (parser.parse(schema_json.data(), schema_json.size()).get(element) != simdjson::SUCCESS || !element.is_object()) {
    return Refuse("invalid-schema", "the schema is not a JSON object");
  }
  if (const auto errors = CheckSchemaRules(element, ""); !errors.empty()) {
    return Refuse("invalid-schema", fmt::format("the schema at {} {}", errors[0].pointer, errors[0].detail));
  }
  auto compiled = std::make_unique<Compiled>();
  const json::value document = json::parse({schema_json.data(), schema_json.size()}, {}, Options());
  NoteCosts(document, *compiled);
  const Adapter adapter(document);
  valijson::SchemaParser(valijson::SchemaParser::kDraft7).populateSchema(adapter, compiled->schema);
  return compiled;
}

Processed<void> Check(const Compiled& compiled, std::string_view document_json) {
  const json::value document = json::parse({document_json.data(), document_json.size()}, {}, Options());
  if (!WithinLimits(document, compiled)) {
    return Refuse("schema-limit", fmt::format("a string over {} bytes or an array over {} items is too large for this "
                                              "schema's patterns, formats or uniqueItems",
                                              kMaxPatternSubjectBytes, kMaxUniqueItems));
  }
  valijson::Validator validator(valijson::Validator::kStrongTypes);
  const Adapter adapter(document);
  if (validator.validate(compiled.schema, adapter, nullptr)) return {};
  if (document_json.size() > kMaxExplainedBytes)
    return Refuse("schema-mismatch", "the message does not match its schema");
  valijson::ValidationResults results;
  static_cast<void>(validator.validate(compiled.schema, adapter, &results));
  return Refuse("schema-mismatch", Explain(results));
}

}  // namespace

struct SchemaCache::Impl {
  struct Entry {
    std::string text;
    std::unique_ptr<Compiled> compiled;
  };
  std::list<Entry> entries;  // most recently used first
};

SchemaCache::SchemaCache() : impl_(std::make_unique<Impl>()) {}
SchemaCache::~SchemaCache() = default;

Processed<void> SchemaCache::Validate(std::string_view schema_json, std::string_view document_json) {
  auto& entries = impl_->entries;
  // valijson and Boost.JSON throw; nothing leaves this function but a result.
  try {
    auto known = std::ranges::find(entries, schema_json, &Impl::Entry::text);
    if (known == entries.end()) {
      auto compiled = Compile(schema_json);
      if (!compiled) return std::unexpected(std::move(compiled).error());
      entries.push_front({std::string(schema_json), std::move(*compiled)});
      if (entries.size() > kMaxCachedSchemas) entries.pop_back();
    } else {
      entries.splice(entries.begin(), entries, known);
    }
  } catch (const std::exception&) {
    return Refuse("invalid-schema", "the schema does not compile");
  }
  try {
    return Check(*entries.front().compiled, document_json);
  } catch (const std::exception&) {
    return Refuse("invalid-schema", "the schema cannot be applied to this message");
  }
}

}  // namespace processors
