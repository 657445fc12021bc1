// Messages: the whole processor with its operations; see operations.h for the input.
#include "fuzz/operations.h"
#include "processors/test_input.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto asked = fuzz::ReadAsked(fuzz::Text(data, size), "message");
  if (!asked) return 0;
  const std::string bytes(asked->bytes);
  const auto output = processors::Invoke("message", bytes, asked->operations);
  if (!output) {
    fuzz::RequireFailure(output.error());
    return 0;
  }
  fuzz::RequireOutput(*output);
  if (!output->fingerprint) return 0;
  // Equal values have equal fingerprints: the canonical form is the same value.
  const auto emitted = processors::Invoke("message", bytes, {{.name = "emit"}});
  fuzz::Require(emitted.has_value() && emitted->artifacts.size() == 1, "JSON has a canonical form");
  wire::StrictParser parser;
  if (!parser.Parse(emitted->artifacts[0].bytes)) return 0;  // huge integers, see wire/canonical_json.h
  const auto again = processors::Invoke("message", emitted->artifacts[0].bytes, {}, ports::SourceForm::kJson);
  fuzz::Require(again.has_value() && again->fingerprint == output->fingerprint, "with the same fingerprint");
  return 0;
}
