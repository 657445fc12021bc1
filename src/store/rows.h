// The values of the store (docs/formats/store.md): version byte first, then LEB128 varints and strings with their
// length. Decoders answer kCorrupt, naming `what`, on anything but exactly one row of a known version.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "job/lifecycle.h"
#include "ports/job_store.h"
#include "store/keys.h"

namespace store {

inline constexpr std::uint8_t kRowVersion = 1;
inline constexpr std::uint64_t kFormat = 1;  // of the whole folder

struct SpecRow {
  job::JobSpec spec;
  std::optional<std::string> idempotency_key;
  bool operator==(const SpecRow&) const = default;
};
[[nodiscard]] std::string EncodeSpec(const SpecRow& row);
[[nodiscard]] base::Result<SpecRow> DecodeSpec(std::string_view bytes);

// State and counters are one row, so that no reader sees one without the other.
struct StateRow {
  job::JobState state;
  job::Counters counters;
  bool operator==(const StateRow&) const = default;
};
[[nodiscard]] std::string EncodeState(const StateRow& row);
[[nodiscard]] base::Result<StateRow> DecodeState(std::string_view bytes);

[[nodiscard]] std::string EncodeSegments(const std::vector<job::Segment>& segments);
[[nodiscard]] base::Result<std::vector<job::Segment>> DecodeSegments(std::string_view bytes);

// Without the position, which is in the key.
[[nodiscard]] std::string EncodeNote(const job::RetryNote& note);
[[nodiscard]] base::Result<job::RetryNote> DecodeNote(job::Position position, std::string_view bytes);

// Without tenant and hash, which are in the key.
[[nodiscard]] std::string EncodeUpload(const ports::UploadRecord& upload);
[[nodiscard]] base::Result<ports::UploadRecord> DecodeUpload(const job::TenantId& tenant, const base::Sha256& sha256,
                                                             std::string_view bytes);
// Without the hash, which is in the key.
[[nodiscard]] std::string EncodeArtifact(const job::Artifact& artifact);
[[nodiscard]] base::Result<job::Artifact> DecodeArtifact(const base::Sha256& sha256, std::string_view bytes);

// Without the id, which is in the key.
[[nodiscard]] std::string EncodeEvent(const ports::OutboxEvent& event);
[[nodiscard]] base::Result<ports::OutboxEvent> DecodeEvent(std::string_view id, std::string_view bytes);

// Where the outcome behind a reuse key is.
struct OutcomePlace {
  Uid uid = 0;
  job::Generation generation = 1;
  job::Position position = 0;
  bool operator==(const OutcomePlace&) const = default;
};
[[nodiscard]] std::string EncodePlace(const OutcomePlace& place);
[[nodiscard]] base::Result<OutcomePlace> DecodePlace(std::string_view bytes);

// Without hash and type, which are in the key.
[[nodiscard]] std::string EncodeQuarantined(const job::Quarantined& entry);
[[nodiscard]] base::Result<job::Quarantined> DecodeQuarantined(job::QuarantineKey bytes, std::string_view row);

// How many entries a tenant's quarantine has, by work class; never 0.
using QuarantineCounts = std::map<job::WorkClass, std::uint64_t, std::less<>>;
[[nodiscard]] std::string EncodeCounts(const QuarantineCounts& counts);
[[nodiscard]] base::Result<QuarantineCounts> DecodeCounts(std::string_view bytes);

// A number alone: uids in indexes, the sequence, the format.
[[nodiscard]] std::string EncodeNumber(std::uint64_t value);
[[nodiscard]] base::Result<std::uint64_t> DecodeNumber(std::string_view bytes, std::string_view what);

// A row of "outcomes" is one byte of flags, then the outcome as wire::EncodeOutcome made it.
[[nodiscard]] char OutcomeFlags(const ports::OutcomeRow& row);
[[nodiscard]] base::Result<ports::OutcomeRow> DecodeOutcomeRow(job::Position position, std::string_view value);

}  // namespace store
