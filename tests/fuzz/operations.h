// A toon's bytes and its operations in one input: bytes, then optionally a NUL and a JSON array of operations. So a
// plain file is an input, and the operations that reach a processor are those that the catalog lets through.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "fuzz/fuzz.h"
#include "ports/processor.h"
#include "processors/catalog.h"
#include "wire/toon.h"

namespace fuzz {

struct Asked {
  std::string_view bytes;
  std::vector<ports::Operation> operations;
};

// nullopt: the catalog refuses them.
inline std::optional<Asked> ReadAsked(std::string_view input, std::string_view type) {
  static const std::unique_ptr<ports::OperationCatalog> catalog = processors::NewCatalog({});
  const std::size_t at = input.rfind(std::string_view("\0[", 2));
  if (at == std::string_view::npos) return Asked{input, {}};
  wire::StrictParser parser;
  const auto element = parser.Parse(input.substr(at + 1));
  wire::Array array;
  if (!element || element->get(array) != simdjson::SUCCESS) return std::nullopt;
  wire::FieldErrors errors;
  Asked asked{input.substr(0, at), wire::DecodeOperations(array, type, "", *catalog, errors)};
  if (!errors.empty()) return std::nullopt;
  return asked;
}

// What every output must be, whoever made it.
inline void RequireOutput(const ports::ProcessorOutput& output) {
  wire::StrictParser parser;
  const auto result = parser.Parse(output.result_json);
  Require(result.has_value() && result->is_object(), "a result is a strict JSON object");
  Require(output.result_json.size() <= job::kMaxResultBytes, "a result stays within its limit");
  Require(output.artifacts.size() <= job::kMaxArtifactsPerToon, "artifacts stay within their limit");
  for (const ports::ArtifactBytes& artifact : output.artifacts) {
    Require(!artifact.name.empty() && artifact.name.size() <= job::kMaxArtifactNameBytes, "an artifact has a name");
    Require(artifact.name.find('/') == std::string::npos, "an artifact's name is a file name");
  }
}
inline void RequireFailure(const ports::ProcessorFailure& failure) {
  Require(!failure.error.code.empty(), "a failure has a code");
  for (const char c : failure.error.code) {
    Require((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-', "a failure's code is kebab-case");
  }
  const bool memory = failure.blame == ports::Blame::kLethal && failure.error.code == "memory-limit";
  Require(memory || failure.blame == ports::Blame::kInput, "bad bytes are to blame, not the platform");
}

}  // namespace fuzz
