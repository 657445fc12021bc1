#include "sim/workers.h"

#include <fmt/format.h>

#include <algorithm>

#include "flow/record.h"
#include "job/limits.h"
#include "wire/outcome_codec.h"

namespace sim {

namespace {

constexpr int kMostLosses = 4;  // per toon: past ten the flow suspects the toon itself

std::string Describe(const ports::Chunk& chunk) {
  const std::string name = chunk.key.tenant.str() + "/" + chunk.key.job.str();
  if (chunk.kind == ports::Chunk::Kind::kReduce)
    return fmt::format("{} gen {} reduce {}", name, chunk.generation, chunk.reducer);
  return fmt::format("{} gen {} [{}+{}) {} of them, attempt {}", name, chunk.generation, chunk.segment.first,
                     chunk.segment.count, chunk.only.empty() ? chunk.segment.count : chunk.only.size(), chunk.attempt);
}

}  // namespace

Workers::Workers(Home& home) : home_(home) {
  for (const char* type : {"message", "image", "audio", "binary"}) {
    home_.processors.Set(type, [this](const ports::ToonInput& input) { return Process(input); });
  }
}

std::string Workers::ResultOf(const job::TenantId& tenant, const std::string& content) {
  return fmt::format(R"({{"of":"{}","tenant":"{}"}})", content, tenant.str());
}

std::string Workers::ArtifactOf(const std::string& content) {
  return "thumb of " + content;
}

fakes::FakeProcessor::Answer Workers::Process(const ports::ToonInput& input) {
  const std::string content(input.bytes);
  const auto is = [&](std::string_view word) { return content.starts_with(word); };
  using fakes::FakeProcessor;
  if (is("bad") && !mended_) return FakeProcessor::Failure("bad-input", ports::Blame::kInput);
  if (is("busy") && home_.dice.Chance(0.7)) return FakeProcessor::Failure("busy", ports::Blame::kResource);
  if (is("lethal") && home_.dice.Chance(0.7)) return FakeProcessor::Failure("memory-limit", ports::Blame::kLethal);
  ports::ProcessorOutput output{.result_json = ResultOf(job::TenantId(std::string(input.tenant)), content)};
  if (input.type == "image") {
    output.artifacts.push_back({.name = "thumb", .content_type = "text/plain", .bytes = ArtifactOf(content)});
  }
  return output;
}

std::vector<job::Position> Workers::PositionsOf(const ports::Chunk& chunk) {
  std::vector<job::Position> positions;
  if (chunk.kind == ports::Chunk::Kind::kReduce) return positions;
  for (const std::uint32_t index : chunk.only) positions.push_back(chunk.segment.first + index);
  for (std::uint32_t i = 0; chunk.only.empty() && i < chunk.segment.count; ++i) {
    positions.push_back(chunk.segment.first + i);
  }
  return positions;
}

Workers::End Workers::Fate(const ports::Chunk& chunk) {
  const std::vector<job::Position> positions = PositionsOf(chunk);
  if (const auto job = home_.Peek(chunk.key); job && !positions.empty()) {
    const JobModel& model = home_.ModelOf(*job);
    for (const job::Position position : positions) {
      const bool poison = position < model.toons.size() && model.toons[position].content.starts_with("poison");
      if (poison && home_.dice.Chance(0.8)) return home_.dice.Chance(0.5) ? End::kCrashes : End::kHangs;
    }
  }
  if (behave_ || !home_.dice.Chance(home_.profile.bad_end)) return End::kAnswers;
  const auto end = static_cast<End>(home_.dice.Below(7));
  if (end != End::kPlatform) return end;
  for (const job::Position position : positions) {
    if (++losses_[{chunk.key, position}] > kMostLosses) return End::kAnswers;
  }
  return end;
}

void Workers::CheckAttempts(const ports::Chunk& chunk) const {
  const Home::Calm calm(home_);
  const auto known = home_.ledger.stored.find(chunk.key);
  if (known == home_.ledger.stored.end()) return;
  for (const job::Position position : PositionsOf(chunk)) {
    const auto guilt = known->second.guilt.find({chunk.generation, position});
    const std::uint32_t consumed = guilt == known->second.guilt.end() ? 0 : guilt->second;
    if (chunk.attempt > consumed + 1 || chunk.attempt > job::kMaxAttempts + 1) {
      throw Violation{fmt::format("job {} toon {}: attempt {} after {} failures of its own", chunk.key.job.str(),
                                  position, chunk.attempt, consumed)};
    }
    const auto notes = home_.store.Retries(chunk.key, chunk.generation, position, 1).value();
    if (!notes.empty() && notes.front().position == position && notes.front().attempts >= chunk.attempt) {
      throw Violation{fmt::format("job {} toon {}: attempt {} after {} were noted", chunk.key.job.str(), position,
                                  chunk.attempt, notes.front().attempts)};
    }
  }
}

bool Workers::Take() {
  if (held_.size() >= home_.profile.workers) return false;
  static const std::vector<std::vector<job::WorkClass>> kClasses = {
      {"data", "image", "media"}, {"data"}, {"image", "media"}};
  auto lease = home_.fan_out->Take(behave_ ? kClasses.front() : home_.dice.Of(kClasses));
  if (!lease) return false;
  home_.Trace("lease {} taken: {}", lease->id, Describe(lease->chunk));
  if (held_.contains(lease->id)) throw Violation{"one lease was given twice"};
  CheckAttempts(lease->chunk);
  const End end = Fate(lease->chunk);
  const ports::LeaseId id = lease->id;
  held_[id] = {.lease = std::move(*lease), .end = end, .answer = std::nullopt};
  return true;
}

bool Workers::GoOn() {
  if (held_.empty()) return false;
  auto at = held_.begin();
  std::advance(at, static_cast<std::ptrdiff_t>(home_.dice.Below(held_.size())));
  Held held = std::move(at->second);
  held_.erase(at);  // whatever happens meanwhile does not find it
  if (!held.answer && (held.end <= End::kAnswersBadly)) {
    Run(held);
    return true;
  }
  Give(std::move(held));
  return true;
}

void Workers::Run(Held& held) {
  flow::ChunkProcessor processor(home_.blobs, home_.processors, home_.reducers, nullptr, home_.clock, home_.random);
  auto answer = processor.Run(held.lease.chunk);
  if (!answer) return Lose(held, ports::WorkerEnd::kPlatform, answer.error().message);
  const std::size_t expected = PositionsOf(held.lease.chunk).size();
  if (answer->outcomes.size() + answer->retries.size() != expected) throw Violation{"a worker lost a toon"};
  std::vector<job::Position> failed;
  for (const job::RetryNote& note : answer->retries) failed.push_back(note.position);
  for (const ports::OutcomeRow& row : answer->outcomes) {
    if (row.state == job::ToonState::kFailed) failed.push_back(row.position);
  }
  Blame(held.lease.chunk, failed);
  home_.Trace("lease {} processed: {} outcomes, {} to be tried again", held.lease.id, answer->outcomes.size(),
              answer->retries.size());
  held.answer = std::move(*answer);
  const ports::LeaseId id = held.lease.id;
  held_[id] = std::move(held);
}

void Workers::Blame(const ports::Chunk& chunk, const std::vector<job::Position>& positions) {
  const auto known = home_.ledger.stored.find(chunk.key);
  if (known == home_.ledger.stored.end()) return;
  for (const job::Position position : positions) known->second.guilt[{chunk.generation, position}] += 1;
}

void Workers::Lose(const Held& held, ports::WorkerEnd end, std::string_view why) {
  home_.Trace("lease {} lost: {}", held.lease.id, why);
  const std::vector<job::Position> positions = PositionsOf(held.lease.chunk);
  if (end != ports::WorkerEnd::kPlatform && positions.size() == 1) Blame(held.lease.chunk, positions);
  home_.fan_out->Lost(held.lease.id, end, why);
}

void Workers::Give(Held held) {
  switch (held.end) {
    case End::kPlatform:
      return Lose(held, ports::WorkerEnd::kPlatform, "drained");
    case End::kCrashes:
      return Lose(held, ports::WorkerEnd::kCrashed, "its worker died");
    case End::kHangs:
      home_.clock.Advance(std::chrono::seconds(1));
      return Lose(held, ports::WorkerEnd::kTimedOut, "its worker hung");
    case End::kErrs:
      return Lose(held, ports::WorkerEnd::kErrored, "an invocation error");
    case End::kAnswersBadly: {
      const std::vector<job::Position> positions = PositionsOf(held.lease.chunk);
      if (positions.size() == 1) Blame(held.lease.chunk, positions);
      home_.Trace("lease {} answered badly", held.lease.id);
      return home_.fan_out->Answered(held.lease.id, Spoiled(held));
    }
    case End::kAnswersTwice:
    case End::kAnswers:
      break;
  }
  home_.Trace("lease {} answered", held.lease.id);
  if (held.end == End::kAnswersTwice) Redeliver(held);
  const ports::ChunkAnswer again = *held.answer;
  home_.fan_out->Answered(held.lease.id, std::move(*held.answer));
  if (held.end == End::kAnswersTwice) home_.fan_out->Answered(held.lease.id, again);
}

// Some of the answer was recorded before, as where a queue delivers a chunk to two workers.
void Workers::Redeliver(const Held& held) {
  const ports::Chunk& chunk = held.lease.chunk;
  if (chunk.kind == ports::Chunk::Kind::kReduce || !home_.dice.Chance(0.7)) return;
  ports::ChunkAnswer some = *held.answer;
  std::erase_if(some.outcomes, [&](const ports::OutcomeRow&) { return home_.dice.Chance(0.4); });
  some.partials.clear();
  std::vector<job::Outcome> successes;
  for (const ports::OutcomeRow& row : some.outcomes) {
    if (row.state == job::ToonState::kSucceeded) successes.push_back(wire::DecodeOutcome(row.row).value());
  }
  for (const std::string& name : chunk.reducers) {
    std::string bytes = home_.reducers.Find(name)->Fold(successes);
    if (!bytes.empty()) some.partials.push_back({.reducer = name, .bytes = std::move(bytes)});
  }
  home_.Trace("lease {}: {} outcomes were recorded by another worker", held.lease.id, some.outcomes.size());
  (void)flow::Record(*home_.context).Run(chunk.key, chunk.generation, chunk.reducers, std::move(some));
}

ports::ChunkAnswer Workers::Spoiled(const Held& held) {
  ports::ChunkAnswer answer = *held.answer;
  if (answer.reduced) {
    answer.reduced->reducer += "?";
    return answer;
  }
  if (answer.outcomes.empty()) return {};
  switch (home_.dice.Below(3)) {
    case 0:  // partial
      answer.outcomes.pop_back();
      break;
    case 1:  // one toon twice
      answer.outcomes.push_back(answer.outcomes.front());
      break;
    default:  // another toon's position
      answer.outcomes.back().position += held.lease.chunk.segment.count;
      break;
  }
  return answer;
}

void Workers::KillLate() {
  std::vector<Held> late;
  std::erase_if(held_, [&](auto& entry) {
    const auto& lease = entry.second.lease;
    const bool over = home_.clock.Steady() - lease.taken > lease.deadline;
    if (over) late.push_back(std::move(entry.second));
    return over;
  });
  // All of them are dead before the first is reported: what happens meanwhile does not let one answer after all.
  for (const Held& held : late) Lose(held, ports::WorkerEnd::kTimedOut, "over its deadline");
}

}  // namespace sim
