// What is read of outcomes; recording them is in dynamo_record.cc.
#include "aws/dynamo_outcomes.h"

#include <algorithm>
#include <set>
#include <utility>

#include "wire/row_codec.h"

namespace aws {

namespace {

using Walk = DynamoTable::Walk;

base::Result<ports::OutcomeRow> OutcomeOf(const Item& item) {
  UT_TRY_ASSIGN(const job::Position position, PositionOfRow(item));
  UT_TRY_ASSIGN(const std::string bytes, BytesAt(item, "v"));
  return wire::DecodeOutcomeRow(position, bytes);
}

base::Result<job::RetryNote> NoteOf(const Item& item) {
  UT_TRY_ASSIGN(const job::Position position, PositionOfRow(item));
  UT_TRY_ASSIGN(const std::string bytes, BytesAt(item, "v"));
  return wire::DecodeNote(position, bytes);
}

}  // namespace

base::Result<std::vector<ports::OutcomeRow>> DynamoOutcomes::Read(const job::JobKey& key, job::Generation generation,
                                                                  job::Position from, std::size_t limit,
                                                                  std::size_t max_bytes) {
  std::vector<ports::OutcomeRow> rows;
  UT_TRY_ASSIGN(const auto stored, ReadJob(table_, key, Want::kPlace));
  if (!stored || stored->going || limit == 0) return rows;
  const std::uint64_t end = stored->end();
  std::size_t bytes = 0;
  bool full = false;
  for (std::uint64_t piece = from / kPositionsPerPiece; piece * kPositionsPerPiece < end && !full; ++piece) {
    Query query = table_.Between(OutcomePartition(stored->uid, generation, piece), PositionRow(from), kLastPosition);
    query.limit = static_cast<std::uint32_t>(std::min<std::size_t>(limit - rows.size(), kPositionsPerPiece));
    UT_TRY(table_.Scan(std::move(query), [&](Item& item) -> base::Result<Walk> {
      UT_TRY_ASSIGN(ports::OutcomeRow row, OutcomeOf(item));
      bytes += row.row.size();
      full = !rows.empty() && bytes > max_bytes;
      if (full) return Walk::kStop;
      rows.push_back(std::move(row));
      full = rows.size() == limit;
      return full ? Walk::kStop : Walk::kOn;
    }));
  }
  return rows;
}

base::Result<std::vector<bool>> DynamoOutcomes::Recorded(const job::JobKey& key, job::Generation generation,
                                                         job::Position first, std::uint32_t count) {
  std::vector<bool> recorded(count);
  UT_TRY_ASSIGN(const auto stored, ReadJob(table_, key, Want::kPlace));
  if (!stored || stored->going || count == 0) return recorded;
  const std::uint64_t end = stored->end();
  if (first >= end) return recorded;
  const job::Position last = first + std::min<std::uint64_t>(count, end - first) - 1;
  for (std::uint64_t piece = first / kPositionsPerPiece; piece <= last / kPositionsPerPiece; ++piece) {
    const std::string partition = OutcomePartition(stored->uid, generation, piece);
    Query query = DynamoTable::KeysOnly(table_.Between(partition, PositionRow(first), PositionRow(last)));
    UT_TRY(table_.Scan(std::move(query), [&](Item& item) -> base::Result<Walk> {
      UT_TRY_ASSIGN(const job::Position position, PositionOfRow(item));
      if (position < first || position > last)
        return base::Fail(base::Code::kCorrupt, "an outcome is out of its place");
      recorded[position - first] = true;
      return Walk::kOn;
    }));
  }
  return recorded;
}

base::Result<std::vector<job::RetryNote>> DynamoOutcomes::Retries(const job::JobKey& key, job::Generation generation,
                                                                  job::Position from, std::size_t limit) {
  std::vector<job::RetryNote> notes;
  UT_TRY_ASSIGN(const auto stored, ReadJob(table_, key, Want::kPlace));
  if (!stored || stored->going || limit == 0) return notes;
  std::vector<Item> read;
  std::vector<Item> stale;
  const auto keep = [&]() -> base::Status {
    std::vector<Item> keys;
    for (const Item& note : read) {
      UT_TRY_ASSIGN(const job::Position position, PositionOfRow(note));
      keys.push_back(OutcomeKey(stored->uid, generation, position));
    }
    UT_TRY_ASSIGN(const std::vector<Item> outcomes, table_.GetMany(keys));
    std::set<std::string> ended;
    for (const Item& outcome : outcomes) ended.insert(TextOf(outcome, "sk").value_or(""));
    for (const Item& note : std::exchange(read, {})) {
      UT_TRY_ASSIGN(const std::string position, TextAt(note, "sk"));
      if (ended.contains(position)) {
        stale.push_back(KeyItem(NotePartition(stored->uid, generation), position));
      } else if (notes.size() < limit) {
        UT_TRY_ASSIGN(notes.emplace_back(), NoteOf(note));
      }
    }
    return {};
  };
  Query query = table_.Between(NotePartition(stored->uid, generation), PositionRow(from), kLastPosition);
  UT_TRY(table_.Scan(std::move(query), [&](Item& item) -> base::Result<Walk> {
    read.push_back(std::move(item));
    if (read.size() < kMaxBatchGet) return Walk::kOn;
    UT_TRY(keep());
    return notes.size() >= limit ? Walk::kStop : Walk::kOn;
  }));
  UT_TRY(keep());
  UT_TRY(table_.Delete(stale));
  return notes;
}

base::Result<std::vector<ports::Partial>> DynamoOutcomes::Aggregates(const job::JobKey& key) {
  std::vector<ports::Partial> partials;
  UT_TRY_ASSIGN(const auto stored, ReadJob(table_, key, Want::kPlace));
  if (!stored || stored->going) return partials;
  Merged merged;
  const std::string prefix = PartialPrefix(stored->uid);
  UT_TRY(table_.Scan(table_.Prefixed(JobPartition(key), prefix), [&](Item& item) -> base::Result<Walk> {
    UT_TRY_ASSIGN(const std::string row, TextAt(item, "sk"));
    UT_TRY_ASSIGN(std::string bytes, BytesAt(item, "v"));
    const std::string shard_and_reducer = row.substr(prefix.size());
    UT_TRY(Fold({{.reducer = shard_and_reducer.substr(shard_and_reducer.find('#') + 1), .bytes = std::move(bytes)}},
                merged));
    return Walk::kOn;
  }));
  for (auto& [reducer, bytes] : merged) partials.push_back({.reducer = reducer, .bytes = std::move(bytes)});
  return partials;
}

}  // namespace aws
