// What kind of toon a file is.
#pragma once

#include <string>
#include <string_view>

namespace cli {

enum class Carriage : unsigned char { kData, kText, kJson };  // how its bytes best travel inline

struct Guess {
  std::string type;  // one of job::kBuiltinTypeNames
  Carriage carriage = Carriage::kData;
  std::string content_type;
};
// By the extension; by the first bytes where the extension says nothing; else binary. CSV and NDJSON are gameplay when
// the path says so anywhere, else telemetry.
[[nodiscard]] Guess GuessType(std::string_view path, std::string_view head);

}  // namespace cli
