#include "wire/trace.h"

#include <fmt/format.h>

#include <algorithm>

namespace wire {

namespace {

constexpr std::size_t kLength = 55;  // of version 00; later versions may be longer

bool IsLowerHex(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}
bool AllZero(std::string_view text) {
  return text.find_first_not_of('0') == std::string_view::npos;
}
unsigned Digit(char c) {
  return static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10);
}

std::string NonZeroHex(base::Random& random, std::size_t bytes) {
  std::string hex = random.Hex(bytes);
  while (AllZero(hex)) hex.back() = '1';
  return hex;
}

}  // namespace

std::optional<TraceContext> ParseTraceparent(std::string_view header) {
  if (header.size() < kLength) return std::nullopt;
  const std::string_view version = header.substr(0, 2);
  if (!IsLowerHex(version) || version == "ff") return std::nullopt;
  if (version == "00" ? header.size() != kLength : header.size() > kLength && header[kLength] != '-') {
    return std::nullopt;
  }
  if (header[2] != '-' || header[35] != '-' || header[52] != '-') return std::nullopt;
  const std::string_view trace = header.substr(3, 32);
  const std::string_view span = header.substr(36, 16);
  const std::string_view flags = header.substr(53, 2);
  if (!IsLowerHex(trace) || !IsLowerHex(span) || !IsLowerHex(flags)) return std::nullopt;
  if (AllZero(trace) || AllZero(span)) return std::nullopt;
  return TraceContext{.trace_id = std::string(trace),
                      .span_id = std::string(span),
                      .flags = static_cast<std::uint8_t>(Digit(flags[0]) << 4U | Digit(flags[1]))};
}

std::string FormatTraceparent(const TraceContext& context) {
  return fmt::format("00-{}-{}-{:02x}", context.trace_id, context.span_id, context.flags);
}

TraceContext ContinueTrace(std::string_view header, base::Random& random) {
  TraceContext context;
  if (auto given = ParseTraceparent(header)) {
    context = std::move(*given);
    // Of the flags only "sampled" has a meaning that we may pass on (section 3.2.2.5 of the standard).
    context.flags &= 1U;
  } else {
    context.trace_id = NonZeroHex(random, 16);
  }
  context.span_id = NonZeroHex(random, 8);
  return context;
}

}  // namespace wire
