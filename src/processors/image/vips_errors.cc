#include "processors/image/vips_errors.h"

#include <vips/vips.h>

#include <new>

namespace processors {

namespace {
constexpr std::size_t kMaxReasonBytes = 160;
}  // namespace

std::string Reason(std::string_view text) {
  std::string reason;
  for (const char c : text) {
    if (c == '\n' || reason.size() == kMaxReasonBytes) break;
    if (c >= 0x20 && c < 0x7f) reason += c;
  }
  return reason.empty() ? "no reason given" : reason;
}

std::unexpected<ports::ProcessorFailure> RefuseFor(std::string_view code, const std::exception& error) {
  const std::string_view text = error.what();
  const bool out_of_memory =
      dynamic_cast<const std::bad_alloc*>(&error) != nullptr || text.find("out of memory") != std::string_view::npos;
  vips_error_clear();
  if (!out_of_memory) return Refuse(std::string(code), Reason(text));
  auto failure = Refuse("memory-limit", "the image needs more memory than one may use");
  failure.error().blame = ports::Blame::kLethal;
  return failure;
}

}  // namespace processors
