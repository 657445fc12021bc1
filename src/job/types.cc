#include "job/types.h"

#include <algorithm>
#include <iterator>

namespace job {

std::optional<BuiltinType> BuiltinTypeOf(std::string_view name) {
  for (std::size_t i = 0; i < std::size(kBuiltinTypeNames); ++i) {
    if (kBuiltinTypeNames[i] == name) return static_cast<BuiltinType>(i);
  }
  return std::nullopt;
}

std::string_view WorkClassOf(std::string_view type) {
  const auto builtin = BuiltinTypeOf(type);
  if (!builtin) return type;
  switch (*builtin) {
    case BuiltinType::kImage:
      return "image";
    case BuiltinType::kAudio:
    case BuiltinType::kVideo:
      return "media";
    case BuiltinType::kTelemetry:
    case BuiltinType::kGameplay:
    case BuiltinType::kMessage:
    case BuiltinType::kBinary:
      return "data";
  }
  return "data";
}

bool IsLethal(std::string_view error_code) {
  return std::ranges::find(kLethalCodes, error_code) != std::end(kLethalCodes);
}

}  // namespace job
