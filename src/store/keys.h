// The keys of the store: one letter for the kind of row, then parts that sort as we read them (docs/formats/store.md).
// Numbers are big-endian; a tenant, and any text that is not last, has its length in two bytes before it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/hash.h"
#include "job/types.h"
#include "ports/job_store.h"

namespace store {

// The store's own name of a job: never given twice, so a job made again never sees rows of the one before.
using Uid = std::uint64_t;

// ---- column family "default" --------------------------------------------------------------------------------------
[[nodiscard]] std::string FormatKey();                                                           // M format
[[nodiscard]] std::string SequenceKey();                                                         // M sequence
[[nodiscard]] std::string JobIndexKey(const job::JobKey& key);                                   // i tenant job
[[nodiscard]] std::string IdempotencyKey(const job::TenantId& tenant, std::string_view key);     // k tenant key
[[nodiscard]] std::string SpecKey(Uid uid);                                                      // j uid
[[nodiscard]] std::string StateKey(Uid uid);                                                     // s uid
[[nodiscard]] std::string AggregatePrefix(Uid uid);                                              // a uid
[[nodiscard]] std::string AggregateKey(Uid uid, std::string_view reducer);                       // a uid reducer
[[nodiscard]] std::string NotePrefix(Uid uid);                                                   // n uid
[[nodiscard]] std::string NoteKey(Uid uid, job::Generation generation, job::Position position);  // n uid gen position
[[nodiscard]] std::string ListPrefix(const job::TenantId& tenant);                               // t tenant
// t tenant submitted job: read backwards, newest first
[[nodiscard]] std::string ListKey(const job::TenantId& tenant, base::TimePoint submitted_at, std::string_view job);
[[nodiscard]] std::string UnfinishedPrefix();                                    // u
[[nodiscard]] std::string UnfinishedKey(base::TimePoint submitted_at, Uid uid);  // u submitted uid
// Ended jobs by when their own retention is over, or, without one, by when they ended.
enum class ExpiryKind : char { kOwnRetention = 'e', kDefaultRetention = 'd' };
[[nodiscard]] std::string ExpiryKey(ExpiryKind kind, base::TimePoint time, Uid uid);  // e|d time uid
[[nodiscard]] std::string PlanPrefix(std::string_view blob);                          // p blob
[[nodiscard]] std::string PlanKey(std::string_view blob, job::Generation generation, std::uint32_t page);
[[nodiscard]] std::string UploadKey(const job::TenantId& tenant, const base::Sha256& sha256);  // U tenant sha256
[[nodiscard]] std::string TiePrefix(const job::TenantId& tenant, const base::Sha256& sha256);  // T tenant sha256
[[nodiscard]] std::string TieKey(const job::JobKey& key, const base::Sha256& sha256);          // T tenant sha256 job
[[nodiscard]] std::string JobTiePrefix(const job::JobKey& key);                                // V tenant job
[[nodiscard]] std::string JobTieKey(const job::JobKey& key, const base::Sha256& sha256);       // V tenant job sha256
[[nodiscard]] std::string ArtifactPrefix(const job::TenantId& tenant, const base::Sha256& sha256);  // A tenant sha256
[[nodiscard]] std::string ArtifactKey(const job::TenantId& tenant, const base::Sha256& sha256, Uid uid);
[[nodiscard]] std::string JobArtifactPrefix(Uid uid);                                                 // r uid
[[nodiscard]] std::string JobArtifactKey(Uid uid, const base::Sha256& sha256);                        // r uid sha256
[[nodiscard]] std::string ReuseKey(const job::TenantId& tenant, const base::Sha256& reuse_key);       // R tenant key
[[nodiscard]] std::string JobReusePrefix(Uid uid);                                                    // q uid
[[nodiscard]] std::string JobReuseKey(Uid uid, const base::Sha256& reuse_key);                        // q uid key
[[nodiscard]] std::string QuarantinePrefix(const job::TenantId& tenant);                              // Q tenant
[[nodiscard]] std::string QuarantinePrefix(const job::TenantId& tenant, const base::Sha256& sha256);  // Q tenant sha256
// Q tenant sha256 type
[[nodiscard]] std::string QuarantineRowKey(const job::TenantId& tenant, const job::QuarantineKey& bytes);
[[nodiscard]] std::string QuarantineCountKey(const job::TenantId& tenant);  // C tenant
[[nodiscard]] std::string OutboxKey(std::string_view id);                   // x id

// ---- column family "outcomes" -------------------------------------------------------------------------------------
[[nodiscard]] std::string OutcomePrefix(Uid uid);  // uid
[[nodiscard]] std::string OutcomeKey(Uid uid, job::Generation generation, job::Position position);
inline constexpr std::size_t kOutcomeKeyBytes = 20;
// Writes the key's 20 bytes to `out`.
void WriteOutcomeKey(char* out, Uid uid, job::Generation generation, job::Position position);

// The position that ends an outcome's or note's key.
[[nodiscard]] job::Position PositionOf(std::string_view key);
[[nodiscard]] std::uint64_t ReadBigEndian64(std::string_view bytes);  // the first eight bytes, which are there
// The smallest key greater than all keys that start with `prefix`.
[[nodiscard]] std::string AfterPrefix(std::string prefix);

}  // namespace store
