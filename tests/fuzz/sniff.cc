// What bytes look like by their first few.
#include "processors/sniff/sniff.h"

#include "fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kLooksAt = 64;
  const std::string_view bytes = fuzz::Text(data, size);
  const auto found = processors::Sniff(bytes);
  if (found) fuzz::Require(!found->format.empty() && !found->label.empty(), "what is known has a name");
  if (!bytes.starts_with("ID3")) {
    const auto head = processors::Sniff(bytes.substr(0, kLooksAt));
    fuzz::Require(head.has_value() == found.has_value() && (!head || head->format == found->format),
                  "only the first bytes count");
  }
  bool refused_all = true;
  for (const std::string_view type : {"image", "audio", "video"}) {
    refused_all = processors::RefuseMismatch(type, bytes).has_value() && refused_all;
  }
  fuzz::Require(found || bytes.empty() || !refused_all, "unknown bytes pass");
  return 0;
}
