// What is stored about jobs and their outcomes. One contract for RocksDB, DynamoDB and the fake (tests/contract).
//
// Every write is one atomic, durable commit: when a call returns OK its effect survives the loss of power. Calls block
// for that commit. Thread-safe. Reads of several rows are NOT one snapshot; single rows are never torn. Errors of every
// call: kUnavailable (try again: disk full, throttled, closing), kCorrupt (a stored row does not decode).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "job/lifecycle.h"
#include "job/types.h"

namespace ports {

// What one commit of this store may hold. RocksDB: large; DynamoDB: 100 items, 4 MB, 400 KB an item. Flow slices to
// fit.
struct StoreLimits {
  std::size_t max_items_per_commit = 100;
  std::size_t max_bytes_per_commit = 4U << 20U;
  std::size_t max_item_bytes = 400U << 10U;
};

// Something to tell the outside, committed with the change it tells of and sent afterwards (the outbox).
struct OutboxEvent {
  std::string id;    // unique, sorts by time; assigned by the store when empty
  std::string type;  // "JobAccepted", "JobCompleted", "JobFailed"
  job::JobKey key;
  std::string body_json;  // the event's detail; under 64 KB
  bool operator==(const OutboxEvent&) const = default;
};

struct NewJob {
  job::JobSpec spec;
  job::JobState state;
  std::optional<std::string> idempotency_key;  // per tenant; only when the client gave no jobId
  std::vector<job::Segment> first_page;        // page 0 of generation 1; empty for an uploaded manifest, and stored so:
                                               // it says that somebody needs the manifest
  std::vector<OutboxEvent> events;
};
struct CreateAnswer {
  enum class Kind : std::uint8_t { kCreated, kSame } kind = Kind::kCreated;
  job::Job job;  // as stored: with kSame, the first one
};

struct JobFilter {
  std::optional<job::JobStatus> status;
  std::size_t limit = 50;  // rows wanted at most
  std::string after;       // cursor of the previous page; empty: from the newest
};
struct JobPage {
  std::vector<job::Job> jobs;  // newest first (submitted_at, then id)
  std::string next;            // empty: no more
};

struct ExpiredJob {
  job::JobKey key;
  std::uint64_t version = 0;  // of the state that has expired
};

class JobStore {
 public:
  virtual ~JobStore() = default;
  [[nodiscard]] virtual const StoreLimits& limits() const = 0;

