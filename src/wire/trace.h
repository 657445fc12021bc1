// W3C Trace Context: "00-<32 hex trace id>-<16 hex span id>-<2 hex flags>". https://www.w3.org/TR/trace-context/
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/random.h"

namespace wire {

struct TraceContext {
  std::string trace_id;  // 32 lower-case hex digits, not all zero
  std::string span_id;   // 16
  std::uint8_t flags = 1;
  bool operator==(const TraceContext&) const = default;
};
[[nodiscard]] std::optional<TraceContext> ParseTraceparent(std::string_view header);
[[nodiscard]] std::string FormatTraceparent(const TraceContext& context);
// The given header's trace with a new span, or a new trace when there is none or it does not parse.
[[nodiscard]] TraceContext ContinueTrace(std::string_view header, base::Random& random);

}  // namespace wire
