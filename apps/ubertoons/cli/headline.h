// A result in a few words.
#pragma once

#include <string>
#include <string_view>

#include "cli/json_read.h"

namespace cli {

// Of one element of GET /results: "1,200 rows, 3 gaps, 5 anomalies" (telemetry, gameplay), "json, 312 B" (message),
// "application/zip, entropy 7.9" (binary), "jpeg, 960 x 640, #2f1c3e" (image), "mp4, 5.0 s, h264, 320 x 240, 3 scenes,
// aac, -23.1 LUFS" (video, audio), else its first few plain members; "code: message" of an error; "" when there
// is nothing to tell yet. Not escaped: see Printable.
[[nodiscard]] std::string Headline(const json::value& element);

}  // namespace cli
