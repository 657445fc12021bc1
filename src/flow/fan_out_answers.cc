#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "flow/attempts.h"
#include "flow/fan_out_impl.h"
#include "flow/manifest.h"
#include "job/limits.h"
#include "wire/outcome_codec.h"

namespace flow {

namespace {

constexpr std::uint32_t kMaxPlatformFailures = 10;  // after so many the chunk itself is suspected
constexpr std::uint32_t kMaxReduceAttempts = 3;
constexpr std::size_t kDurationSample = 16;  // one outcome in so many is decoded for its duration

// Does the answer speak of every toon of the piece exactly once, and of no other?
bool Covers(const Piece& piece, const ports::ChunkAnswer& answer) {
  if (answer.outcomes.size() + answer.retries.size() != piece.size()) return false;
  std::vector<bool> seen(piece.segment.count, false);
  const auto mark = [&](job::Position position) {
    const std::uint64_t index = position - piece.segment.first;
    if (position < piece.segment.first || index >= seen.size() || seen[index]) return false;
    seen[index] = true;
    return piece.only.empty() || std::ranges::binary_search(piece.only, static_cast<std::uint32_t>(index));
  };
  return std::ranges::all_of(answer.outcomes, [&](const auto& row) { return mark(row.position); }) &&
         std::ranges::all_of(answer.retries, [&](const auto& note) { return mark(note.position); });
}

std::pair<std::string_view, std::string_view> Describe(ports::WorkerEnd end) {
  switch (end) {
    case ports::WorkerEnd::kCrashed:
      return {"worker-died", "its worker died"};
    case ports::WorkerEnd::kTimedOut:
      return {"timeout", "it was not done in time"};
    case ports::WorkerEnd::kErrored:
      return {"worker-error", "its worker answered an error"};
    case ports::WorkerEnd::kBusy:
      return {ports::kMemoryBusy, "no memory was free"};
    case ports::WorkerEnd::kPlatform:
      break;
  }
  return {"platform", "the platform failed"};
}

}  // namespace

std::optional<FanOut::Impl::LeaseState> FanOut::Impl::End(ports::LeaseId lease) {
  const std::lock_guard lock(mutex_);
  const auto at = leases_.find(lease);
  if (at == leases_.end()) return std::nullopt;
  LeaseState state = std::move(at->second);
  leases_.erase(at);
  state.active->in_flight -= 1;
  const auto taken = std::chrono::duration_cast<FairSchedule::Cost>(context_.clock.Steady() - state.taken);
  schedule_.Charge(state.active->no, taken);
  return state;
}

void FanOut::Impl::Answered(ports::LeaseId lease, ports::ChunkAnswer answer) {
  auto state = End(lease);
  if (!state) return;
  const auto taken = std::chrono::duration_cast<std::chrono::microseconds>(context_.clock.Steady() - state->taken);
  const bool gone = [&] {
    const std::lock_guard lock(mutex_);
    return state->active->gone;
  }();
  metrics_.ChunkEnded(state->piece.work_class(), gone ? "dropped" : "recorded", taken);
  if (gone) return;
  base::LogInfo("chunk-answered", {{"job", state->active->spec.key.job.str()},
                                   {"chunk", lease},
                                   {"outcomes", answer.outcomes.size()},
                                   {"retries", answer.retries.size()},
                                   {"ms", static_cast<double>(taken.count()) / 1000.0},
                                   {"trace", state->active->spec.traceparent}});
  if (state->piece.reduce) {
    if (!answer.reduced || answer.reduced->reducer != state->piece.reduce->reducer) {
      return HandleLost(state->active, std::move(state->piece), ports::WorkerEnd::kErrored, "no reducer's result");
    }
    return FinishReduce(state->active, state->piece, *answer.reduced);
  }
  if (!Covers(state->piece, answer)) {
    return HandleLost(state->active, std::move(state->piece), ports::WorkerEnd::kErrored, "an incomplete answer");
  }
  RecordAnswer(state->active, state->piece, std::move(answer));
}

void FanOut::Impl::RecordAnswer(const ActivePtr& active, const Piece& piece, ports::ChunkAnswer answer) {
  const job::JobKey& key = active->spec.key;
  std::uint64_t failures = 0;
  const std::size_t answered = answer.outcomes.size();
  for (std::size_t i = 0; i < answered; ++i) {
    const ports::OutcomeRow& row = answer.outcomes[i];
    const bool failed = row.state == job::ToonState::kFailed;
    if (!failed && i % kDurationSample != 0) continue;
    const auto outcome = wire::DecodeOutcome(row.row);
    if (!outcome) return HandleLost(active, piece, ports::WorkerEnd::kErrored, outcome.error().message);
    metrics_.ToonDuration(outcome->type, outcome->duration);
    if (!failed) continue;
    failures += 1;
    const job::Outcome& known = *outcome;
    const std::string code = known.error ? known.error->code : "unknown";
    metrics_.ToonFailed(code);
    base::LogWarn("toon-failed", {{"job", key.job.str()},
                                  {"toon", outcome->toon_id.str()},
                                  {"code", code},
                                  {"attempts", outcome->attempts},
                                  {"trace", active->spec.traceparent}});
  }
  const bool folded = !answer.partials.empty();
  const base::SteadyPoint begin = context_.clock.Steady();
  auto recorded = record_.Run(key, active->generation, active->reducers, std::move(answer));
  metrics_.RecordTook(std::chrono::duration_cast<std::chrono::microseconds>(context_.clock.Steady() - begin));
  if (!recorded) {
    const base::Error& error = recorded.error();
    const bool hopeless = !base::PolicyOf(error.code).retryable || piece.platform_failures >= kMaxPlatformFailures;
    const bool over = error.code == base::Code::kConflict || error.code == base::Code::kNotFound;
    // Without a success in it there is nothing to suspect: then only waiting helps.
    if (!over && hopeless && folded) return HandleLost(active, piece, ports::WorkerEnd::kErrored, error.message);
    const std::lock_guard lock(mutex_);
    if (over) return Forget(active);
    base::LogWarn("chunk-not-recorded", {{"job", key.job.str()}, {"error", error.message}});
    Piece again = piece;
    again.platform_failures += 1;
    again.fresh = true;  // part of it may be recorded: look again before it is sent
    active->resumed = true;
    const auto delay = RetryDelay(again.platform_failures, context_.random);
    return PushLater(active, std::move(again), delay);
  }
  if (recorded->quarantined > 0) {
    metrics_.Quarantined(recorded->quarantined);
    base::LogWarn("bytes-quarantined", {{"job", key.job.str()}, {"entries", recorded->quarantined}});
  }
  metrics_.ToonsRecorded(job::ToonState::kSucceeded, recorded->accepted - std::min(recorded->accepted, failures));
  metrics_.ToonsRecorded(job::ToonState::kFailed, std::min(recorded->accepted, failures));
  context_.notifier.Publish(recorded->job);
  {
    const std::lock_guard lock(mutex_);
    Settle(*active, recorded->accepted);
    for (const job::RetryNote& note : recorded->retries) RetryLater(active, note, piece.segment);
    if (!job::AllRecorded(recorded->job)) CheckDrained(active);
  }
  if (job::AllRecorded(recorded->job)) BeginFanIn(key);
}

void FanOut::Impl::FinishReduce(const ActivePtr& active, const Piece& piece, const job::ReduceResult& result) {
  const job::JobKey& key = active->spec.key;
  const auto job = fan_in_.Finish(key, result);
  if (!job) {
    const std::lock_guard lock(mutex_);
    if (job.error().code == base::Code::kNotFound) return Forget(active);
    base::LogWarn("reducer-not-recorded", {{"job", key.job.str()}, {"error", job.error().message}});
    return PushLater(active, piece, std::chrono::milliseconds(500));
  }
  if (job->state.phase != job::Phase::kEnded) return;
  base::LogInfo("job-ended", {{"job", key.job.str()},
                              {"status", job::kJobStatusNames[static_cast<std::size_t>(job::StatusOf(*job))]},
                              {"reason", job->state.reason},
                              {"succeeded", job::Succeeded(*job)},
                              {"failed", job::Failed(*job)},
                              {"trace", job->spec.traceparent}});
  metrics_.JobEnded(job::StatusOf(*job), context_.clock.Now() - job->spec.submitted_at);
  const std::lock_guard lock(mutex_);
  Forget(active);
}

void FanOut::Impl::Lost(ports::LeaseId lease, ports::WorkerEnd end, std::string_view detail) {
  auto state = End(lease);
  if (!state) return;
  const auto taken = std::chrono::duration_cast<std::chrono::microseconds>(context_.clock.Steady() - state->taken);
  metrics_.ChunkEnded(state->piece.work_class(), "lost", taken);
  HandleLost(state->active, std::move(state->piece), end, detail);
}

// Never counted, only slower each time: memory is given in the order of arrival, so its turn comes. In halves, since
// the waits of its first toons may be what took the last one's time.
void FanOut::Impl::PushBusy(const ActivePtr& active, Piece piece) {
  piece.busy += 1;
  const auto delay = RetryDelay(piece.busy, context_.random);
  if (piece.reduce || piece.size() == 1) return PushLater(active, std::move(piece), delay);
  piece.fresh = false;
  auto [first, second] = Halve(std::move(piece));
  PushLater(active, std::move(second), delay);
  PushLater(active, std::move(first), delay);
}

void FanOut::Impl::HandleLost(const ActivePtr& active, Piece piece, ports::WorkerEnd end, std::string_view detail) {
  const auto [code, what] = Describe(end);
  base::LogWarn("chunk-lost", {{"job", active->spec.key.job.str()},
                               {"first", piece.segment.first},
                               {"toons", piece.size()},
                               {"attempt", piece.attempt},
                               {"why", code},
                               {"detail", detail},
                               {"trace", active->spec.traceparent}});
  {
    const std::lock_guard lock(mutex_);
    if (active->gone) return;
    if (end == ports::WorkerEnd::kBusy) return PushBusy(active, std::move(piece));
    if (end == ports::WorkerEnd::kPlatform && piece.platform_failures < kMaxPlatformFailures) {
      piece.platform_failures += 1;
      const auto delay = RetryDelay(piece.platform_failures, context_.random);
      return PushLater(active, std::move(piece), delay);
    }
    piece.platform_failures = 0;
    if (piece.reduce && piece.attempt < kMaxReduceAttempts) {
      piece.attempt += 1;
      const auto delay = RetryDelay(piece.attempt, context_.random);
      return PushLater(active, std::move(piece), delay);
    }
  }
  if (!piece.reduce && piece.size() > 1) {
    piece.fresh = false;
    auto [first, second] = Halve(std::move(piece));
    {
      const std::lock_guard lock(mutex_);
      if (active->gone) return;
      Push(*active, std::move(second), Place::kFront);
      Push(*active, std::move(first), Place::kFront);
    }
    return Wake();
  }
  if (piece.reduce) {
    return FinishReduce(
        active, piece,
        {.reducer = piece.reduce->reducer,
         .error = job::ToonError{.code = std::string(code), .message = fmt::format("{}: {}", what, detail)}});
  }
  FailOne(active, piece, end, detail);
}

void FanOut::Impl::FailOne(const ActivePtr& active, const Piece& piece, ports::WorkerEnd end, std::string_view detail) {
  const std::uint32_t index = piece.only.empty() ? 0 : piece.only.front();
  FailedTry facts{.position = piece.segment.first + index,
                  .toon_id = job::ToonId(fmt::format("#{}", piece.segment.first + index)),
                  .type = std::string(piece.segment.work_class),
                  .attempt = piece.attempt,
                  .after_death = piece.after_death};
  ManifestCursor cursor(context_.plans, context_.blobs, active->spec.manifest, 1);
  wire::StrictParser parser;
  const auto line = cursor.Seek(facts.position);
  if (!line && base::PolicyOf(line.error().code).retryable) {
    // Without its line the outcome would not name its toon, and an outcome stays: another try may read it.
    const std::lock_guard lock(mutex_);
    if (!active->gone) PushLater(active, piece, RetryDelay(1, context_.random));
    return;
  }
  if (line) {
    const auto element = parser.Parse(line->text, "", wire::StrictParser::Padding::kPresent);
    wire::ToonView toon;
    wire::FieldErrors errors;
    if (element && wire::DecodeToon(*element, line->text, "", {}, toon, errors)) {
      facts.toon_id = job::ToonId(toon.toon_id);
      facts.type = toon.type;
      std::string scratch;
      if (toon.uri) {
        facts.sha256 = toon.uri->sha256;
      } else if (const auto source = LoadSource(context_.blobs, active->spec.key.tenant, toon, scratch)) {
        facts.sha256 = base::Sha256Of(source->bytes);
        facts.source_bytes = source->bytes.size();
      }
    }
  }
  const auto [code, what] = Describe(end);
  auto next = AfterFailure(facts,
                           {.error = {.code = std::string(code), .message = fmt::format("{}: {}", what, detail)},
                            .blame = job::IsLethal(code) ? ports::Blame::kLethal : ports::Blame::kResource},
                           context_.clock.Now(), context_.random);
  ports::ChunkAnswer answer;
  if (auto* note = std::get_if<job::RetryNote>(&next)) {
    answer.retries.push_back(std::move(*note));
  } else {
    answer.outcomes.push_back(wire::ToRow(std::get<job::Outcome>(next)));
  }
  RecordAnswer(active, piece, std::move(answer));
}

}  // namespace flow
