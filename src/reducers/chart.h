// Draws aligned series as a chart: one panel a field over one time axis, the mean as a line in a band from minimum to
// maximum.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "reducers/aligned_series.h"

namespace reducers {

// A complete SVG document that follows the viewer's light or dark preference and names itself to screen readers.
// `fields` are names of series.fields() to draw, in this order.
[[nodiscard]] std::string DrawChart(const AlignedSeries& series, const std::vector<std::string>& fields,
                                    std::string_view title);

}  // namespace reducers
