#include "sim/checks.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "flow/collect.h"
#include "job/limits.h"
#include "sim/workers.h"
#include "wire/outcome_codec.h"

namespace sim {

namespace {

constexpr std::size_t kAll = 100'000;

template <typename... Args>
[[noreturn]] void Broken(const job::JobKey& key, fmt::format_string<Args...> format, Args&&... args) {
  throw Violation{
      fmt::format("job {}/{}: {}", key.tenant.str(), key.job.str(), fmt::format(format, std::forward<Args>(args)...))};
}

std::vector<ports::OutcomeRow> RowsOf(Home& home, const job::JobKey& key, job::Generation generation) {
  return home.store.Read(key, generation, 0, kAll, SIZE_MAX).value();
}

// Only bytes that killed somebody in this tenant are refused, and without a try.
void CheckRefusal(Home& home, const job::Job& job, const job::Outcome& outcome, std::uint32_t guilt) {
  const job::JobKey& key = job.spec.key;
  if (!outcome.sha256) Broken(key, "toon {} is refused for unknown bytes", outcome.position);
  const auto entry = home.store.quarantine().Find(key.tenant, {{.sha256 = *outcome.sha256, .type = outcome.type}});
  if (!entry.value().front()) Broken(key, "toon {} is refused, but nothing is in quarantine", outcome.position);
  if (outcome.attempts > guilt + 1) Broken(key, "toon {} is refused in attempt {}", outcome.position, outcome.attempts);
}

void CheckFailure(Home& home, const job::Job& job, const job::Outcome& outcome, std::uint32_t guilt) {
  const job::JobKey& key = job.spec.key;
  if (!outcome.error || outcome.error->code.empty()) Broken(key, "toon {} failed without an error", outcome.position);
  const std::string& code = outcome.error->code;
  if (code == "cancelled") {
    if (!job.state.cancelled || outcome.attempts != 0) Broken(key, "toon {} reads cancelled", outcome.position);
    return;
  }
  if (code == job::kQuarantinedCode) return CheckRefusal(home, job, outcome, guilt);
  if (outcome.attempts > guilt || outcome.attempts > job::kMaxAttempts + 1 || outcome.attempts == 0) {
    Broken(key, "toon {} failed as {} in attempt {} after {} failures of its own", outcome.position, code,
           outcome.attempts, guilt);
  }
  const std::uint32_t due = code == "bad-input" ? 1 : job::IsLethal(code) ? job::kMaxLethalAttempts : job::kMaxAttempts;
  if (outcome.attempts < due) {
    Broken(key, "toon {} failed as {} after {} attempts only", outcome.position, code, outcome.attempts);
  }
}

void CheckSuccess(const job::Job& job, const JobModel& model, const job::Outcome& outcome, std::uint32_t guilt) {
  const job::JobKey& key = job.spec.key;
  const ToonModel& toon = model.toons[outcome.position];
  if (outcome.result_json != Workers::ResultOf(key.tenant, toon.content)) {
    Broken(key, "toon {} has the result {}", outcome.position, outcome.result_json);
  }
  if (outcome.error) Broken(key, "toon {} succeeded with an error", outcome.position);
  if (outcome.attempts > guilt + 1) {
    Broken(key, "toon {} took {} attempts after {} failures", outcome.position, outcome.attempts, guilt);
  }
  if (outcome.reused && (!model.reuse_possible || outcome.attempts != 1)) {
    Broken(key, "toon {} was reused", outcome.position);
  }
  const bool named =
      outcome.artifacts.size() == 1 && outcome.artifacts[0].sha256 == base::Sha256Of(Workers::ArtifactOf(toon.content));
  if (toon.type == "image" ? !named : !outcome.artifacts.empty()) Broken(key, "toon {}'s artifacts", outcome.position);
}

// What was read once stands.
void Remember(History& history, const job::Job& job, const job::Outcome& outcome) {
  const job::JobKey& key = job.spec.key;
  const job::Position position = outcome.position;
  const std::string row = wire::ToRow(outcome).row;
  if (const auto seen = history.successes.find(position); seen != history.successes.end()) {
    if (seen->second != row) Broken(key, "toon {} had succeeded and reads otherwise now", position);
    return;
  }
  const std::pair place{job.state.generation, position};
  if (const auto seen = history.failures.find(place); seen != history.failures.end() && seen->second != row) {
    Broken(key, "toon {} had failed and reads otherwise now", position);
  }
  if (outcome.state == job::ToonState::kSucceeded) history.successes[position] = row;
  if (outcome.state == job::ToonState::kFailed) history.failures[place] = row;
}

}  // namespace

void CheckInstant(Home& home, const job::JobKey& key) {
  const Home::Calm calm(home);
  const auto job = home.Peek(key);
  if (!job) return;
  std::uint64_t successes = 0;
  std::uint64_t sum = 0;
  job::Counters counted;
  std::set<job::Position> succeeded;
  for (job::Generation generation = 1; generation <= job->state.generation; ++generation) {
    counted = {};
    for (const ports::OutcomeRow& row : RowsOf(home, key, generation)) {
      const bool success = row.state == job::ToonState::kSucceeded;
      (success ? counted.succeeded : counted.failed) += 1;
      if (!success) continue;
      if (!succeeded.insert(row.position).second) Broken(key, "toon {} succeeded twice", row.position);
      successes += 1;
      sum += (row.position + 1) * (row.position + 1);
    }
  }
  if (counted != job->counters) {
    Broken(key, "counters say {}+{}, its outcomes {}+{}", job->counters.succeeded, job->counters.failed,
           counted.succeeded, counted.failed);
  }
  if (job::Succeeded(*job) != successes) Broken(key, "{} successes of {}", job::Succeeded(*job), successes);
  if (const auto known = home.ledger.stored.find(key); known != home.ledger.stored.end()) {
    const std::optional<job::Counters>& final_counters = known->second.final_counters;
    if (final_counters && *final_counters != job->counters) Broken(key, "outcomes came after its end");
  }
  if (job->counters.processed() > job->state.scope) Broken(key, "more outcomes than toons");
  const auto aggregates = home.store.Aggregates(key).value();
  for (const ports::Partial& partial : aggregates) {
    const std::uint64_t expected = partial.reducer == "summary" ? successes : sum;
    if (partial.bytes != std::to_string(expected)) {
      Broken(key, "the aggregate {} says {}, its outcomes {}", partial.reducer, partial.bytes, expected);
    }
  }
}

void CheckView(Home& home, const job::Job& job, const std::vector<job::Outcome>& results) {
  const job::JobKey& key = job.spec.key;
  const JobModel& model = home.ModelOf(job);
  const auto known = home.ledger.stored.find(key);
  if (known == home.ledger.stored.end()) return;
  History& history = known->second;
  const std::uint64_t count = job.state.toon_count.value_or(0);
  if (count != 0 && count != model.toons.size()) Broken(key, "toonCount is {} of {}", count, model.toons.size());
  const std::uint64_t least = job.state.phase == job::Phase::kEnded ? count : job::Processed(job);
  if (results.size() < least || results.size() > count) {
    Broken(key, "{} results of {} toons, {} had ended", results.size(), count, least);
  }
  job::Position next = 0;
  for (const job::Outcome& outcome : results) {
    const job::Position i = outcome.position;
    if (i < next || i >= count || outcome.toon_id.str() != model.toons[i].id) {
      Broken(key, "a result of toon {} stands at {}", outcome.toon_id.str(), i);
    }
    next = i + 1;
    if (outcome.state == job::ToonState::kPending) Broken(key, "toon {} is pending among the results", i);
    Remember(history, job, outcome);
    // A success may be of any earlier generation.
    std::uint32_t guilt = 0;
    const bool success = outcome.state == job::ToonState::kSucceeded;
    for (job::Generation g = success ? 1 : job.state.generation; g <= job.state.generation; ++g) {
      if (const auto at = history.guilt.find({g, i}); at != history.guilt.end()) guilt = std::max(guilt, at->second);
    }
    success ? CheckSuccess(job, model, outcome, guilt) : CheckFailure(home, job, outcome, guilt);
  }
}

namespace {

void CheckStatus(const Home& home, const job::Job& job, std::uint64_t failed) {
  const job::JobKey& key = job.spec.key;
  const JobModel& model = home.ModelOf(job);
  const job::JobState& state = job.state;
  const bool completed = job::StatusOf(job) == job::JobStatus::kCompleted;
  if (state.phase != job::Phase::kEnded) Broken(key, "it has not ended");
  if (state.cancelled) {
    if (completed || state.reason != "cancelled") Broken(key, "it was cancelled and reads {}", state.reason);
    return;
  }
  if (!model.valid) {
    if (state.reason != "invalid-manifest" || state.problems.empty())
      Broken(key, "a bad manifest reads {}", state.reason);
    return;
  }
  std::set<std::string> ended;
  bool reduced = true;
  for (const job::ReduceResult& result : state.reduced) {
    if (!ended.insert(result.reducer).second) Broken(key, "reducer {} ended twice", result.reducer);
    reduced = reduced && !result.error;
  }
  if (ended != std::set<std::string>(model.reducers.begin(), model.reducers.end())) Broken(key, "reducers are missing");
  if (completed != (failed <= model.tolerated && reduced)) {
    Broken(key, "{} failed toons, {} may be, and it is {}", failed, model.tolerated,
           completed ? "Completed" : "Failed");
  }
}

}  // namespace

void CheckWhole(Home& home, const job::JobKey& key) {
  const Home::Calm calm(home);
  flow::Query query(*home.context);
  const auto view = query.Job(key);
  if (!view) Broken(key, "it cannot be read: {}", view.error().message);
  const job::Job& job = view->job;
  flow::ResultFilter filter{.page_size = 50};
  std::vector<job::Outcome> results;
  do {
    auto page = query.Results(key, filter);
    if (!page) Broken(key, "its results cannot be read: {}", page.error().message);
    std::ranges::move(page->results, std::back_inserter(results));
    filter.page_token = page->next_page_token;
  } while (!filter.page_token.empty());
  CheckInstant(home, key);
  CheckView(home, job, results);
  const auto in = [&](job::ToonState state) {
    return static_cast<std::uint64_t>(std::ranges::count(results, state, &job::Outcome::state));
  };
  if (in(job::ToonState::kSucceeded) != job::Succeeded(job) || in(job::ToonState::kFailed) != job::Failed(job)) {
    Broken(key, "it counts {} successes and {} failures, its results {} and {}", job::Succeeded(job), job::Failed(job),
           in(job::ToonState::kSucceeded), in(job::ToonState::kFailed));
  }
  if (in(job::ToonState::kPending) != 0) Broken(key, "{} toons have no outcome", in(job::ToonState::kPending));
  CheckStatus(home, job, in(job::ToonState::kFailed));
  for (const job::ReduceResult& result : job.state.reduced) {
    for (const job::Artifact& artifact : result.artifacts) {
      const std::string expected = std::to_string(job::Succeeded(job));
      if (result.reducer == "summary" && artifact.sha256 != base::Sha256Of(expected))
        Broken(key, "its summary is wrong");
    }
  }
}

void CheckBytes(Home& home) {
  const Home::Calm calm(home);
  for (const auto& [key, history] : home.ledger.stored) {
    const auto job = home.Peek(key);
    if (!job) continue;
    const auto there = [&](const std::string& blob) { return home.blobs.Size(blob).value().has_value(); };
    if (!there(job->spec.manifest.blob)) Broken(key, "its manifest is gone");
    const auto check = [&](const job::Artifact& artifact) {
      if (!there(ports::ContentKey(key.tenant, artifact.sha256))) Broken(key, "its artifact {} is gone", artifact.name);
      if (!home.store.FindArtifact(key.tenant, artifact.sha256).value()) Broken(key, "{} is not named", artifact.name);
    };
    for (job::Generation generation = 1; generation <= job->state.generation; ++generation) {
      for (const ports::OutcomeRow& row : RowsOf(home, key, generation)) {
        if (!row.has_references) continue;
        const job::Outcome outcome = wire::DecodeOutcome(row.row).value();
        std::ranges::for_each(outcome.artifacts, check);
      }
    }
    for (const job::ReduceResult& result : job->state.reduced) std::ranges::for_each(result.artifacts, check);
    for (const std::string& bytes : home.ModelOf(*job).uploads) {
      if (!there(ports::ContentKey(key.tenant, base::Sha256Of(bytes)))) Broken(key, "an upload that it names is gone");
    }
  }
}

void CheckEnd(Home& home) {
  const Home::Calm calm(home);
  for (const auto& [key, history] : home.ledger.stored) CheckWhole(home, key);
  CheckBytes(home);
  for (const JobModel& model : home.ledger.models) {
    if (!model.accepted || model.forgotten) continue;
    const auto stored = home.ledger.stored.find(*model.accepted);
    if (stored == home.ledger.stored.end() || stored->second.model != model.number) {
      Broken(*model.accepted, "model {} was accepted and is not stored", model.number);
    }
  }
  const flow::FanOut::Figures figures = home.fan_out->Snapshot();
  if (figures.jobs + figures.toons + figures.leases != 0) {
    throw Violation{
        fmt::format("left over: {} jobs, {} toons, {} leases", figures.jobs, figures.toons, figures.leases)};
  }
  for (const char* work_class : {"data", "image", "media"}) {
    if (home.fan_out->Ready(work_class, 1) != 0) throw Violation{"work is ready and there is none"};
  }
  for (std::uint64_t i = 0; i < home.profile.tenants; ++i) {
    const auto backlog = home.fan_out->BacklogOf(job::TenantId(fmt::format("tenant{}", i)));
    if (backlog.tenant_jobs + backlog.tenant_toons != 0) throw Violation{"a tenant's backlog is not empty"};
  }
}

void CheckNothingLeft(Home& home) {
  const Home::Calm calm(home);
  home.clock.Advance(std::chrono::hours(24 * 365));  // more than all jumps back together
  flow::Collect collect(*home.context, std::chrono::seconds(0));
  for (int round = 0; round < 2; ++round) {
    if (const auto swept = collect.Run(); !swept) throw Violation{"collecting fails: " + swept.error().message};
  }
  if (!home.ledger.stored.empty()) throw Violation{"a job outlives its retention"};
  std::string cursor;
  const auto left = home.blobs.List(cursor, 1).value();
  if (!left.empty()) throw Violation{"nothing names these bytes, and they stay: " + left.front().key};
}

}  // namespace sim
