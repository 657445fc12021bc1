// Reading JSON that others wrote. Refuses duplicate keys, depth over job::kMaxJsonDepth, trailing data, NaN, lone
// surrogates, bad UTF-8, and integers past 64 bits. simdjson underneath, which does all but the first.
#pragma once

#include <simdjson.h>

#include <string_view>
#include <vector>

#include "base/error.h"

namespace wire {

using Element = simdjson::dom::element;
using Object = simdjson::dom::object;
using Array = simdjson::dom::array;

// Owns the buffers of the last parsed document; elements live until the next Parse. One thread at a time; keep it,
// since its buffers are reused.
class StrictParser {
 public:
  StrictParser();
  // kInvalid with one field error; its pointer is `base_pointer` plus the place of a duplicate key ("" if the text does
  // not parse at all). Copies text unless `padded` promises 64 readable bytes past its end.
  enum class Padding : bool { kNone, kPresent };
  [[nodiscard]] base::Result<Element> Parse(std::string_view text, std::string_view base_pointer = "",
                                            Padding padding = Padding::kNone);

 private:
  simdjson::dom::parser parser_;
};

// The element's text, minified, as simdjson prints it (numbers normalised); for small documents.
[[nodiscard]] std::string Minify(const Element& element);

// Collects field errors while a document is decoded, so that a refusal names every bad place (up to kMaxFieldErrors).
class FieldErrors {
 public:
  void Add(std::string pointer, std::string detail);
  [[nodiscard]] bool empty() const { return errors_.empty(); }
  [[nodiscard]] bool full() const;
  [[nodiscard]] const std::vector<base::FieldError>& list() const { return errors_; }
  // kInvalid with all of them and a message that counts them.
  [[nodiscard]] base::Error ToError(std::string_view what) &&;

 private:
  std::vector<base::FieldError> errors_;
  std::size_t dropped_ = 0;
};

}  // namespace wire
