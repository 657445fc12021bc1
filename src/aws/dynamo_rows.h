// Keys and rows of the job stores on DynamoDB: docs/formats/dynamodb.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aws/dynamo_table.h"
#include "job/lifecycle.h"
#include "job/types.h"

namespace aws {

// The store's own name of a job, never given twice: 16 hex digits of time, so that names sort by it, and 16 of chance.
using JobUid = std::string;
[[nodiscard]] JobUid NewUid(base::TimePoint now, base::Random& random);

inline constexpr std::uint64_t kPositionsPerPiece = 500;  // outcomes of one partition key
inline constexpr std::uint32_t kMostShards = 16;
inline constexpr std::uint64_t kToonsPerShard = 2'000;
inline constexpr std::uint32_t kDueParts = 8;     // partition keys of the index `due`, a kind
inline constexpr std::uint32_t kOutboxParts = 8;  // partition keys of the outbox
inline constexpr std::string_view kTenantIndex = "by-tenant";
inline constexpr std::string_view kDueIndex = "due";

// ---- keys --------------------------------------------------------------------------------------------------------
[[nodiscard]] std::string JobPartition(const job::JobKey& key);
[[nodiscard]] std::optional<job::JobKey> JobOfPartition(std::string_view partition);
inline constexpr std::string_view kSpecRow = "spec";    // sorts before the state: what a job is may be large
inline constexpr std::string_view kStateRow = "state";  // sorts before the tallies: one query for both
inline constexpr std::string_view kLastTally = "tally#~";
[[nodiscard]] std::string TallyRow(std::uint32_t shard);
[[nodiscard]] std::string PartialPrefix(const JobUid& uid);
[[nodiscard]] std::string PartialRow(const JobUid& uid, std::uint32_t shard, std::string_view reducer);
inline constexpr std::string_view kTiePrefix = "tie#";  // of the job's ties, and of an upload's
[[nodiscard]] std::string PlanPartition(std::string_view blob);
[[nodiscard]] std::string PlanRow(job::Generation generation, std::uint32_t page);
[[nodiscard]] std::string OutcomePartition(const JobUid& uid, job::Generation generation, std::uint64_t piece);
[[nodiscard]] Item OutcomeKey(const JobUid& uid, job::Generation generation, job::Position position);
[[nodiscard]] std::string NotePartition(const JobUid& uid, job::Generation generation);
[[nodiscard]] std::string PositionRow(job::Position position);  // ten digits
inline constexpr std::string_view kLastPosition = "9999999999";
[[nodiscard]] base::Result<job::Position> PositionOfRow(const Item& item);
[[nodiscard]] std::string IdempotencyPartition(const job::TenantId& tenant, std::string_view key);
inline constexpr std::string_view kIdempotencyRow = "key";
[[nodiscard]] std::string UploadPartition(const job::TenantId& tenant, const base::Sha256& sha256);
inline constexpr std::string_view kUploadRow = "upload";
[[nodiscard]] std::string ArtifactPartition(const job::TenantId& tenant, const base::Sha256& sha256);
[[nodiscard]] std::string ReusePartition(const job::TenantId& tenant, const base::Sha256& key);
inline constexpr std::string_view kReuseRow = "reuse";
[[nodiscard]] std::string LeftPartition(const JobUid& uid);  // what the job will leave behind
[[nodiscard]] std::string QuarantinePartition(const job::TenantId& tenant);
[[nodiscard]] std::string OutboxPartition(std::uint32_t part);
[[nodiscard]] std::string TimeText(base::TimePoint time);  // sorts as the times do
[[nodiscard]] std::uint32_t PartOf(std::string_view text, std::uint32_t parts);

// ---- the rows of a job -------------------------------------------------------------------------------------------
// A shard of the counters.
struct Tally {
  std::uint32_t shard = 0;
  std::uint64_t version = 0;
  job::Generation generation = 1;
  job::Counters counters;
  std::uint64_t end = 0;  // one past the largest position recorded through it, over all generations
};
[[nodiscard]] Item TallyItem(const job::JobKey& key, const JobUid& uid, const Tally& tally);

// What the store knows of a job.
struct StoredJob {
  job::Job job;  // its counters are the tallies' sum
  JobUid uid;
  std::optional<std::string> idempotency_key;
  std::uint32_t shards = 1;
  bool going = false;  // its deletion has begun: nobody else sees it
  std::vector<Tally> tallies;
  [[nodiscard]] std::uint64_t end() const;  // one past the last position that has an outcome in any generation
};
[[nodiscard]] std::uint32_t ShardsFor(std::optional<std::uint64_t> toon_count);
[[nodiscard]] Item SpecItem(const StoredJob& stored);
[[nodiscard]] Item StateItem(const StoredJob& stored);
// The job of these rows. nullopt: a row is missing, since they were read while a commit changed them.
[[nodiscard]] base::Result<std::optional<StoredJob>> JobOf(const std::vector<Item>& rows);
// kWhole is one query for everything; kPlace leaves the spec out, and knows no retention, ids or payload.
enum class Want : std::uint8_t { kWhole, kPlace };
// Going jobs too. nullopt: absent.
[[nodiscard]] base::Result<std::optional<StoredJob>> ReadJob(DynamoTable& table, const job::JobKey& key,
                                                             Want want = Want::kWhole);

[[nodiscard]] std::unexpected<base::Error> NoSuchJob(const job::JobKey& key);

}  // namespace aws
