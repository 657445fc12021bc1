// Answers: bytes of our own, see docs/formats/answer.md.
#include <fmt/format.h>

#include "wire/bytes.h"
#include "wire/chunk_codec.h"

namespace wire {

namespace {

constexpr std::string_view kMagic = "UTAN";
constexpr std::uint8_t kAnswerVersion = 1;
enum AnswerFlag : std::uint8_t { kFailed = 1, kHasReduced = 2, kKnownAnswerFlags = 3 };
enum RowFlag : std::uint8_t { kRowHasReferences = 1 };

// The fewest bytes that one of each takes: a count is refused when so many cannot follow.
constexpr std::size_t kLeastRecord = 6;
constexpr std::size_t kLeastOutcome = 4;
constexpr std::size_t kLeastRetry = 5;
constexpr std::size_t kLeastPartial = 2;
constexpr std::size_t kLeastArtifact = 3 + 32;

void PutArtifacts(std::string& out, const std::vector<job::Artifact>& artifacts) {
  PutVarint(out, artifacts.size());
  for (const job::Artifact& artifact : artifacts) {
    PutBytes(out, artifact.name);
    PutBytes(out, artifact.content_type);
    PutVarint(out, artifact.bytes);
    out.append(base::View(artifact.sha256));
  }
}

void PutError(std::string& out, const job::ToonError& error) {
  PutBytes(out, error.code);
  PutBytes(out, error.message);
}

void PutReduced(std::string& out, const job::ReduceResult& reduced) {
  PutBytes(out, reduced.reducer);
  PutArtifacts(out, reduced.artifacts);
  out += reduced.error ? '\1' : '\0';
  if (reduced.error) PutError(out, *reduced.error);
}

void PutAnswer(std::string& out, const RecordAnswer& record) {
  const ports::ChunkAnswer& answer = record.answer;
  PutBytes(out, record.message_id);
  out += static_cast<char>((record.failed ? kFailed : 0) | (answer.reduced ? kHasReduced : 0));
  PutBytes(out, record.failure);
  PutVarint(out, answer.outcomes.size());
  for (const ports::OutcomeRow& row : answer.outcomes) {
    PutVarint(out, row.position);
    out += static_cast<char>(row.state);
    out += static_cast<char>(row.has_references ? kRowHasReferences : 0);
    PutBytes(out, row.row);
  }
  PutVarint(out, answer.retries.size());
  for (const job::RetryNote& note : answer.retries) {
    PutVarint(out, note.position);
    PutVarint(out, note.attempts);
    PutSigned(out, base::UnixMicros(note.not_before));
    PutError(out, note.last_error);
  }
  PutVarint(out, answer.partials.size());
  for (const ports::Partial& partial : answer.partials) {
    PutBytes(out, partial.reducer);
    PutBytes(out, partial.bytes);
  }
  if (answer.reduced) PutReduced(out, *answer.reduced);
}

job::ToonError ReadError(ByteReader& in) {
  job::ToonError error;
  error.code = in.Bytes();
  error.message = in.Bytes();
  return error;
}

void ReadOutcomes(ByteReader& in, std::vector<ports::OutcomeRow>& outcomes) {
  const std::size_t count = in.Count(kLeastOutcome);
  for (std::size_t i = 0; i < count && in.ok(); ++i) {
    ports::OutcomeRow& row = outcomes.emplace_back();
    row.position = in.Varint();
    const std::uint8_t state = in.Byte();
    const std::uint8_t flags = in.Byte();
    if (state > static_cast<std::uint8_t>(job::ToonState::kFailed) || flags > kRowHasReferences) return in.Fail();
    row.state = static_cast<job::ToonState>(state);
    row.has_references = flags != 0;
    row.row = in.Bytes();
  }
}

void ReadRetries(ByteReader& in, std::vector<job::RetryNote>& retries) {
  const std::size_t count = in.Count(kLeastRetry);
  for (std::size_t i = 0; i < count && in.ok(); ++i) {
    job::RetryNote& note = retries.emplace_back();
    note.position = in.Varint();
    note.attempts = in.Varint32();
    note.not_before = base::FromUnixMicros(in.Signed());
    note.last_error = ReadError(in);
  }
}

void ReadPartials(ByteReader& in, std::vector<ports::Partial>& partials) {
  const std::size_t count = in.Count(kLeastPartial);
  for (std::size_t i = 0; i < count && in.ok(); ++i) {
    ports::Partial& partial = partials.emplace_back();
    partial.reducer = in.Bytes();
    partial.bytes = in.Bytes();
  }
}

job::ReduceResult ReadReduced(ByteReader& in) {
  job::ReduceResult reduced;
  reduced.reducer = in.Bytes();
  const std::size_t count = in.Count(kLeastArtifact);
  for (std::size_t i = 0; i < count && in.ok(); ++i) {
    job::Artifact& artifact = reduced.artifacts.emplace_back();
    artifact.name = in.Bytes();
    artifact.content_type = in.Bytes();
    artifact.bytes = in.Varint();
    artifact.sha256 = in.Sha();
  }
  const std::uint8_t has_error = in.Byte();
  if (has_error > 1) in.Fail();
  if (has_error == 1) reduced.error = ReadError(in);
  return reduced;
}

RecordAnswer ReadAnswer(ByteReader& in) {
  RecordAnswer record;
  record.message_id = in.Bytes();
  const std::uint8_t flags = in.Byte();
  if ((flags & ~kKnownAnswerFlags) != 0) in.Fail();
  record.failed = (flags & kFailed) != 0;
  record.failure = in.Bytes();
  ReadOutcomes(in, record.answer.outcomes);
  ReadRetries(in, record.answer.retries);
  ReadPartials(in, record.answer.partials);
  if ((flags & kHasReduced) != 0) record.answer.reduced = ReadReduced(in);
  return record;
}

}  // namespace

std::string EncodeAnswers(const std::vector<RecordAnswer>& answers) {
  std::size_t size = 64;
  for (const RecordAnswer& record : answers) {
    for (const ports::OutcomeRow& row : record.answer.outcomes) size += row.row.size() + 16;
    for (const ports::Partial& partial : record.answer.partials) size += partial.bytes.size() + 64;
  }
  std::string out;
  out.reserve(size);
  out += kMagic;
  out += static_cast<char>(kAnswerVersion);
  PutVarint(out, answers.size());
  for (const RecordAnswer& record : answers) PutAnswer(out, record);
  return out;
}

base::Result<std::vector<RecordAnswer>> DecodeAnswers(std::string_view bytes) {
  const auto corrupt = [](std::string_view why) {
    return base::Fail(base::Code::kCorrupt, fmt::format("a worker's answer does not decode: {}", why));
  };
  ByteReader in(bytes);
  if (in.Raw(kMagic.size()) != kMagic) return corrupt("it starts with other bytes");
  if (in.Byte() != kAnswerVersion) return corrupt("its version is unknown");
  std::vector<RecordAnswer> answers;
  const std::size_t count = in.Count(kLeastRecord);
  for (std::size_t i = 0; i < count && in.ok(); ++i) answers.push_back(ReadAnswer(in));
  if (!in.ok()) return corrupt("it is cut short or malformed");
  if (!in.AtEnd()) return corrupt("bytes follow its end");
  return answers;
}

}  // namespace wire
