// Which operations each type of toon takes, and with which parameters: one table. Links no decoder, so that the server
// refuses a wrong operation at submit. Pure; thread-safe.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ports/processor.h"

namespace processors {

// Knows the seven built-in types and custom_types. A custom type takes any operation whose parameters are an object.
[[nodiscard]] std::unique_ptr<ports::OperationCatalog> NewCatalog(std::vector<std::string> custom_types);

}  // namespace processors
