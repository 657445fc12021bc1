#include "flow/record.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <unordered_set>
#include <utility>

#include "wire/outcome_codec.h"

namespace flow {

namespace {

// Bytes that a row, a note or a partial adds to a commit besides its own: keys and framing.
constexpr std::size_t kItemOverhead = 256;

template <typename Item>
void DropPositions(std::vector<Item>& items, const std::unordered_set<job::Position>& dropped) {
  std::erase_if(items, [&](const Item& item) { return dropped.contains(item.position); });
}

struct Cost {
  std::size_t items = 1;
  std::size_t bytes = 0;
};

std::size_t BytesOf(const job::ToonError& error) {
  return error.code.size() + error.message.size();
}
std::size_t BytesOf(const job::Quarantined& entry) {
  return BytesOf(entry.error) + entry.bytes.type.size() + entry.job.str().size() + entry.toon.str().size();
}

// Moves items from `from` (starting at `at`) into `to` while they fit into what is left of one commit.
template <typename Item, typename CostOf>
void Fill(std::vector<Item>& from, std::size_t& at, std::vector<Item>& to, Cost& left, CostOf cost_of) {
  while (at < from.size()) {
    Cost cost = cost_of(from[at]);
    cost.bytes += cost.items * kItemOverhead;
    if (cost.items > left.items || (cost.bytes > left.bytes && !to.empty())) return;
    left.bytes -= std::min(cost.bytes, left.bytes);
    left.items -= cost.items;
    to.push_back(std::move(from[at]));
    at += 1;
  }
}

// The entries of these rows, the same bytes once.
std::vector<job::Quarantined> EntriesOf(const std::vector<ports::OutcomeRow>& rows,
                                        const std::unordered_map<job::Position, job::Quarantined>& lethal) {
  std::vector<job::Quarantined> entries;
  if (lethal.empty()) return entries;
  std::set<job::QuarantineKey> seen;
  for (const ports::OutcomeRow& row : rows) {
    const auto entry = lethal.find(row.position);
    if (entry != lethal.end() && seen.insert(entry->second.bytes).second) entries.push_back(entry->second);
  }
  return entries;
}

}  // namespace

base::Result<Recorded> Record::Run(const job::JobKey& key, job::Generation generation,
                                   const std::vector<std::string>& reducers, ports::ChunkAnswer answer) {
  const ports::StoreLimits& limits = context_.jobs.limits();
  UT_TRY_ASSIGN(const Lethal lethal, LethalOf(key, answer.outcomes));
  // Beside the items of a slice: the job or counter row, one aggregate a reducer, and how many are in quarantine.
  const std::size_t reserved_items = 2 + reducers.size() + (lethal.empty() ? 0 : 1);
  const std::size_t reserved_bytes = limits.max_bytes_per_commit / 4;
  Recorded recorded;
  std::size_t outcome_at = 0;
  std::size_t retry_at = 0;
  bool first = true;
  while (first || outcome_at < answer.outcomes.size() || retry_at < answer.retries.size()) {
    ports::RecordCommit commit{.key = key, .generation = generation};
    Cost left{.items = limits.max_items_per_commit - reserved_items,
              .bytes = limits.max_bytes_per_commit - reserved_bytes};
    if (first && answer.outcomes.size() + answer.retries.size() <= left.items) {
      commit.outcomes.reserve(answer.outcomes.size());
    }
    Fill(answer.outcomes, outcome_at, commit.outcomes, left, [&](const ports::OutcomeRow& row) {
      const auto entry = lethal.find(row.position);
      if (entry == lethal.end()) return Cost{.bytes = row.row.size()};
      return Cost{.items = 2, .bytes = row.row.size() + BytesOf(entry->second)};
    });
    Fill(answer.retries, retry_at, commit.retries, left,
         [](const job::RetryNote& note) { return Cost{.bytes = BytesOf(note.last_error)}; });
    const bool whole = first && outcome_at == answer.outcomes.size();
    if (whole) commit.partials = std::move(answer.partials);
    UT_TRY(CommitSlice(std::move(commit), reducers, lethal, whole, recorded));
    first = false;
  }
  return recorded;
}

// What the rows put into quarantine, by position.
base::Result<Record::Lethal> Record::LethalOf(const job::JobKey& key, const std::vector<ports::OutcomeRow>& rows) {
  Lethal lethal;
  for (const ports::OutcomeRow& row : rows) {
    if (row.state != job::ToonState::kFailed) continue;
    UT_TRY_ASSIGN(job::Outcome outcome, wire::DecodeOutcome(row.row));
    if (!outcome.error || !outcome.sha256 || !job::IsLethal(outcome.error->code)) continue;
    lethal[row.position] = {.bytes = {.sha256 = *outcome.sha256, .type = std::move(outcome.type)},
                            .error = *std::move(outcome.error),
                            .job = key.job,
                            .toon = std::move(outcome.toon_id),
                            .at = outcome.processed_at};
  }
  return lethal;
}

base::Status Record::CommitSlice(ports::RecordCommit commit, const std::vector<std::string>& reducers,
                                 const Lethal& lethal, bool partials_fit, Recorded& recorded) {
  std::uint64_t quarantined = 0;
  // Every round drops at least one position, so this ends.
  while (true) {
    if (!partials_fit) {
      UT_TRY_ASSIGN(commit.partials, Fold(commit.outcomes, reducers));
    }
    commit.quarantined = EntriesOf(commit.outcomes, lethal);
    UT_TRY_ASSIGN(ports::RecordAnswer answer, context_.outcomes.Record(commit));
    recorded.job = std::move(answer.job);
    quarantined = answer.quarantined;
    if (answer.already_recorded.empty()) break;
    const std::unordered_set<job::Position> dropped(answer.already_recorded.begin(), answer.already_recorded.end());
    DropPositions(commit.outcomes, dropped);
    DropPositions(commit.retries, dropped);
    if (commit.outcomes.empty() && commit.retries.empty()) return {};
    partials_fit = false;
  }
  recorded.quarantined += quarantined;
  recorded.accepted += commit.outcomes.size();
  std::ranges::move(commit.retries, std::back_inserter(recorded.retries));
  return {};
}

base::Result<std::vector<ports::Partial>> Record::Fold(const std::vector<ports::OutcomeRow>& rows,
                                                       const std::vector<std::string>& reducers) const {
  std::vector<job::Outcome> successes;
  for (const ports::OutcomeRow& row : rows) {
    if (row.state != job::ToonState::kSucceeded) continue;
    UT_TRY_ASSIGN(job::Outcome outcome, wire::DecodeOutcome(row.row));
    successes.push_back(std::move(outcome));
  }
  std::vector<ports::Partial> partials;
  if (successes.empty()) return partials;
  for (const std::string& name : reducers) {
    const ports::Reducer* reducer = context_.reducers.Find(name);
    if (reducer == nullptr) return base::Fail(base::Code::kUnsupported, "no reducer '" + name + "'");
    std::string bytes = reducer->Fold(successes);
    if (!bytes.empty()) partials.push_back({.reducer = name, .bytes = std::move(bytes)});
  }
  return partials;
}

}  // namespace flow
