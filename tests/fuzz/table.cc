// Telemetry and gameplay logs: the whole processor, as a worker runs it. See operations.h for the input.
#include "fuzz/operations.h"
#include "processors/test_input.h"

namespace {

// The records of a file as RFC 4180 reads it; every one has `columns` cells.
std::size_t CountRecords(std::string_view csv, std::size_t columns) {
  std::size_t records = 0;
  std::size_t cells = 1;
  bool quoted = false;
  for (const char c : csv) {
    if (c == '"') quoted = !quoted;
    if (quoted) continue;
    if (c == ',') ++cells;
    if (c != '\n') continue;
    fuzz::Require(cells == columns, "every row of the cleaned file has every column");
    cells = 1;
    ++records;
  }
  fuzz::Require(!quoted && (csv.empty() || csv.back() == '\n'), "the cleaned file is whole");
  return records;
}

std::uint64_t NumberAt(const simdjson::dom::element& result, std::string_view pointer) {
  return std::uint64_t(result.at_pointer(pointer));
}

void RequireSound(const ports::ProcessorOutput& output) {
  fuzz::RequireOutput(output);
  const auto result = processors::Json(output.result_json);
  const std::uint64_t rows = NumberAt(result, "/rows");
  const std::uint64_t kept = NumberAt(result, "/cleaning/rowsKept");
  fuzz::Require(kept + NumberAt(result, "/cleaning/badRows") <= rows, "rows are kept, bad or doubled");
  fuzz::Require(NumberAt(result, "/badRows") == NumberAt(result, "/cleaning/badRows"), "bad rows are counted once");
  for (const auto field : result["fields"].get_object()) {
    fuzz::Require(std::uint64_t(field.value["count"]) <= kept, "a column has no more values than rows");
    fuzz::Require(double(field.value["min"]) <= double(field.value["max"]), "the least is not above the most");
  }
  for (const auto anomaly : result["anomalies"]["list"].get_array()) {
    fuzz::Require(std::uint64_t(anomaly["row"]) < kept, "an anomaly is in a row that was kept");
  }
  for (const ports::ArtifactBytes& artifact : output.artifacts) {
    if (artifact.name != "cleaned.csv") continue;
    fuzz::Require(CountRecords(artifact.bytes, NumberAt(result, "/columnCount")) == kept + 1,
                  "the cleaned file holds the rows that were kept");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = fuzz::Text(data, size);
  for (const std::string_view type : {"telemetry", "gameplay"}) {
    const auto asked = fuzz::ReadAsked(input, type);
    if (!asked) continue;
    const auto output = processors::Invoke(type, std::string(asked->bytes), asked->operations);
    if (output) {
      RequireSound(*output);
    } else {
      fuzz::RequireFailure(output.error());
    }
  }
  return 0;
}
