// A stored outcome: one form for one value, and a head that agrees with the whole.
#include "fuzz/fuzz.h"
#include "wire/outcome_codec.h"
#include "wire/render.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view row = fuzz::Text(data, size);
  const auto head = wire::PeekOutcome(row);
  const auto outcome = wire::DecodeOutcome(row);
  if (!outcome) return 0;
  std::string again;
  wire::EncodeOutcome(*outcome, again);
  fuzz::Require(again == row, "an outcome has one form");
  fuzz::Require(head && head->position == outcome->position && head->state == outcome->state, "its head agrees");
  fuzz::Require(head->has_references == (!outcome->artifacts.empty() || outcome->reuse_key),
                "and knows its references");
  std::string rendered;
  wire::AppendResult(*outcome, rendered);
  fuzz::Require(rendered.starts_with('{') && rendered.ends_with('}'), "it is shown as an object");
  return 0;
}
