// One toon of a manifest: a line of JSON {"toonId","type", one of "data"|"text"|"json"|"uri", "metadata"?,
// "operations"?}. The same decoding serves the submit path (which checks it) and the worker (which processes it).
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "job/limits.h"
#include "job/types.h"
#include "ports/processor.h"
#include "wire/strict_json.h"

namespace wire {

// "upload://<sha256 hex>" and "artifact://<sha256 hex>": bytes of the caller's own tenant, pinned by content.
struct ToonUri {
  enum class Kind : std::uint8_t { kUpload, kArtifact } kind = Kind::kUpload;
  base::Sha256 sha256{};
  bool operator==(const ToonUri&) const = default;
};
[[nodiscard]] base::Result<ToonUri> ParseUri(std::string_view uri);
[[nodiscard]] std::string FormatUri(const ToonUri& uri);

// Views into the parsed line: valid until the parser's next Parse and while the line lives.
struct ToonView {
  std::string_view toon_id;
  std::string_view type;
  enum class Source : std::uint8_t { kData, kText, kJson, kUri } source = Source::kData;
  std::string_view data_base64;  // kData
  std::string_view text;         // kText, unescaped UTF-8
  Element json;                  // kJson
  std::string_view json_text;    // kJson: the value's text as it stands in the line
  std::optional<ToonUri> uri;    // kUri
  std::optional<Object> metadata;
  std::optional<Array> operations;
};

// Decodes one line. Every bad field is added to `errors` with pointers below `pointer`; answers whether there was none.
// Checks names, kinds, ids, sizes and base64's alphabet; not operations (CheckOperations) nor ownership of uris.
[[nodiscard]] bool DecodeToon(const Element& element, std::string_view line, std::string_view pointer,
                              const job::Limits& limits, ToonView& out, FieldErrors& errors);

// [{"op":"name",…params}] -> operations, checked against the catalog for `type`. `pointer` is that of the array.
[[nodiscard]] std::vector<ports::Operation> DecodeOperations(const Array& operations, std::string_view type,
                                                             std::string_view pointer,
                                                             const ports::OperationCatalog& catalog,
                                                             FieldErrors& errors);
// The same without checks, for lines that were checked at submit.
[[nodiscard]] base::Result<std::vector<ports::Operation>> ReadOperations(const Array& operations);

// Rules for ids: see limits.h. Answers why it is refused, nullopt if it is fine.
[[nodiscard]] std::optional<std::string> RefuseJobId(std::string_view id);
[[nodiscard]] std::optional<std::string> RefuseToonId(std::string_view id);
[[nodiscard]] std::optional<std::string> RefuseType(std::string_view type);

}  // namespace wire
