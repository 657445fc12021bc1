#include "processors/media/av.h"

#include <fmt/format.h>

#include <cstdarg>
#include <cstring>

namespace processors::media {

namespace {

thread_local bool too_many_streams = false;

// Looks at the format only, never at the arguments: those may hold the input's text.
void OnLog(void* /*context*/, int /*level*/, const char* format, va_list /*arguments*/) {
  if (std::strstr(format, "exceeds max_streams") != nullptr) too_many_streams = true;
}

}  // namespace

std::unexpected<ports::ProcessorFailure> RefuseMemory() {
  auto failure = Refuse("memory-limit", "decoding needs more memory than it may use");
  failure.error().blame = ports::Blame::kLethal;
  return failure;
}

std::unexpected<ports::ProcessorFailure> RefuseAv(std::string_view what, int error) {
  if (error == AVERROR(ENOMEM)) return RefuseMemory();
  char text[AV_ERROR_MAX_STRING_SIZE] = {};
  static_cast<void>(av_strerror(error, text, sizeof text));
  return Refuse("invalid-media", fmt::format("{}: {}", what, text));
}

void SetUpLibav() {
  av_log_set_callback(OnLog);
  av_max_alloc(kMaxAllocation);
}

bool TakeTooManyStreams() {
  return std::exchange(too_many_streams, false);
}

}  // namespace processors::media
