// For tests: bytes with the padding that a processor may rely on, and one call.
#pragma once

#include <simdjson.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ports/processor.h"
#include "processors/failure.h"
#include "processors/registry.h"

namespace processors {

inline Processed<ports::ProcessorOutput> Invoke(std::string_view type, const std::string& bytes,
                                                const std::vector<ports::Operation>& operations = {},
                                                ports::SourceForm form = ports::SourceForm::kBytes) {
  static const auto registry = NewProcessors({});
  // Exactly the promised padding, so that a sanitizer sees a read past it.
  const auto padded = std::make_unique<char[]>(bytes.size() + 64);
  std::copy(bytes.begin(), bytes.end(), padded.get());
  return registry->Find(type)->Process(
      {.type = type, .bytes = {padded.get(), bytes.size()}, .form = form, .operations = &operations});
}

// "ok" or the failure's code.
inline std::string CodeOf(const Processed<ports::ProcessorOutput>& output) {
  return output ? "ok" : output.error().error.code;
}

inline simdjson::dom::element Json(const std::string& text) {
  thread_local simdjson::dom::parser parser;
  return parser.parse(text).value();
}
inline double NumberAt(const Processed<ports::ProcessorOutput>& output, std::string_view pointer) {
  return double(Json(output.value().result_json).at_pointer(pointer));
}
inline std::string TextAt(const Processed<ports::ProcessorOutput>& output, std::string_view pointer) {
  return std::string(std::string_view(Json(output.value().result_json).at_pointer(pointer)));
}

}  // namespace processors
