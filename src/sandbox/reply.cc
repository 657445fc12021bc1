// The one decoder of what a child that met hostile bytes says.
#include <simdjson.h>

#include <algorithm>
#include <cstring>
#include <set>

#include "base/codec.h"
#include "sandbox/protocol.h"

namespace sandbox {

namespace {

constexpr std::size_t kMaxCodeBytes = 64;
constexpr std::size_t kMaxContentTypeBytes = 128;
constexpr std::size_t kMaxPerceptualBytes = 16 * 1024;  // a long audio's fingerprint
// simdjson refuses a filled container at its maximum.
constexpr std::size_t kParserDepth = job::kMaxJsonDepth + 1;

template <typename Predicate>
bool All(std::string_view text, Predicate predicate) {
  return std::ranges::all_of(text, predicate);
}
bool IsLowerOrDigit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}
bool IsCode(std::string_view text) {
  return !text.empty() && All(text, [](char c) { return IsLowerOrDigit(c) || c == '-'; });
}
// Names become file names, types header lines: neither may hold what ends or leaves those.
bool IsFileName(std::string_view name) {
  return !name.empty() && name != "." && name != ".." &&
         All(name, [](char c) { return IsPrintable(c) && c != '/' && c != '\\' && c != '"'; });
}
bool IsContentType(std::string_view type) {
  return type.find('/') != std::string_view::npos &&
         All(type, [](char c) { return IsPrintable(c) && c != '"' && c != '\\'; });
}
bool IsPerceptual(std::string_view text) {
  return All(text, [](char c) {
    return IsLowerOrDigit(c) || (c >= 'A' && c <= 'Z') || std::string_view("+/=:._-").find(c) != std::string_view::npos;
  });
}

// The object without white space between its tokens: it is shown inside other documents, on lines of its own.
std::optional<std::string> CleanObject(std::string_view json) {
  simdjson::dom::parser parser;
  if (parser.allocate(std::max<std::size_t>(json.size(), 1024), kParserDepth) != simdjson::SUCCESS) return std::nullopt;
  simdjson::dom::element root;
  if (parser.parse(json.data(), json.size()).get(root) != simdjson::SUCCESS || !root.is_object()) return std::nullopt;
  std::string clean(json.size(), '\0');
  std::size_t length = 0;
  if (simdjson::minify(json.data(), json.size(), clean.data(), length) != simdjson::SUCCESS) return std::nullopt;
  clean.resize(length);
  return clean;
}

std::optional<ReplyHead> ReadFailure(base::Decoder& in) {
  ports::ProcessorFailure failure;
  failure.blame = static_cast<ports::Blame>(in.Count(static_cast<std::uint64_t>(ports::Blame::kLethal)));
  failure.error.code = in.Text(kMaxCodeBytes);
  const std::string_view message = in.Text(job::kMaxErrorMessageBytes);
  if (!in.done() || !IsCode(failure.error.code)) return std::nullopt;
  failure.error.message = CleanText(message, job::kMaxErrorMessageBytes);
  return ReplyHead{.answer = std::unexpected(std::move(failure)), .artifact_bytes = {}};
}

bool ReadArtifacts(base::Decoder& in, ports::ProcessorOutput& output, std::vector<std::uint64_t>& bytes) {
  output.artifacts.resize(in.Count(job::kMaxArtifactsPerToon));
  std::set<std::string_view> names;
  for (ports::ArtifactBytes& artifact : output.artifacts) {
    artifact.name = in.Text(job::kMaxArtifactNameBytes);
    artifact.content_type = in.Text(kMaxContentTypeBytes);
    bytes.push_back(in.Varint());
    if (!IsFileName(artifact.name) || !IsContentType(artifact.content_type)) return false;
    if (!names.insert(artifact.name).second) return false;
  }
  return in.done();
}

std::optional<ReplyHead> ReadOutput(base::Decoder& in) {
  ports::ProcessorOutput output;
  const std::string_view json = in.Text(job::kMaxResultBytes);
  const std::string_view fingerprint = in.Text(sizeof(base::Sha256));
  output.perceptual = in.Text(kMaxPerceptualBytes);
  std::vector<std::uint64_t> bytes;
  if (!ReadArtifacts(in, output, bytes) || !IsPerceptual(output.perceptual)) return std::nullopt;
  auto clean = CleanObject(json);
  if (!clean) return std::nullopt;
  output.result_json = *std::move(clean);
  if (!fingerprint.empty()) {
    if (fingerprint.size() != sizeof(base::Sha256)) return std::nullopt;
    std::memcpy(output.fingerprint.emplace().data(), fingerprint.data(), fingerprint.size());
  }
  return ReplyHead{.answer = std::move(output), .artifact_bytes = std::move(bytes)};
}

}  // namespace

std::optional<ReplyHead> DecodeReply(std::string_view head) {
  base::Decoder in(head);
  return in.Count(1) == 1 ? ReadOutput(in) : ReadFailure(in);
}

}  // namespace sandbox
