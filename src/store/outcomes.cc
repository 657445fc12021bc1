#include "store/outcomes.h"

#include <fmt/format.h>

#include <algorithm>

#include "store/record.h"

namespace store {

namespace {

// Answers about how large the commit is, or that it is over the limits that the store names.
base::Result<std::size_t> CheckSize(const ports::RecordCommit& commit, const ports::StoreLimits& limits) {
  std::size_t bytes = 0;
  std::size_t largest = 0;
  const auto add = [&](std::size_t item) {
    bytes += item;
    largest = std::max(largest, item);
  };
  for (const ports::OutcomeRow& row : commit.outcomes) add(row.row.size());
  for (const job::RetryNote& note : commit.retries) add(note.last_error.code.size() + note.last_error.message.size());
  for (const ports::Partial& partial : commit.partials) add(partial.bytes.size());
  for (const job::Quarantined& entry : commit.quarantined) {
    add(entry.bytes.type.size() + entry.error.code.size() + entry.error.message.size() + entry.job.str().size() +
        entry.toon.str().size());
  }
  const std::size_t quarantine_items = commit.quarantined.empty() ? 0 : commit.quarantined.size() + 1;
  const std::size_t items =
      commit.outcomes.size() + commit.retries.size() + commit.partials.size() + quarantine_items + 1;
  if (items <= limits.max_items_per_commit && bytes <= limits.max_bytes_per_commit &&
      largest <= limits.max_item_bytes) {
    return bytes;
  }
  return base::Fail(base::Code::kInternal,
                    fmt::format("a commit of job {} with {} items, {} bytes and one of {} bytes is over the store's "
                                "limits",
                                commit.key.job.str(), items, bytes, largest),
                    "over-store-limits");
}

}  // namespace

base::Result<ports::RecordAnswer> RocksOutcomes::Record(const ports::RecordCommit& commit) {
  UT_TRY_ASSIGN(const std::size_t bytes, CheckSize(commit, limits_));
  UT_TRY_ASSIGN(const Indexed indexed, IndexedOf(commit));
  return committer_.Run<ports::RecordAnswer>(bytes, Grouping::kShared,
                                             [&](Turn turn) { return RecordOn(turn, commit, indexed, merger_); });
}

base::Result<std::vector<ports::OutcomeRow>> RocksOutcomes::Read(const job::JobKey& key, job::Generation generation,
                                                                 job::Position from, std::size_t limit,
                                                                 std::size_t max_bytes) {
  std::vector<ports::OutcomeRow> rows;
  UT_TRY_ASSIGN(const auto uid, database_.FindUid(key));
  if (!uid || limit == 0) return rows;
  std::size_t bytes = 0;
  const auto visit = [&](std::string_view row_key, std::string_view value) -> base::Result<Database::Walk> {
    if (!rows.empty() && (rows.size() >= limit || bytes + value.size() > max_bytes)) return Database::Walk::kStop;
    UT_TRY_ASSIGN(auto row, DecodeOutcomeRow(PositionOf(row_key), value));
    bytes += value.size();
    rows.push_back(std::move(row));
    return rows.size() >= limit ? Database::Walk::kStop : Database::Walk::kOn;
  };
  UT_TRY(
      database_.Scan(database_.rows(), OutcomeKey(*uid, generation, from), OutcomeKey(*uid, generation + 1, 0), visit));
  return rows;
}

base::Result<std::vector<bool>> RocksOutcomes::Recorded(const job::JobKey& key, job::Generation generation,
                                                        job::Position first, std::uint32_t count) {
  std::vector<bool> recorded(count);
  UT_TRY_ASSIGN(const auto uid, database_.FindUid(key));
  if (!uid) return recorded;
  UT_TRY(database_.Scan(database_.rows(), OutcomeKey(*uid, generation, first),
                        OutcomeKey(*uid, generation, first + count), [&](std::string_view row_key, std::string_view) {
                          recorded[PositionOf(row_key) - first] = true;
                          return Database::Walk::kOn;
                        }));
  return recorded;
}

base::Result<std::vector<job::RetryNote>> RocksOutcomes::Retries(const job::JobKey& key, job::Generation generation,
                                                                 job::Position from, std::size_t limit) {
  std::vector<job::RetryNote> notes;
  UT_TRY_ASSIGN(const auto uid, database_.FindUid(key));
  if (!uid) return notes;
  UT_TRY(database_.Scan(database_.main(), NoteKey(*uid, generation, from), NoteKey(*uid, generation + 1, 0),
                        [&](std::string_view row_key, std::string_view value) -> base::Result<Database::Walk> {
                          if (notes.size() >= limit) return Database::Walk::kStop;
                          UT_TRY_ASSIGN(auto note, DecodeNote(PositionOf(row_key), value));
                          notes.push_back(std::move(note));
                          return Database::Walk::kOn;
                        }));
  return notes;
}

base::Result<std::vector<ports::Partial>> RocksOutcomes::Aggregates(const job::JobKey& key) {
  std::vector<ports::Partial> partials;
  UT_TRY_ASSIGN(const auto uid, database_.FindUid(key));
  if (!uid) return partials;
  const std::string prefix = AggregatePrefix(*uid);
  UT_TRY(database_.Scan(
      database_.main(), prefix, AfterPrefix(prefix), [&](std::string_view row_key, std::string_view value) {
        partials.push_back({.reducer = std::string(row_key.substr(prefix.size())), .bytes = std::string(value)});
        return Database::Walk::kOn;
      }));
  return partials;
}

}  // namespace store
