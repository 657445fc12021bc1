// The rows that every home stores (docs/formats/store.md): version byte first, then LEB128 varints and strings with
// their length. Decoders answer kCorrupt, naming what, on anything but exactly one row of a known version.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "job/lifecycle.h"
#include "ports/job_store.h"

namespace wire {

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

// Without hash and type, which are in the key.
[[nodiscard]] std::string EncodeQuarantined(const job::Quarantined& entry);
[[nodiscard]] base::Result<job::Quarantined> DecodeQuarantined(job::QuarantineKey bytes, std::string_view row);

// A row of "outcomes" is one byte of flags, then the outcome as wire::EncodeOutcome made it.
[[nodiscard]] char OutcomeFlags(const ports::OutcomeRow& row);
[[nodiscard]] base::Result<ports::OutcomeRow> DecodeOutcomeRow(job::Position position, std::string_view value);

}  // namespace wire
