// A batch as Lambda receives it ('e'), and what a custom processor answers ('c').
#include "fuzz/rules.h"
#include "wire/chunk_codec.h"

namespace {

void CheckEvent(std::string_view json) {
  const auto records = wire::DecodeEvent(json);
  if (!records) return;
  const auto again = wire::DecodeEvent(wire::EncodeEvent(*records, "arn:aws:sqs:eu-west-1:1:q"));
  fuzz::Require(again && again->size() == records->size(), "a batch written again has the same records");
  for (std::size_t i = 0; i < records->size(); ++i) {
    const wire::Record& a = (*records)[i];
    const wire::Record& b = (*again)[i];
    fuzz::Require(a.message_id == b.message_id && a.body == b.body && a.receive_count == b.receive_count &&
                      a.sent_at == b.sent_at,
                  "a record written again is the same");
  }
}

void CheckCustomAnswer(std::string_view json) {
  const auto answer = wire::DecodeCustomAnswer(json);
  wire::StrictParser parser;
  const auto document = parser.Parse(json);
  if (!answer) {
    if (document) fuzz::RequirePlaces(*document, answer.error());
    return;
  }
  fuzz::Require(document.has_value(), "what is accepted is strict JSON");
  for (const wire::CustomOutcome& outcome : answer->outcomes) {
    (void)fuzz::CanonicalText(outcome.result_json);
    fuzz::Require(outcome.result_json.size() <= job::kMaxResultBytes, "a result stays within its limit");
    fuzz::Require(outcome.artifacts.size() <= job::kMaxArtifactsPerToon, "artifacts stay within their limit");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view json = fuzz::Text(data + 1, size - 1);
  if (data[0] == 'e') CheckEvent(json);
  if (data[0] == 'c') CheckCustomAnswer(json);
  return 0;
}
