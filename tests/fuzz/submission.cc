// The body of POST /submit-job: SubmissionReader, EnvelopeReader, ToonChecker, StrictParser, IdSet, the operations'
// catalog.
#include "wire/submission.h"

#include <vector>

#include "fuzz/rules.h"

namespace {

const fuzz::Rules& TheRules() {
  static const fuzz::Rules rules;
  return rules;
}

struct Taken final : wire::ToonSink {
  std::vector<std::string> lines;
  base::Status OnToon(job::Position position, const wire::ToonView& toon, std::string_view line) override {
    fuzz::Require(position == lines.size(), "toons come in order");
    fuzz::Require(!line.empty() && line.back() == '\n', "a line ends with a newline");
    fuzz::Require(line.find('\n') == line.size() - 1, "a toon is one line");
    fuzz::Require(!wire::RefuseToonId(toon.toon_id) && !wire::RefuseType(toon.type), "names are good");
    lines.emplace_back(line);
    return {};
  }
};

struct Read {
  Taken taken;
  base::Result<wire::Envelope> envelope;
  job::Position count = 0;
};

Read ReadWhole(std::string_view body) {
  Read read;
  wire::SubmissionReader reader(TheRules().Get(), read.taken);
  const auto wrote = reader.Write(body);
  read.envelope = wrote ? reader.Finish() : std::unexpected(wrote.error());
  read.count = reader.toon_count();
  return read;
}

Read ReadInPieces(std::string_view body) {
  Read read;
  wire::SubmissionReader reader(TheRules().Get(), read.taken);
  base::Status wrote;
  (void)fuzz::InPieces(body, [&](std::string_view piece) { return (wrote = reader.Write(piece)).has_value(); });
  read.envelope = wrote ? reader.Finish() : std::unexpected(wrote.error());
  read.count = reader.toon_count();
  return read;
}

// What was taken is what stands in the document.
void RequireSame(const wire::Element& document, const Read& read) {
  wire::Array toons;
  if (document.at_key("toons").get(toons) == simdjson::SUCCESS) {
    fuzz::Require(toons.size() == read.taken.lines.size(), "every toon is taken once");
    std::size_t index = 0;
    for (const wire::Element toon : toons) {
      fuzz::Require(fuzz::Canonical(toon) == fuzz::CanonicalText(read.taken.lines[index++]), "a toon keeps its value");
    }
  }
  for (const auto& [key, text] : {std::pair("metadata", &wire::Envelope::metadata_json),
                                  std::pair("operations", &wire::Envelope::operations_json)}) {
    wire::Element element;
    const bool given = document.at_key(key).get(element) == simdjson::SUCCESS;
    const std::string expected = given ? fuzz::Canonical(element) : "{}";
    fuzz::Require(fuzz::CanonicalText((*read.envelope).*text) == expected, "a member keeps its value");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view body = fuzz::Text(data, size);
  const Read whole = ReadWhole(body);
  const Read pieces = ReadInPieces(body);
  fuzz::Require(whole.envelope.has_value() == pieces.envelope.has_value(), "pieces decide as the whole does");
  fuzz::Require(whole.taken.lines == pieces.taken.lines, "pieces give the same toons");
  fuzz::Require(whole.count <= TheRules().limits().max_toons, "toons stay within their limit");

  wire::StrictParser parser;
  const auto document = parser.Parse(body);
  if (whole.envelope) {
    fuzz::Require(document.has_value(), "what is accepted is strict JSON");
    fuzz::Require(whole.count == whole.taken.lines.size(), "the counter counts what was taken");
    RequireSame(*document, whole);
    return 0;
  }
  fuzz::Require(whole.envelope.error() == pieces.envelope.error(), "pieces fail as the whole does");
  if (document) fuzz::RequirePlaces(*document, whole.envelope.error());
  return 0;
}
