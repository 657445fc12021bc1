#include "sim/watched.h"

#include <fmt/format.h>

#include <charconv>

namespace sim {

std::size_t ModelNumber(const job::Job& job) {
  // {"model":17}
  const std::string& text = job.spec.metadata_json;
  std::size_t number = 0;
  const char* begin = text.data() + std::min(text.size(), text.find(':') + 1);
  const auto [end, error] = std::from_chars(begin, text.data() + text.size(), number);
  if (error != std::errc()) throw Violation{"a stored job lost its metadata: " + text};
  return number;
}

namespace {

void CheckCourse(const job::JobKey& key, const job::JobState& before, const job::JobState& after) {
  const auto broken = [&](std::string_view what) {
    throw Violation{fmt::format("job {}/{}: {} (version {} to {})", key.tenant.str(), key.job.str(), what,
                                before.version, after.version)};
  };
  if (after.version < before.version) broken("its state went back");
  if (after.generation < before.generation) broken("its generation went back");
  if (after.version == before.version && after != before) broken("its state changed under the same version");
  if (after.generation > before.generation) return;
  if (after.phase < before.phase) broken("its phase went back");
  if (before.phase == job::Phase::kEnded && after != before) broken("it changed after its end");
  if (before.toon_count && before.toon_count != after.toon_count) broken("its toonCount changed");
}

}  // namespace

void Watch::Look(const job::JobKey& key) {
  const std::optional<job::Job> job = peek(key);
  const auto known = ledger.stored.find(key);
  if (!job) {
    if (known == ledger.stored.end()) return;
    ledger.models[known->second.model].forgotten = true;
    ledger.stored.erase(known);
    return;
  }
  if (known == ledger.stored.end()) {
    const std::size_t number = ModelNumber(*job);
    const bool own = number < ledger.models.size() && ledger.models[number].tenant == key.tenant;
    if (!own) throw Violation{"a job was stored that nobody of its tenant submitted: " + key.job.str()};
    ledger.models[number].forgotten = false;
    ledger.stored[key] = {.model = number, .state = job->state};
    ledger.accepted_events[key] += 1;
    return;
  }
  job::JobState& before = known->second.state;
  CheckCourse(key, before, job->state);
  if (job->state.generation != before.generation) known->second.final_counters.reset();
  if (before.phase != job::Phase::kEnded && job->state.phase == job::Phase::kEnded) ledger.ended_events[key] += 1;
  if (job->state.phase == job::Phase::kEnded && !known->second.final_counters) {
    known->second.final_counters = job->counters;
  }
  before = job->state;
}

base::Result<ports::CreateAnswer> WatchedJobs::Create(const ports::NewJob& job) {
  watch_.meanwhile();
  auto answer = watch_.store.Create(job);
  watch_.Look(job.spec.key);
  return answer;
}

base::Result<std::optional<job::Job>> WatchedJobs::Get(const job::JobKey& key) {
  auto answer = watch_.store.Get(key);
  watch_.meanwhile();
  return answer;
}

base::Result<job::Job> WatchedJobs::Update(const job::JobKey& key, const job::JobState& next,
                                           const std::vector<ports::OutboxEvent>& events) {
  watch_.meanwhile();
  if (const auto known = watch_.ledger.stored.find(key); known != watch_.ledger.stored.end()) {
    const bool retried = next.generation > known->second.state.generation;
    if (retried && next.generation > known->second.most_generations) throw Violation{"a job was retried by nobody"};
  }
  auto answer = watch_.store.Update(key, next, events);
  watch_.Look(key);
  return answer;
}

base::Status WatchedJobs::Delete(const job::JobKey& key, std::uint64_t version) {
  watch_.meanwhile();
  const std::optional<job::Job> before = watch_.peek(key);
  const base::Status answer = watch_.store.Delete(key, version);
  if (before && !watch_.peek(key) && before->state.phase != job::Phase::kEnded) {
    throw Violation{fmt::format("job {}/{} was deleted while it was running", key.tenant.str(), key.job.str())};
  }
  watch_.Look(key);
  return answer;
}

void CheckingNotifier::Publish(const job::Job& job) {
  const job::JobKey& key = job.spec.key;
  const auto known = watch_.ledger.stored.find(key);
  if (known == watch_.ledger.stored.end()) return;  // forgotten since
  const std::optional<job::Job> stored = watch_.peek(key);
  if (!stored || stored->spec.manifest != job.spec.manifest) return;
  if (stored->state.version < job.state.version)
    throw Violation{"watchers heard of what is not stored: " + key.job.str()};
}

}  // namespace sim
