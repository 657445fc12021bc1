// Reducers over results as custom processors may write them, and over partials of a damaged database.
// Input: a byte that picks the reducer, a byte that picks the damage (0: none), then lines "<type> <result JSON>".
#include <vector>

#include "fuzz/rules.h"

namespace {

std::vector<job::Outcome> ReadOutcomes(std::string_view text) {
  std::vector<job::Outcome> outcomes;
  while (!text.empty() && outcomes.size() < 40) {
    const auto [line, rest] = fuzz::Cut(text, "\n");
    text = rest;
    const auto [type, json] = fuzz::Cut(line, " ");
    wire::StrictParser parser;
    const auto result = parser.Parse(json);
    if (!result || !result->is_object() || wire::RefuseType(type)) continue;
    job::Outcome outcome{.position = outcomes.size(), .state = job::ToonState::kSucceeded, .type = std::string(type)};
    outcome.toon_id = job::ToonId("toon-" + std::to_string(outcome.position));
    outcome.result_json = wire::Minify(*result);
    outcome.source_bytes = json.size();
    outcome.artifacts.push_back({.name = "preview.webp", .content_type = "image/webp", .bytes = 9, .sha256 = {}});
    outcomes.push_back(std::move(outcome));
  }
  return outcomes;
}

void RequireRenders(const ports::Reducer& reducer, std::string_view partial) {
  const auto rendered = reducer.Render(partial);
  fuzz::Require(rendered.has_value(), "a good partial renders");
  (void)fuzz::CanonicalText(*rendered);
  if (reducer.work_class() != "data") return;
  const auto finished = reducer.Finish({.partial = partial,
                                        .params_json = "{}",
                                        .toon_count = 50,
                                        .succeeded = 40,
                                        .failed = 10,
                                        .job_id = "j",
                                        .tenant = "t"});
  fuzz::Require(finished.has_value(), "and finishes");
}

void CheckSound(const ports::Reducer& reducer, std::span<const job::Outcome> outcomes) {
  const std::size_t half = outcomes.size() / 2;
  const std::string all = reducer.Fold(outcomes);
  const std::string first = reducer.Fold(outcomes.first(half));
  const std::string second = reducer.Fold(outcomes.subspan(half));
  fuzz::Require(all.size() <= job::kMaxPartialBytes, "a partial stays within its limit");
  const auto merged = reducer.Merge(first, second);
  const auto mirrored = reducer.Merge(second, first);
  fuzz::Require(merged && mirrored, "partials merge");
  fuzz::Require(*merged == *mirrored, "in any order");
  fuzz::Require(reducer.Merge(*merged, "") == merged, "merging with nothing changes nothing");
  RequireRenders(reducer, all);
  RequireRenders(reducer, *merged);
}

// Whatever bytes are stored: an error or a partial, never a crash.
void CheckDamaged(const ports::Reducer& reducer, std::string_view partial) {
  const auto merged = reducer.Merge(partial, partial);
  if (merged) {
    fuzz::Require(merged->size() <= job::kMaxPartialBytes, "a merged partial stays within its limit");
  } else {
    fuzz::Require(merged.error().code == base::Code::kCorrupt, "a bad partial is corrupt");
  }
  const auto rendered = reducer.Render(partial);
  if (!rendered) return;
  // Names may repeat in what is damaged.
  simdjson::dom::parser parser;
  fuzz::Require(parser.parse(*rendered).error() == simdjson::SUCCESS, "what renders is JSON");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::unique_ptr<ports::ReducerRegistry> registry = reducers::NewReducers();
  static const std::vector<std::string> names = registry->Names();
  if (size < 2) return 0;
  const ports::Reducer& reducer = *registry->Find(names[data[0] % names.size()]);
  const std::string_view text = fuzz::Text(data + 2, size - 2);
  CheckDamaged(reducer, text);
  const auto outcomes = ReadOutcomes(text);
  CheckSound(reducer, outcomes);
  std::string partial = reducer.Fold(outcomes);
  if (data[1] == 0 || partial.empty()) return 0;
  char& damaged = partial[size * 31U % partial.size()];
  damaged = static_cast<char>(static_cast<unsigned char>(damaged) ^ data[1]);
  CheckDamaged(reducer, partial);
  return 0;
}
