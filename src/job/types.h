// The nouns of DESIGN.md, as values. No behaviour beyond what is pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/hash.h"
#include "base/ids.h"

namespace job {

using JobId = base::StringId<struct JobIdTag>;        // unique per tenant; see limits.h for its alphabet
using TenantId = base::StringId<struct TenantIdTag>;  // from the verified token, never from a request
using ToonId = base::StringId<struct ToonIdTag>;      // unique per job
using Position = std::uint64_t;                       // 0-based place of a toon in its manifest
using Generation = std::uint32_t;                     // 1 is the first pass; retry opens the next

struct JobKey {
  TenantId tenant;
  JobId job;
  auto operator<=>(const JobKey&) const = default;
};

// ---- types of toons -------------------------------------------------------------------------------------------

// A toon's declared type: one of the seven built-in names or a custom one from the configuration.
using ToonType = std::string;
enum class BuiltinType : std::uint8_t { kImage, kAudio, kVideo, kTelemetry, kGameplay, kMessage, kBinary };
inline constexpr std::string_view kBuiltinTypeNames[] = {"image",    "audio",   "video", "telemetry",
                                                         "gameplay", "message", "binary"};
[[nodiscard]] std::optional<BuiltinType> BuiltinTypeOf(std::string_view name);

// Which queue and worker serve a type: "image", "media" (audio, video), "data" (the rest), or, for a custom type, its
// own name. A chunk holds toons of one class only.
using WorkClass = std::string;
[[nodiscard]] std::string_view WorkClassOf(std::string_view type);

// ---- what is submitted ----------------------------------------------------------------------------------------

enum class Chunking : std::uint8_t { kAuto, kPerToon };
enum class ReusePolicy : std::uint8_t { kByType, kAlways, kNever };  // by type: media yes, messages and binaries no

// How many failed toons still make a Completed job. Both absent: none.
struct Tolerance {
  std::optional<double> failed_percent;  // 0..100 of toonCount
  std::optional<std::uint64_t> failed_count;
  bool operator==(const Tolerance&) const = default;
};

struct ReducerSpec {
  std::string name;
  std::string params_json;  // a JSON object; "{}" when none were given
  bool operator==(const ReducerSpec&) const = default;
};

// Where the manifest's bytes lie: NDJSON, one toon a line, in position order, each line ended by \n.
struct ManifestRef {
  std::string blob;  // key for BlobStore; unique per submission: its plan is kept under it (PlanStore)
  std::uint64_t bytes = 0;
  bool operator==(const ManifestRef&) const = default;
};

// Everything about a job that never changes after its 202.
struct JobSpec {
  JobKey key;
  base::Sha256 payload_sha256{};  // of the normalised submission: equal means "the same payload"
  ManifestRef manifest;
  bool manifest_uploaded = false;      // true: validated and counted after the 202
  std::string metadata_json = "{}";    // as submitted
  std::string operations_json = "{}";  // {"<type>":[{op},…]}: defaults per type
  std::vector<ReducerSpec> reducers;   // without "summary", which always runs first
  Tolerance tolerance;
  std::int32_t priority = 0;  // -100..100; higher first, within one tenant only
  Chunking chunking = Chunking::kAuto;
  ReusePolicy reuse = ReusePolicy::kByType;
  base::TimePoint submitted_at{};
  std::optional<std::chrono::seconds> retention;  // after the end; absent: the server's default
  std::string traceparent;                        // W3C; of the request that submitted it
  bool operator==(const JobSpec&) const = default;
};

// ---- the plan: the manifest divided ---------------------------------------------------------------------------

// A contiguous range of the manifest with one work class. Written when the manifest is validated (generation 1) or when
// a retry opens; dispatch cuts chunks out of segments.
struct Segment {
  Position first = 0;
  std::uint32_t count = 0;
  std::uint64_t offset = 0;  // of the first line, bytes
  std::uint64_t length = 0;  // up to and with the last newline, bytes
  WorkClass work_class;
  bool operator==(const Segment&) const = default;
};

// ---- what comes out -------------------------------------------------------------------------------------------

enum class ToonState : std::uint8_t { kPending, kSucceeded, kFailed };

struct Artifact {
  std::string name;  // unique within its outcome
  std::string content_type;
  std::uint64_t bytes = 0;
  base::Sha256 sha256{};
  bool operator==(const Artifact&) const = default;
};

struct ToonError {
  std::string code;  // kebab-case, stable: "invalid-csv", "schema-mismatch", "timeout", "worker-died", "cancelled" …
  std::string message;
  bool operator==(const ToonError&) const = default;
};
// Errors of toons that killed whoever processed them: the last try's code puts the bytes into quarantine.
inline constexpr std::string_view kLethalCodes[] = {"memory-limit",   "cpu-limit",     "time-limit",  "output-limit",
                                                    "forbidden-call", "executor-died", "worker-died", "timeout"};
[[nodiscard]] bool IsLethal(std::string_view error_code);
// Of a toon whose bytes were in quarantine: nobody tried it.
inline constexpr std::string_view kQuarantinedCode = "quarantined";

// Bytes as one type of toon: what kills an image decoder is harmless as "binary". Sorts by hash, then type.
struct QuarantineKey {
  base::Sha256 sha256{};  // of the source
  ToonType type;
  auto operator<=>(const QuarantineKey&) const = default;
};
// Bytes that are refused from now on, and what they did last. Kept per tenant until they are released.
struct Quarantined {
  QuarantineKey bytes;
  ToonError error;  // of the last try; its code is lethal
  JobId job;        // whose toon it was; may be gone by now
  ToonId toon;
  base::TimePoint at{};
  bool operator==(const Quarantined&) const = default;
};

// The recorded end of one toon in one generation.
struct Outcome {
  Position position = 0;
  ToonState state = ToonState::kPending;  // never kPending once recorded
  ToonId toon_id;
  ToonType type;
  std::string result_json = "{}";      // a JSON object; "{}" for a failure
  std::optional<base::Sha256> sha256;  // fingerprint of the source; absent only if the bytes could not be read
  std::string perceptual;              // hex; empty where the type has none
  std::uint64_t source_bytes = 0;
  std::chrono::microseconds duration{0};
  std::uint32_t attempts = 1;
  base::TimePoint processed_at{};
  bool reused = false;
  std::vector<Artifact> artifacts;
  std::optional<ToonError> error;         // exactly when state is kFailed
  std::optional<base::Sha256> reuse_key;  // set on successes that may serve as earlier outcomes
  bool operator==(const Outcome&) const = default;
};

// One try failed and another is due: the durable memory of attempts.
struct RetryNote {
  Position position = 0;
  std::uint32_t attempts = 0;  // tries consumed so far, >= 1
  base::TimePoint not_before{};
  ToonError last_error;
  bool operator==(const RetryNote&) const = default;
};

}  // namespace job
