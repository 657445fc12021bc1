#include "flow/record.h"

#include <algorithm>
#include <iterator>
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

// Moves items from `from` (starting at `at`) into `to` while they fit into what is left of one commit.
template <typename Item, typename SizeOf>
void Fill(std::vector<Item>& from, std::size_t& at, std::vector<Item>& to, std::size_t& items_left,
          std::size_t& bytes_left, SizeOf size_of) {
  while (at < from.size() && items_left > 0) {
    const std::size_t bytes = size_of(from[at]) + kItemOverhead;
    if (bytes > bytes_left && !to.empty()) return;
    bytes_left -= std::min(bytes, bytes_left);
    items_left -= 1;
    to.push_back(std::move(from[at]));
    at += 1;
  }
}

}  // namespace

base::Result<Recorded> Record::Run(const job::JobKey& key, job::Generation generation,
                                   const std::vector<std::string>& reducers, ports::ChunkAnswer answer) {
  const ports::StoreLimits& limits = context_.jobs.limits();
  // Beside the items of a slice: the job or counter row, and one aggregate a reducer.
  const std::size_t reserved_items = 2 + reducers.size();
  const std::size_t reserved_bytes = limits.max_bytes_per_commit / 4;
  Recorded recorded;
  std::size_t outcome_at = 0;
  std::size_t retry_at = 0;
  bool first = true;
  while (first || outcome_at < answer.outcomes.size() || retry_at < answer.retries.size()) {
    ports::RecordCommit commit{.key = key, .generation = generation};
    std::size_t items = limits.max_items_per_commit - reserved_items;
    std::size_t bytes = limits.max_bytes_per_commit - reserved_bytes;
    if (first && answer.outcomes.size() + answer.retries.size() <= items) {
      commit.outcomes.reserve(answer.outcomes.size());
    }
    Fill(answer.outcomes, outcome_at, commit.outcomes, items, bytes,
         [](const ports::OutcomeRow& row) { return row.row.size(); });
    Fill(answer.retries, retry_at, commit.retries, items, bytes,
         [](const job::RetryNote& note) { return note.last_error.message.size() + note.last_error.code.size(); });
    const bool whole = first && outcome_at == answer.outcomes.size();
    if (whole) commit.partials = std::move(answer.partials);
    UT_TRY(CommitSlice(std::move(commit), reducers, whole, recorded));
    first = false;
  }
  return recorded;
}

base::Status Record::CommitSlice(ports::RecordCommit commit, const std::vector<std::string>& reducers,
                                 bool partials_fit, Recorded& recorded) {
  // Every round drops at least one position, so this ends.
  while (true) {
    if (!partials_fit) {
      UT_TRY_ASSIGN(commit.partials, Fold(commit.outcomes, reducers));
    }
    UT_TRY_ASSIGN(ports::RecordAnswer answer, context_.outcomes.Record(commit));
    recorded.job = std::move(answer.job);
    if (answer.already_recorded.empty()) break;
    const std::unordered_set<job::Position> dropped(answer.already_recorded.begin(), answer.already_recorded.end());
    DropPositions(commit.outcomes, dropped);
    DropPositions(commit.retries, dropped);
    if (commit.outcomes.empty() && commit.retries.empty()) return {};
    partials_fit = false;
  }
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
