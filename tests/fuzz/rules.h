// The product's own catalog and reducers with small limits, so that a short input reaches them.
#pragma once

#include <memory>

#include "fuzz/fuzz.h"
#include "processors/catalog.h"
#include "reducers/registry.h"
#include "wire/canonical_json.h"
#include "wire/submission.h"

namespace fuzz {

class Rules {
 public:
  Rules() {
    limits_.max_toons = 6;
    limits_.max_toon_bytes = 600;
    limits_.max_metadata_bytes = 64;
    limits_.max_operations_bytes = 300;
    limits_.max_manifest_bytes = 2000;
  }
  [[nodiscard]] const job::Limits& limits() const { return limits_; }
  [[nodiscard]] wire::SubmissionRules Get() const {
    return {.limits = &limits_, .catalog = catalog_.get(), .reducers = reducers_.get()};
  }

 private:
  job::Limits limits_;
  std::unique_ptr<ports::OperationCatalog> catalog_ = processors::NewCatalog({"my-type"});
  std::unique_ptr<ports::ReducerRegistry> reducers_ = reducers::NewReducers();
};

inline std::string Canonical(const wire::Element& element) {
  std::string out;
  wire::AppendCanonical(element, out);
  return out;
}
inline std::string CanonicalText(std::string_view json) {
  wire::StrictParser parser;
  const auto element = parser.Parse(json);
  Require(element.has_value(), "what was accepted is strict JSON");
  return Canonical(*element);
}

// An error names places: the whole document, one that is there, or one that is missing from a container that is there.
inline void RequirePlaces(const wire::Element& document, const base::Error& error) {
  Require(error.fields.size() <= job::kMaxFieldErrors, "a refusal names a bounded number of places");
  for (const base::FieldError& field : error.fields) {
    const std::size_t slash = field.pointer.rfind('/');
    Require(field.pointer.empty() || slash != std::string::npos, "a pointer is empty or starts with a slash");
    if (field.pointer.empty()) continue;
    wire::Element parent;
    const auto found = document.at_pointer(field.pointer.substr(0, slash)).get(parent);
    Require(found == simdjson::SUCCESS, "an error points into the document");
  }
}

}  // namespace fuzz
