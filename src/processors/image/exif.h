// What EXIF says of how a picture was taken.
#pragma once

#include <cstdint>
#include <vips/vips8>

#include "processors/json_writer.h"

namespace processors {

enum class Location : std::uint8_t { kDrop, kKeep };

// Adds "exif": {"make","model","lens","takenAt","exposureSeconds","fNumber","iso","focalLengthMm"} with what is there,
// nothing if nothing is; with kKeep also "location": {"latitude","longitude","altitudeMetres"?} in degrees, north and
// east positive. Texts are at most 64 bytes without control characters; figures out of range are left out.
void WriteExif(const vips::VImage& header, Location location, JsonWriter& json);

}  // namespace processors
