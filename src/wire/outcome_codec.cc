#include "wire/outcome_codec.h"

#include <fmt/format.h>

#include "wire/bytes.h"

namespace wire {

namespace {

// Bits of the flags byte: which optional parts follow, in this order.
enum Flag : std::uint8_t {
  kHasSha256 = 1,
  kReused = 2,
  kHasError = 4,
  kHasArtifacts = 8,
  kHasReuseKey = 16,
  kHasPerceptual = 32,
  kKnownFlags = 63,
};
constexpr std::size_t kLeastArtifactBytes = 3 + 32;  // two empty strings, a size, a hash

std::uint8_t FlagsOf(const job::Outcome& outcome) {
  return static_cast<std::uint8_t>((outcome.sha256 ? kHasSha256 : 0) | (outcome.reused ? kReused : 0) |
                                   (outcome.error ? kHasError : 0) | (outcome.artifacts.empty() ? 0 : kHasArtifacts) |
                                   (outcome.reuse_key ? kHasReuseKey : 0) |
                                   (outcome.perceptual.empty() ? 0 : kHasPerceptual));
}

std::unexpected<base::Error> Corrupt(std::string_view why) {
  return base::Fail(base::Code::kCorrupt, fmt::format("an outcome row does not decode: {}", why));
}

void ReadArtifacts(ByteReader& in, std::vector<job::Artifact>& artifacts) {
  const std::size_t count = in.Count(kLeastArtifactBytes);
  if (count == 0) in.Fail();  // the flag promised some
  artifacts.reserve(count);
  for (std::size_t i = 0; i < count && in.ok(); ++i) {
    job::Artifact& artifact = artifacts.emplace_back();
    artifact.name = in.Bytes();
    artifact.content_type = in.Bytes();
    artifact.bytes = in.Varint();
    artifact.sha256 = in.Sha();
  }
}

void ReadOptionalParts(ByteReader& in, std::uint8_t flags, job::Outcome& out) {
  if ((flags & kHasSha256) != 0) out.sha256 = in.Sha();
  if ((flags & kHasError) != 0) {
    out.error.emplace();
    out.error->code = in.Bytes();
    out.error->message = in.Bytes();
  }
  if ((flags & kHasArtifacts) != 0) ReadArtifacts(in, out.artifacts);
  if ((flags & kHasReuseKey) != 0) out.reuse_key = in.Sha();
  if ((flags & kHasPerceptual) != 0) {
    out.perceptual = in.Bytes();
    if (out.perceptual.empty()) in.Fail();
  }
}

}  // namespace

void EncodeOutcome(const job::Outcome& outcome, std::string& out) {
  out.reserve(out.size() + 160 + outcome.toon_id.str().size() + outcome.type.size() + outcome.result_json.size());
  out += static_cast<char>(kOutcomeVersion);
  out += static_cast<char>(outcome.state);
  out += static_cast<char>(FlagsOf(outcome));
  PutVarint(out, outcome.position);
  PutBytes(out, outcome.toon_id.str());
  PutBytes(out, outcome.type);
  PutBytes(out, outcome.result_json);
  PutVarint(out, outcome.source_bytes);
  PutSigned(out, outcome.duration.count());
  PutVarint(out, outcome.attempts);
  PutSigned(out, base::UnixMicros(outcome.processed_at));
  if (outcome.sha256) out.append(base::View(*outcome.sha256));
  if (outcome.error) {
    PutBytes(out, outcome.error->code);
    PutBytes(out, outcome.error->message);
  }
  if (!outcome.artifacts.empty()) {
    PutVarint(out, outcome.artifacts.size());
    for (const job::Artifact& artifact : outcome.artifacts) {
      PutBytes(out, artifact.name);
      PutBytes(out, artifact.content_type);
      PutVarint(out, artifact.bytes);
      out.append(base::View(artifact.sha256));
    }
  }
  if (outcome.reuse_key) out.append(base::View(*outcome.reuse_key));
  if (!outcome.perceptual.empty()) PutBytes(out, outcome.perceptual);
}

base::Result<OutcomeHead> PeekOutcome(std::string_view row) {
  ByteReader in(row);
  const std::uint8_t version = in.Byte();
  const std::uint8_t state = in.Byte();
  const std::uint8_t flags = in.Byte();
  OutcomeHead head;
  head.position = in.Varint();
  if (!in.ok()) return Corrupt("it is too short");
  if (version != kOutcomeVersion) return Corrupt(fmt::format("version {} is unknown", version));
  if (state > static_cast<std::uint8_t>(job::ToonState::kFailed)) return Corrupt("its state is unknown");
  if ((flags & ~kKnownFlags) != 0) return Corrupt("it has unknown flags");
  head.state = static_cast<job::ToonState>(state);
  head.has_references = (flags & (kHasArtifacts | kHasReuseKey)) != 0;
  return head;
}

base::Result<job::Outcome> DecodeOutcome(std::string_view row) {
  const auto head = PeekOutcome(row);
  if (!head) return std::unexpected(head.error());
  const auto flags = static_cast<std::uint8_t>(row[2]);
  ByteReader in(row.substr(3));
  job::Outcome out;
  out.state = head->state;
  out.reused = (flags & kReused) != 0;
  out.position = in.Varint();
  out.toon_id = job::ToonId(in.Bytes());
  out.type = in.Bytes();
  out.result_json = in.Bytes();
  out.source_bytes = in.Varint();
  out.duration = std::chrono::microseconds(in.Signed());
  out.attempts = in.Varint32();
  out.processed_at = base::FromUnixMicros(in.Signed());
  ReadOptionalParts(in, flags, out);
  if (!in.ok()) return Corrupt("it is cut short or malformed");
  if (!in.AtEnd()) return Corrupt("bytes follow its end");
  return out;
}

ports::OutcomeRow ToRow(const job::Outcome& outcome) {
  ports::OutcomeRow row{.position = outcome.position,
                        .state = outcome.state,
                        .has_references = !outcome.artifacts.empty() || outcome.reuse_key.has_value()};
  EncodeOutcome(outcome, row.row);
  return row;
}

}  // namespace wire
