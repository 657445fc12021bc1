// How a processor refuses a toon.
#pragma once

#include <expected>
#include <string>
#include <utility>

#include "ports/processor.h"

namespace processors {

template <typename T>
using Processed = std::expected<T, ports::ProcessorFailure>;

// code: kebab-case and stable; message: one sentence without payload bytes. Bad input is never worth another try.
[[nodiscard]] inline std::unexpected<ports::ProcessorFailure> Refuse(std::string code, std::string message) {
  return std::unexpected(ports::ProcessorFailure{.error = {std::move(code), std::move(message)}});
}

}  // namespace processors
