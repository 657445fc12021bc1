#include "flow/screen.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "flow/attempts.h"
#include "flow/reuse.h"
#include "wire/outcome_codec.h"

namespace flow {

namespace {

job::ToonError Refusal(const job::Quarantined& entry) {
  const std::string sha256 = base::ToHex(entry.bytes.sha256);
  return {.code = std::string(job::kQuarantinedCode),
          .message = fmt::format(
              "these bytes ended in {} on {} (job {}, toon {}) and are not tried again until they are "
              "released: DELETE /quarantine/{}, or ubertoons quarantine release {}",
              entry.error.code, base::FormatTime(entry.at), entry.job.str(), entry.toon.str(), sha256, sha256)};
}

std::vector<std::uint32_t> IndexesOf(const ports::Chunk& chunk) {
  if (!chunk.only.empty()) return chunk.only;
  std::vector<std::uint32_t> all(chunk.segment.count);
  for (std::uint32_t i = 0; i < chunk.segment.count; ++i) all[i] = i;
  return all;
}

}  // namespace

base::Result<Screened> Screen::Run(const ports::Chunk& chunk) {
  Screened screened;
  UT_TRY_ASSIGN(const bool quarantine, context_.quarantine.Any(chunk.key.tenant, chunk.work_class));
  const Asked asked{.quarantine = quarantine, .reuse = chunk.reuse_keys && chunk.attempt == 1};
  if (!asked.quarantine && !asked.reuse) return screened;
  UT_TRY_ASSIGN(Candidates toons, Read(chunk, asked));
  if (asked.quarantine) UT_TRY(Refuse(chunk, toons, screened));
  if (asked.reuse) UT_TRY(Reuse(chunk, toons, screened));
  if (screened.answer.outcomes.empty()) return screened;
  for (const Candidate& toon : toons) {
    if (toon.decided) screened.decided.push_back(toon.index);
  }
  std::ranges::set_difference(IndexesOf(chunk), screened.decided, std::back_inserter(screened.left));
  return screened;
}

base::Result<Screen::Candidates> Screen::Read(const ports::Chunk& chunk, Asked asked) {
  SegmentLines lines;
  UT_TRY(lines.Load(context_.blobs, chunk.manifest_blob, chunk.segment));
  ToonOperations operations(context_.reducers);
  UT_TRY(operations.Load(chunk.operations_json, chunk.reducers));
  wire::StrictParser parser;
  Candidates toons;
  for (const std::uint32_t index : IndexesOf(chunk)) {
    const std::string_view line = lines.line(index);
    UT_TRY_ASSIGN(const wire::Element element, parser.Parse(line, "", wire::StrictParser::Padding::kPresent));
    wire::ToonView toon;
    wire::FieldErrors errors;
    if (!wire::DecodeToon(element, line, "", {}, toon, errors)) continue;
    UT_TRY_ASSIGN(auto candidate, ReadOne(chunk, asked, toon, operations));
    if (!candidate) continue;
    candidate->index = index;
    toons.push_back(*std::move(candidate));
  }
  return toons;
}

base::Result<std::optional<Screen::Candidate>> Screen::ReadOne(const ports::Chunk& chunk, Asked asked,
                                                               const wire::ToonView& toon, ToonOperations& operations) {
  const auto version = versions_.find(toon.type);
  const bool reuse = asked.reuse && version != versions_.end();
  if (!reuse && !asked.quarantine) return std::nullopt;
  Candidate candidate{.toon_id = job::ToonId(toon.toon_id), .bytes = {.type = std::string(toon.type)}};
  if (toon.uri) {
    candidate.bytes.sha256 = toon.uri->sha256;
  } else {
    std::string scratch;
    const auto source = LoadSource(context_.blobs, chunk.key.tenant, toon, scratch);
    if (!source) return std::nullopt;
    candidate.bytes.sha256 = base::Sha256Of(source->bytes);
    candidate.source_bytes = source->bytes.size();
  }
  if (reuse) {
    UT_TRY_ASSIGN(const auto* applying, operations.Of(toon));
    candidate.reuse_key = ReuseKey(toon.type, candidate.bytes.sha256, *applying, version->second);
  }
  return candidate;
}

base::Status Screen::Refuse(const ports::Chunk& chunk, Candidates& toons, Screened& screened) {
  std::vector<job::QuarantineKey> keys;
  keys.reserve(toons.size());
  for (const Candidate& toon : toons) keys.push_back(toon.bytes);
  UT_TRY_ASSIGN(const auto found, context_.quarantine.Find(chunk.key.tenant, keys));
  for (std::size_t i = 0; i < found.size(); ++i) {
    const std::optional<job::Quarantined>& entry = found[i];
    if (!entry) continue;
    Candidate& toon = toons[i];
    const FailedTry facts{.position = chunk.segment.first + toon.index,
                          .toon_id = toon.toon_id,
                          .type = toon.bytes.type,
                          .attempt = chunk.attempt,
                          .source_bytes = toon.source_bytes,
                          .sha256 = toon.bytes.sha256};
    screened.answer.outcomes.push_back(wire::ToRow(FinalFailure(facts, Refusal(*entry), context_.clock.Now())));
    screened.refused += 1;
    toon.decided = true;
  }
  return {};
}

base::Status Screen::Reuse(const ports::Chunk& chunk, Candidates& toons, Screened& screened) {
  std::vector<Candidate*> asked;
  std::vector<base::Sha256> keys;
  for (Candidate& toon : toons) {
    if (toon.decided || !toon.reuse_key) continue;
    asked.push_back(&toon);
    keys.push_back(*toon.reuse_key);
  }
  UT_TRY_ASSIGN(auto found, context_.reuse.Find(chunk.key.tenant, keys));
  std::vector<job::Outcome> reused;
  for (std::size_t i = 0; i < found.size(); ++i) {
    std::optional<job::Outcome>& earlier = found[i];
    if (!earlier) continue;
    job::Outcome outcome = *std::move(earlier);
    outcome.position = chunk.segment.first + asked[i]->index;
    outcome.toon_id = asked[i]->toon_id;
    outcome.reused = true;
    outcome.attempts = 1;
    outcome.processed_at = context_.clock.Now();
    screened.answer.outcomes.push_back(wire::ToRow(outcome));
    asked[i]->decided = true;
    reused.push_back(std::move(outcome));
  }
  if (reused.empty()) return {};
  screened.reused = reused.size();
  for (const std::string& name : chunk.reducers) {
    const ports::Reducer* reducer = context_.reducers.Find(name);
    std::string bytes = reducer == nullptr ? "" : reducer->Fold(reused);
    if (!bytes.empty()) screened.answer.partials.push_back({.reducer = name, .bytes = std::move(bytes)});
  }
  return {};
}

}  // namespace flow
