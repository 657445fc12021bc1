// What a worker reads from an executor child that met hostile bytes: its hello ('h') and its replies ('r').
#include "fuzz/fuzz.h"
#include "sandbox/protocol.h"
#include "wire/strict_json.h"

namespace {

void CheckHello(std::string_view head) {
  const auto hello = sandbox::DecodeHello(head);
  if (!hello) return;
  for (const char c : hello->version + hello->refusal) fuzz::Require(sandbox::IsPrintable(c), "text is clean");
  const auto again = sandbox::DecodeHello(sandbox::EncodeHello(*hello));
  fuzz::Require(again && again->version == hello->version && again->level == hello->level &&
                    again->refusal == hello->refusal && again->measures == hello->measures,
                "a hello written again is the same");
}

void RequireClean(const ports::ProcessorOutput& output) {
  simdjson::dom::parser parser;
  simdjson::dom::element result;
  fuzz::Require(parser.parse(output.result_json).get(result) == simdjson::SUCCESS && result.is_object(),
                "a result is a JSON object");
  fuzz::Require(output.result_json.find_first_of("\r\n\t") == std::string::npos, "on one line");
  fuzz::Require(output.result_json.size() <= job::kMaxResultBytes, "within its limit");
  for (const ports::ArtifactBytes& artifact : output.artifacts) {
    fuzz::Require(artifact.name.find_first_of("/\\\"\r\n") == std::string::npos && artifact.name != "..",
                  "a file name");
    for (const char c : artifact.content_type) fuzz::Require(sandbox::IsPrintable(c), "fit for a header");
  }
}

void CheckReply(std::string_view head) {
  const auto reply = sandbox::DecodeReply(head);
  if (!reply) return;
  if (!reply->answer) {
    const auto again = sandbox::DecodeReply(sandbox::EncodeReply(reply->answer));
    fuzz::Require(again && !again->answer && again->answer.error().error == reply->answer.error().error &&
                      again->answer.error().blame == reply->answer.error().blame,
                  "a failure written again is the same");
    return;
  }
  RequireClean(*reply->answer);
  fuzz::Require(reply->artifact_bytes.size() == reply->answer->artifacts.size(), "a length for each artifact");
  const auto again = sandbox::DecodeReply(sandbox::EncodeReply(reply->answer));
  fuzz::Require(again && again->answer && again->answer->result_json == reply->answer->result_json &&
                    again->answer->fingerprint == reply->answer->fingerprint &&
                    again->answer->perceptual == reply->answer->perceptual &&
                    again->answer->artifacts.size() == reply->answer->artifacts.size(),
                "an output written again is the same");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view head = fuzz::Text(data + 1, size - 1);
  if (data[0] == 'h') CheckHello(head);
  if (data[0] == 'r') CheckReply(head);
  return 0;
}