  // Stores job, first plan page, idempotency key and events in one commit.
  // The same (tenant, jobId) or the same idempotency key: with equal payload_sha256 answers kSame and writes nothing;
  // with another payload fails kConflict ("job-id-taken" / "idempotency-key-taken").
  [[nodiscard]] virtual base::Result<CreateAnswer> Create(const NewJob& job) = 0;
  [[nodiscard]] virtual base::Result<std::optional<job::Job>> Get(const job::JobKey& key) = 0;
  [[nodiscard]] virtual base::Result<JobPage> List(const job::TenantId& tenant, const JobFilter& filter) = 0;
  // Replaces the state if its stored version is still next.version - 1, and adds the events to the outbox. kConflict
  // "version-changed" otherwise (read again, decide again); kNotFound if the job is gone. A higher generation starts
  // with zero counters. Answers the job after.
  [[nodiscard]] virtual base::Result<job::Job> Update(const job::JobKey& key, const job::JobState& next,
                                                      const std::vector<OutboxEvent>& events) = 0;
  // Jobs not kEnded, in submission order, after `cursor` ("" first); for recovery. `next` empty: no more.
  [[nodiscard]] virtual base::Result<JobPage> Unfinished(std::string_view cursor, std::size_t limit) = 0;
  // Ended jobs of all tenants whose completed_at + retention (the job's own, else `default_retention`) <= now.
  [[nodiscard]] virtual base::Result<std::vector<ExpiredJob>> Expired(
      base::TimePoint now, std::optional<std::chrono::seconds> default_retention, std::size_t limit) = 0;
  // Forgets the job, its plan, outcomes, aggregates, blob references and reuse entries, if its stored version is
  // still `version`; kConflict "version-changed" otherwise. Absent: OK.
  [[nodiscard]] virtual base::Status Delete(const job::JobKey& key, std::uint64_t version) = 0;
};

// The plan of a manifest: its segments in pages of up to job::kSegmentsPerPage, numbered from 0 without gaps.
// Keyed by the manifest's blob, which is unique per submission, so that two racing submissions never mix.
class PlanStore {
 public:
  virtual ~PlanStore() = default;
  // Writes or overwrites one page (idempotent: the same page is computed again after a crash).
  [[nodiscard]] virtual base::Status PutPage(const job::ManifestRef& manifest, job::Generation generation,
                                             std::uint32_t page, const std::vector<job::Segment>& segments) = 0;
  // nullopt past the last page.
  [[nodiscard]] virtual base::Result<std::optional<std::vector<job::Segment>>> ReadPage(
      const job::ManifestRef& manifest, job::Generation generation, std::uint32_t page) = 0;
};

// One outcome on its way into the store: the fields that the store looks at, and the row as wire::EncodeOutcome made
// it.
struct OutcomeRow {
  job::Position position = 0;
  job::ToonState state = job::ToonState::kFailed;
  bool has_references = false;  // artifacts or a reuse key: the store decodes the row to keep its indexes
  std::string row;
  bool operator==(const OutcomeRow&) const = default;
};

// What a reducer made of some outcomes; merged into the job's aggregate of that reducer.
struct Partial {
  std::string reducer;
  std::string bytes;  // the reducer's own format, see ports/reducer.h
  bool operator==(const Partial&) const = default;
};

struct RecordCommit {
  job::JobKey key;
  job::Generation generation = 1;
  std::vector<OutcomeRow> outcomes;     // distinct positions
  std::vector<job::RetryNote> retries;  // distinct positions, none of them among outcomes
  std::vector<Partial> partials;        // cover exactly the successes among `outcomes`
  // Distinct keys, each from a failure among `outcomes`. One that is there already is overwritten; a new one over
  // job::kMaxQuarantinedPerTenant is not added, which is no error. See ports/quarantine.h.
  std::vector<job::Quarantined> quarantined;
};
struct RecordAnswer {
  // Positions of the commit that have an outcome already (in outcomes or retries). If not empty, NOTHING was written:
  // drop them, fold the partials again, and call again.
  std::vector<job::Position> already_recorded;
  job::Job job;                   // after the commit, or as it stands
  std::uint64_t quarantined = 0;  // entries that were not there before
};

class OutcomeStore {
 public:
  virtual ~OutcomeStore() = default;
  // Outcomes, counters, retry notes, aggregates, references, quarantine: one commit. An outcome removes its position's
  // retry note. kConflict "not-running" if the job has ended, was cancelled, or is in another generation; kNotFound if
  // it is gone.
  [[nodiscard]] virtual base::Result<RecordAnswer> Record(const RecordCommit& commit) = 0;
  // Rows with position >= from, ascending, at most limit rows and about max_bytes bytes (at least one row).
  [[nodiscard]] virtual base::Result<std::vector<OutcomeRow>> Read(const job::JobKey& key, job::Generation generation,
                                                                   job::Position from, std::size_t limit,
                                                                   std::size_t max_bytes) = 0;
  // For each position of [first, first + count): is there an outcome in this generation?
  [[nodiscard]] virtual base::Result<std::vector<bool>> Recorded(const job::JobKey& key, job::Generation generation,
                                                                 job::Position first, std::uint32_t count) = 0;
  // Retry notes with position >= from, ascending.
  [[nodiscard]] virtual base::Result<std::vector<job::RetryNote>> Retries(const job::JobKey& key,
                                                                          job::Generation generation,
                                                                          job::Position from, std::size_t limit) = 0;
  // The job's merged aggregates over all generations, one per reducer that has any.
  [[nodiscard]] virtual base::Result<std::vector<Partial>> Aggregates(const job::JobKey& key) = 0;
};

// How the store merges two partials of one reducer. Must be associative and commutative. Given at construction.
class PartialMerger {
 public:
  virtual ~PartialMerger() = default;
  [[nodiscard]] virtual base::Result<std::string> Merge(std::string_view reducer, std::string_view a,
                                                        std::string_view b) const = 0;
};

// Who may see which content-addressed bytes, and for how long they live.
struct UploadRecord {
  job::TenantId tenant;
  base::Sha256 sha256{};
  std::uint64_t bytes = 0;
  std::string content_type;
  base::TimePoint expires_at{};  // of the signed URL
  bool complete = false;         // the bytes are stored
  bool operator==(const UploadRecord&) const = default;
};
class ReferenceStore {
 public:
  virtual ~ReferenceStore() = default;
  [[nodiscard]] virtual base::Status PutUpload(const UploadRecord& upload) = 0;
  [[nodiscard]] virtual base::Result<std::optional<UploadRecord>> GetUpload(const job::TenantId& tenant,
                                                                            const base::Sha256& sha256) = 0;
  // A recorded outcome or reducer result of this tenant names these bytes; answers how the first one describes them.
  [[nodiscard]] virtual base::Result<std::optional<job::Artifact>> FindArtifact(const job::TenantId& tenant,
                                                                                const base::Sha256& sha256) = 0;
  // Upload, artifact or manifest row: may the collector take the bytes? Uploads count as referenced until
  // expires_at + `grace` and while a job names them.
  [[nodiscard]] virtual base::Result<bool> IsReferenced(const job::TenantId& tenant, const base::Sha256& sha256,
                                                        base::TimePoint now) = 0;
  // Ties uploads that a job's toons name to that job, before the job is created (an orphan tie is harmless).
  [[nodiscard]] virtual base::Status TieUploads(const job::JobKey& key, const std::vector<base::Sha256>& uploads) = 0;
};

// Earlier successes by what they were computed from. Entries are written by Record and vanish with their job.
class ReuseIndex {
 public:
  virtual ~ReuseIndex() = default;
  // One answer per key: the earlier outcome, or nullopt.
  [[nodiscard]] virtual base::Result<std::vector<std::optional<job::Outcome>>> Find(
      const job::TenantId& tenant, const std::vector<base::Sha256>& keys) = 0;
};

// Committed events that have not been delivered yet.
class Outbox {
 public:
  virtual ~Outbox() = default;
  [[nodiscard]] virtual base::Result<std::vector<OutboxEvent>> Pending(std::string_view after_id,
                                                                       std::size_t limit) = 0;
  [[nodiscard]] virtual base::Status Done(std::string_view id) = 0;
};

}  // namespace ports
