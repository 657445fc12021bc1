// What libvips says when it fails, as failures of ours.
#pragma once

#include <exception>
#include <string>
#include <string_view>

#include "processors/failure.h"

namespace processors {

// The first line of `text`, printable ASCII only and at most 160 bytes: libvips quotes little, and what it quotes may
// come from the file.
[[nodiscard]] std::string Reason(std::string_view text);

// `code` with the reason; "memory-limit" of Blame::kLethal where the reason is that memory ran out. Empties libvips'
// error buffer, which the next error would otherwise be appended to.
[[nodiscard]] std::unexpected<ports::ProcessorFailure> RefuseFor(std::string_view code, const std::exception& error);

}  // namespace processors
