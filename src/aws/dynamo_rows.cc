#include "aws/dynamo_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/hash.h"
#include "wire/row_codec.h"

namespace aws {

namespace {

constexpr int kReadTries = 8;

std::string Hex(const job::TenantId& tenant) {
  return base::ToHex(tenant.str());
}

// Where the sweeper finds the job: by when it came, or by when it may go.
void AddDue(const StoredJob& stored, Item& item) {
  const job::JobSpec& spec = stored.job.spec;
  const job::JobState& state = stored.job.state;
  const base::TimePoint ended = state.completed_at.value_or(state.updated_at);
  std::string_view kind = "open";
  base::TimePoint time = spec.submitted_at;
  if (state.phase == job::Phase::kEnded) {
    kind = spec.retention ? "own" : "default";
    time = ended + spec.retention.value_or(std::chrono::seconds(0));
  }
  const std::string partition = JobPartition(spec.key);
  item["dueKey"] = TextValue(fmt::format("{}#{}", kind, PartOf(partition, kDueParts)));
  item["due"] = TextValue(fmt::format("{}#{}", TimeText(time), partition));
}

base::Result<Tally> TallyOf(const Item& row) {
  Tally tally;
  UT_TRY_ASSIGN(const std::uint64_t shard, CountAt(row, "shard"));
  UT_TRY_ASSIGN(tally.version, CountAt(row, "version"));
  UT_TRY_ASSIGN(const std::uint64_t generation, CountAt(row, "generation"));
  UT_TRY_ASSIGN(tally.counters.succeeded, CountAt(row, "succeeded"));
  UT_TRY_ASSIGN(tally.counters.failed, CountAt(row, "failed"));
  UT_TRY_ASSIGN(tally.end, CountAt(row, "end"));
  tally.shard = static_cast<std::uint32_t>(shard);
  tally.generation = static_cast<job::Generation>(generation);
  return tally;
}

base::Status AddState(const Item& row, StoredJob& stored) {
  UT_TRY_ASSIGN(const std::string bytes, BytesAt(row, "v"));
  UT_TRY_ASSIGN(wire::StateRow state, wire::DecodeState(bytes));
  stored.job.state = std::move(state.state);
  UT_TRY_ASSIGN(stored.uid, TextAt(row, "uid"));
  UT_TRY_ASSIGN(const std::uint64_t shards, CountAt(row, "shards"));
  stored.shards = static_cast<std::uint32_t>(shards);
  stored.going = row.contains("going");
  return {};
}

base::Status AddSpec(const Item& row, StoredJob& stored) {
  UT_TRY_ASSIGN(const std::string bytes, BytesAt(row, "v"));
  UT_TRY_ASSIGN(wire::SpecRow spec, wire::DecodeSpec(bytes));
  stored.job.spec = std::move(spec.spec);
  stored.idempotency_key = std::move(spec.idempotency_key);
  return {};
}

}  // namespace

JobUid NewUid(base::TimePoint now, base::Random& random) {
  constexpr std::size_t kChanceBytes = 8;
  return TimeText(now) + random.Hex(kChanceBytes);
}

std::string JobPartition(const job::JobKey& key) {
  return fmt::format("J#{}#{}", Hex(key.tenant), key.job.str());
}
std::optional<job::JobKey> JobOfPartition(std::string_view partition) {
  if (!partition.starts_with("J#")) return std::nullopt;
  partition.remove_prefix(2);
  const std::size_t mark = partition.find('#');
  if (mark == std::string_view::npos) return std::nullopt;
  const auto tenant = base::FromHex(partition.substr(0, mark));
  if (!tenant) return std::nullopt;
  return job::JobKey{.tenant = job::TenantId(*tenant), .job = job::JobId(partition.substr(mark + 1))};
}
std::string TallyRow(std::uint32_t shard) {
  return fmt::format("tally#{:02}", shard);
}
std::string PartialPrefix(const JobUid& uid) {
  return fmt::format("partial#{}#", uid);
}
std::string PartialRow(const JobUid& uid, std::uint32_t shard, std::string_view reducer) {
  return fmt::format("{}{:02}#{}", PartialPrefix(uid), shard, reducer);
}
std::string PlanPartition(std::string_view blob) {
  return fmt::format("P#{}", blob);
}
std::string PlanRow(job::Generation generation, std::uint32_t page) {
  return fmt::format("{:010}#{:010}", generation, page);
}
std::string OutcomePartition(const JobUid& uid, job::Generation generation, std::uint64_t piece) {
  return fmt::format("O#{}#{}#{}", uid, generation, piece);
}
Item OutcomeKey(const JobUid& uid, job::Generation generation, job::Position position) {
  return KeyItem(OutcomePartition(uid, generation, position / kPositionsPerPiece), PositionRow(position));
}
std::string NotePartition(const JobUid& uid, job::Generation generation) {
  return fmt::format("N#{}#{}", uid, generation);
}
std::string PositionRow(job::Position position) {
  return fmt::format("{:010}", position);
}
base::Result<job::Position> PositionOfRow(const Item& item) {
  UT_TRY_ASSIGN(const std::string row, TextAt(item, "sk"));
  job::Position position = 0;
  const auto [end, error] = std::from_chars(row.data(), row.data() + row.size(), position);
  if (error != std::errc() || end != row.data() + row.size()) {
    return base::Fail(base::Code::kCorrupt, "row " + row + " is no position");
  }
  return position;
}
std::string IdempotencyPartition(const job::TenantId& tenant, std::string_view key) {
  return fmt::format("K#{}#{}", Hex(tenant), key);
}
std::string UploadPartition(const job::TenantId& tenant, const base::Sha256& sha256) {
  return fmt::format("U#{}#{}", Hex(tenant), base::ToHex(sha256));
}
std::string ArtifactPartition(const job::TenantId& tenant, const base::Sha256& sha256) {
  return fmt::format("A#{}#{}", Hex(tenant), base::ToHex(sha256));
}
std::string ReusePartition(const job::TenantId& tenant, const base::Sha256& key) {
  return fmt::format("R#{}#{}", Hex(tenant), base::ToHex(key));
}
std::string LeftPartition(const JobUid& uid) {
  return "D#" + uid;
}
std::string QuarantinePartition(const job::TenantId& tenant) {
  return "Q#" + Hex(tenant);
}
std::string OutboxPartition(std::uint32_t part) {
  return fmt::format("X#{}", part);
}
std::string TimeText(base::TimePoint time) {
  // The top bit flipped, so that times before 1970 sort first.
  return fmt::format("{:016x}", static_cast<std::uint64_t>(base::UnixMicros(time)) ^ (1ULL << 63U));
}
std::uint32_t PartOf(std::string_view text, std::uint32_t parts) {
  return base::Sha256Of(text)[0] % parts;
}

Item TallyItem(const job::JobKey& key, const JobUid& uid, const Tally& tally) {
  Item item = KeyItem(JobPartition(key), TallyRow(tally.shard));
  const auto number = [](std::uint64_t value) { return NumberValue(static_cast<std::int64_t>(value)); };
  item["uid"] = TextValue(uid);
  item["shard"] = number(tally.shard);
  item["version"] = number(tally.version);
  item["generation"] = number(tally.generation);
  item["succeeded"] = number(tally.counters.succeeded);
  item["failed"] = number(tally.counters.failed);
  item["end"] = number(tally.end);
  return item;
}

std::uint64_t StoredJob::end() const {
  std::uint64_t end = 0;
  for (const Tally& tally : tallies) end = std::max(end, tally.end);
  return end;
}

std::uint32_t ShardsFor(std::optional<std::uint64_t> toon_count) {
  if (!toon_count) return kMostShards;
  const std::uint64_t shards = (*toon_count + kToonsPerShard - 1) / kToonsPerShard;
  return static_cast<std::uint32_t>(std::clamp<std::uint64_t>(shards, 1, kMostShards));
}

Item SpecItem(const StoredJob& stored) {
  Item item = KeyItem(JobPartition(stored.job.spec.key), kSpecRow);
  item["v"] = BinaryValue(wire::EncodeSpec({.spec = stored.job.spec, .idempotency_key = stored.idempotency_key}));
  item["uid"] = TextValue(stored.uid);
  return item;
}

Item StateItem(const StoredJob& stored) {
  static constexpr std::string_view kPhases[] = {"accepted", "running", "reducing", "ended"};
  const job::JobSpec& spec = stored.job.spec;
  const job::JobState& state = stored.job.state;
  Item item = KeyItem(JobPartition(spec.key), kStateRow);
  item["v"] = BinaryValue(wire::EncodeState({.state = state, .counters = {}}));
  item["uid"] = TextValue(stored.uid);
  item["version"] = NumberValue(static_cast<std::int64_t>(state.version));
  item["phase"] = TextValue(kPhases[static_cast<std::size_t>(state.phase)]);
  item["generation"] = NumberValue(state.generation);
  item["shards"] = NumberValue(stored.shards);
  item["tenantKey"] = TextValue(Hex(spec.key.tenant));
  item["order"] = TextValue(fmt::format("{}#{}", TimeText(spec.submitted_at), spec.key.job.str()));
  AddDue(stored, item);
  return item;
}

base::Result<std::optional<StoredJob>> JobOf(const std::vector<Item>& rows) {
  StoredJob stored;
  bool has_state = false;
  for (const Item& row : rows) {
    UT_TRY_ASSIGN(const std::string kind, TextAt(row, "sk"));
    if (kind == kSpecRow) {
      UT_TRY(AddSpec(row, stored));
    } else if (kind == kStateRow) {
      UT_TRY(AddState(row, stored));
      has_state = true;
    } else {
      UT_TRY_ASSIGN(stored.tallies.emplace_back(), TallyOf(row));
    }
  }
  const bool same_generation = std::ranges::all_of(
      stored.tallies, [&](const Tally& tally) { return tally.generation == stored.job.state.generation; });
  if (!has_state || stored.tallies.size() != stored.shards || !same_generation) return std::nullopt;
  for (const Tally& tally : stored.tallies) stored.job.counters += tally.counters;
  return stored;
}

base::Result<std::optional<StoredJob>> ReadJob(DynamoTable& table, const job::JobKey& key, Want want) {
  const std::string_view first = want == Want::kWhole ? kSpecRow : kStateRow;
  for (int attempt = 0; attempt < kReadTries; ++attempt) {
    // A query is no snapshot: what a transaction beside it changed in part is read again.
    if (attempt > 0) table.PauseBefore(attempt - 1);
    std::vector<Item> rows;
    UT_TRY(table.Scan(table.Between(JobPartition(key), first, kLastTally), [&](Item& row) {
      rows.push_back(std::move(row));
      return DynamoTable::Walk::kOn;
    }));
    if (rows.empty()) return std::nullopt;
    UT_TRY_ASSIGN(auto stored, JobOf(rows));
    const bool whole = stored && (want == Want::kPlace || stored->job.spec.key == key);
    if (whole) {
      stored->job.spec.key = key;
      return stored;
    }
  }
  return base::Fail(base::Code::kUnavailable, fmt::format("job {} changes faster than it is read", key.job.str()));
}

std::unexpected<base::Error> NoSuchJob(const job::JobKey& key) {
  return base::Fail(base::Code::kNotFound, "no job " + key.job.str());
}

}  // namespace aws
