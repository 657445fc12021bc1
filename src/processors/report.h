// The result of a table as JSON; see table_processor.h for its shape.
#pragma once

#include <optional>
#include <string>

#include "processors/analysis.h"
#include "processors/events.h"

namespace processors {

struct Report {
  const Table* table = nullptr;
  const AnalysisOptions* options = nullptr;
  std::optional<std::size_t> time_column;
  Duplicates duplicates;
  std::optional<Gaps> gaps;
  Anomalies anomalies;
  std::optional<Events> events;
  std::optional<Series> series;
  struct Field {
    std::size_t column = 0;
    Description description;
  };
  std::vector<Field> fields;
};
// At most job::kMaxResultBytes.
[[nodiscard]] std::string RenderReport(const Report& report);

}  // namespace processors
