// The reducer "contact-sheet": every image (and each video's poster) as a small picture with its toon id below, in the
// order of the manifest; the first job::kMaxSheetTiles of them.
//
// Parameters: {"title"?: at most 200 bytes, default the job's id; "columns"?: 1 to 40; "tile"?: 64 to 256 pixels,
// default 160; "format"?: "webp" (default), "jpeg" or "png"}. Images get the operation preview, videos poster.
// Render: {"tiles","listed"}: toons seen, and those that will be drawn. Finish: contact-sheet.webp (.jpg, .png);
// nothing when there was no picture.
#pragma once

#include <memory>

#include "ports/reducer.h"

namespace reducers {

[[nodiscard]] std::unique_ptr<ports::Reducer> NewContactSheet();

}  // namespace reducers
