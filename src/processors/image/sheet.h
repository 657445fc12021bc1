// A contact sheet: many small pictures on one, with captions.
#pragma once

#include <cstdint>

#include "ports/executor.h"
#include "processors/failure.h"
#include "processors/image/font.h"

namespace processors {

// task.inputs: encoded pictures, or "" for a tile of plain colour; the one operation "contact-sheet" has the parameters
// {"columns", "tile" (64 to 256 pixels), "format", "title"?, "captions": [text], "colours": ["#rrggbb"]}, one caption
// and colour per input. A picture that is refused or does not decode becomes a plain tile too. Rows are as long as
// `columns`, or as it takes for the sheet to fit its format. One artifact, "contact-sheet.<format>", and the result
// {"tiles","width","height","undecodable"}. "too-many-tiles" past job::kMaxSheetTiles; what Encode refuses. May throw
// vips::VError.
[[nodiscard]] Processed<ports::ProcessorOutput> MakeSheet(const ports::IsolatedTask& task, const Font& font,
                                                          std::uint64_t max_pixels);

}  // namespace processors
