// Every row of the main family: by itself, and against the rows that it names.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ranges>

#include "store/checker.h"
#include "store/jobs.h"
#include "wire/outcome_codec.h"

namespace store {

namespace {

base::Status CheckKey(const KeyReader& key, std::string_view what) {
  if (key.ok()) return {};
  return base::Fail(base::Code::kCorrupt, fmt::format("the key of a stored {} does not decode", what));
}

base::Status CheckEmpty(std::string_view value, std::string_view what) {
  if (value.empty()) return {};
  return base::Fail(base::Code::kCorrupt, fmt::format("a stored {} has a value, none is expected", what));
}

}  // namespace

void Checker::Each(char kind, std::string_view name, RowCheck check) {
  const std::string from(1, kind);
  const base::Status read =
      database_.Scan(database_.main(), from, AfterPrefix(from), [&](std::string_view key, std::string_view value) {
        Count(name);
        if (const base::Status good = (this->*check)(key, value); !good) {
          Tell({.kind = "row-unreadable", .what = fmt::format("{} (key {})", good.error().message, base::ToHex(key))});
        }
        return Database::Walk::kOn;
      });
  if (!read) Tell({.kind = "rows-unreadable", .what = fmt::format("{}: {}", name, read.error().message)});
}

void Checker::CheckRows() {
  struct Kind {
    char letter;
    std::string_view name;
    RowCheck check;
  };
  static constexpr std::array kKinds{
      Kind{'M', "settings", &Checker::OnMeta},
      Kind{'j', "jobs", &Checker::OnSpec},
      Kind{'s', "job states", &Checker::OnState},
      Kind{'i', "job index rows", &Checker::OnJobIndex},
      Kind{'t', "list rows", &Checker::OnList},
      Kind{'u', "rows of unfinished jobs", &Checker::OnPhase},
      Kind{'e', "rows of expiry", &Checker::OnPhase},
      Kind{'d', "rows of expiry", &Checker::OnPhase},
      Kind{'k', "idempotency keys", &Checker::OnIdempotency},
      Kind{'a', "aggregates", &Checker::OnAggregate},
      Kind{'n', "retry notes", &Checker::OnNote},
      Kind{'p', "plan pages", &Checker::OnPlan},
      Kind{'U', "uploads", &Checker::OnUpload},
      Kind{'T', "upload ties", &Checker::OnTie},
      Kind{'V', "upload ties by job", &Checker::OnJobTie},
      Kind{'A', "artifact references", &Checker::OnArtifact},
      Kind{'r', "artifact references by job", &Checker::OnJobArtifact},
      Kind{'R', "reuse entries", &Checker::OnReuse},
      Kind{'q', "reuse entries by job", &Checker::OnJobReuse},
      Kind{'Q', "quarantine entries", &Checker::OnQuarantined},
      Kind{'C', "quarantine counts", &Checker::OnQuarantineCount},
      Kind{'x', "outbox events", &Checker::OnEvent},
  };
  for (const Kind& kind : kKinds) Each(kind.letter, kind.name, kind.check);
  // What begins with no letter of ours.
  std::string from;
  for (const unsigned letter : std::views::iota(0U, 256U)) {
    const char byte = static_cast<char>(letter);
    const auto known = [&](const Kind& kind) { return kind.letter == byte; };
    if (std::ranges::any_of(kKinds, known)) continue;
    from.assign(1, byte);
    const base::Status read = database_.Scan(
        database_.main(), from, AfterPrefix(from), [&](std::string_view key, std::string_view /*value*/) {
          Tell({.kind = "unknown-row", .what = fmt::format("no row has the key {}", base::ToHex(key.substr(0, 64)))});
          return Database::Walk::kOn;
        });
    if (!read) Tell({.kind = "rows-unreadable", .what = read.error().message});
  }
}

bool Checker::Has(const std::string& key) {
  const auto row = database_.Get(key);
  return !row || row->has_value();
}

std::optional<SpecRow> Checker::Spec(Uid uid) {
  const auto read = database_.Get(SpecKey(uid));
  const std::string* bytes = ValueOf(read);
  if (bytes == nullptr) return std::nullopt;
  auto row = DecodeSpec(*bytes);
  if (!row) return std::nullopt;
  return std::move(*row);
}

std::optional<StateRow> Checker::State(Uid uid) {
  const auto read = database_.Get(StateKey(uid));
  const std::string* bytes = ValueOf(read);
  if (bytes == nullptr) return std::nullopt;
  auto row = DecodeState(*bytes);
  if (!row) return std::nullopt;
  return std::move(*row);
}

void Checker::TellIndex(const job::JobKey& key, std::string what) {
  Tell({.kind = "index-broken", .what = std::move(what), .tenant = key.tenant, .job = key.job});
}

void Checker::TellOrphan(std::string what) {
  Tell({.kind = "orphan-row", .what = std::move(what)});
}

base::Status Checker::OnMeta(std::string_view key, std::string_view value) {
  if (key != FormatKey() && key != SequenceKey()) {
    return base::Fail(base::Code::kCorrupt, "a setting has a name that nobody gave it");
  }
  UT_TRY_ASSIGN(const std::uint64_t number, DecodeNumber(value, "setting"));
  if (key == FormatKey() && number != kFormat) {
    return base::Fail(base::Code::kUnsupported,
                      fmt::format("the job store has format {}, this build reads {}", number, kFormat));
  }
  return {};
}

base::Status Checker::OnJobIndex(std::string_view key, std::string_view value) {
  KeyReader in(key);
  job::JobKey named{.tenant = in.Tenant(), .job = {}};
  named.job = job::JobId(in.Rest());
  UT_TRY(CheckKey(in, "job index entry"));
  UT_TRY_ASSIGN(const Uid uid, DecodeNumber(value, "job index entry"));
  const auto spec = Spec(uid);
  if (!spec || spec->spec.key != named) TellIndex(named, "its index entry leads to no job of this name");
  return {};
}

base::Status Checker::OnIdempotency(std::string_view key, std::string_view value) {
  KeyReader in(key);
  const job::TenantId tenant = in.Tenant();
  const std::string given = in.Rest();
  UT_TRY(CheckKey(in, "idempotency key"));
  const job::JobKey named{.tenant = tenant, .job = job::JobId(value)};
  const auto found = database_.FindUid(named);
  const Uid* uid = ValueOf(found);
  const auto spec = uid != nullptr ? Spec(*uid) : std::nullopt;
  if (!spec || spec->idempotency_key != given) TellIndex(named, "an idempotency key leads to it, but not back");
  return {};
}

base::Status Checker::OnState(std::string_view key, std::string_view value) {
  KeyReader in(key);
  const Uid uid = in.Big64();
  UT_TRY(CheckKey(in, "job state"));
  UT_TRY(DecodeState(value));
  if (!Has(SpecKey(uid))) TellOrphan(fmt::format("a state of job number {}, which is not there", uid));
  return {};
}

base::Status Checker::OnAggregate(std::string_view key, std::string_view /*value*/) {
  KeyReader in(key);
  const Uid uid = in.Big64();
  const std::string reducer = in.Rest();
  UT_TRY(CheckKey(in, "aggregate"));
  if (!Has(SpecKey(uid))) {
    TellOrphan(fmt::format("an aggregate of {} of job number {}, which is not there", reducer, uid));
  }
  return {};
}

base::Status Checker::OnNote(std::string_view key, std::string_view value) {
  KeyReader in(key);
  const Uid uid = in.Big64();
  const job::Generation generation = in.Big32();
  const job::Position position = in.Big64();
  UT_TRY(CheckKey(in, "retry note"));
  UT_TRY(DecodeNote(position, value));
  const auto spec = Spec(uid);
  if (!spec) {
    TellOrphan(fmt::format("a retry note of job number {}, which is not there", uid));
    return {};
  }
  const auto outcome = database_.GetRow(OutcomeKey(uid, generation, position));
  if (!outcome || !*outcome) return {};
  Tell({.kind = "outcome-mismatch",
        .what = fmt::format("toon {} has an outcome, and a retry is noted all the same", position),
        .tenant = spec->spec.key.tenant,
        .job = spec->spec.key.job,
        .position = position});
  return {};
}

base::Status Checker::OnList(std::string_view key, std::string_view value) {
  KeyReader in(key);
  job::JobKey named{.tenant = in.Tenant(), .job = {}};
  (void)in.Big64();
  named.job = job::JobId(in.Rest());
  UT_TRY(CheckKey(in, "list entry"));
  UT_TRY_ASSIGN(const Uid uid, DecodeNumber(value, "list entry"));
  const auto spec = Spec(uid);
  if (!spec || ListKey(named.tenant, spec->spec.submitted_at, named.job.str()) != key || spec->spec.key != named) {
    TellIndex(named, "its place in the list leads to no such job");
  }
  return {};
}

base::Status Checker::OnPhase(std::string_view key, std::string_view value) {
  KeyReader in(key);
  (void)in.Big64();
  const Uid uid = in.Big64();
  UT_TRY(CheckKey(in, "row of a job's phase"));
  UT_TRY(CheckEmpty(value, "row of a job's phase"));
  const auto spec = Spec(uid);
  const auto state = State(uid);
  if (!spec || !state) {
    TellOrphan(fmt::format("a row says that job number {} {}, but it is not there", uid,
                           key.front() == 'u' ? "has not ended" : "expires"));
    return {};
  }
  const job::Job job{.spec = spec->spec, .state = state->state, .counters = state->counters};
  if (PhaseIndexKey(job, uid) != key) TellIndex(job.spec.key, "a row about its phase contradicts its state");
  return {};
}

base::Status Checker::OnPlan(std::string_view key, std::string_view value) {
  KeyReader in(key);
  const std::string blob = in.Text();
  const job::Generation generation = in.Big32();
  const std::uint32_t page = in.Big32();
  UT_TRY(CheckKey(in, "plan page"));
  UT_TRY(DecodeSegments(value));
  // Pages of a submission are written before it is accepted; a crash between leaves them. The first is the job's own.
  if (!Has(PlanKey(blob, 1, 0))) {
    checked_.orphan_rows += 1;
  } else if (page > 0 && !Has(PlanKey(blob, generation, page - 1))) {
    Tell({.kind = "plan-broken", .what = fmt::format("page {} of the plan of {} is missing", page - 1, blob)});
  }
  return {};
}

base::Status Checker::OnUpload(std::string_view key, std::string_view value) {
  KeyReader in(key);
  const job::TenantId tenant = in.Tenant();
  const base::Sha256 sha256 = in.Hash();
  UT_TRY(CheckKey(in, "upload"));
  UT_TRY_ASSIGN(const ports::UploadRecord upload, DecodeUpload(tenant, sha256, value));
  if (!upload.complete || upload.expires_at + options_.upload_grace < options_.now) return {};
  NeedsBlob("upload", {.tenant = tenant}, ports::ContentKey(tenant, sha256), upload.bytes);
  return {};
}

base::Status Checker::OnTie(std::string_view key, std::string_view value) {
  KeyReader in(key);
  const job::TenantId tenant = in.Tenant();
  const base::Sha256 sha256 = in.Hash();
  const job::JobKey named{.tenant = tenant, .job = job::JobId(in.Rest())};
  UT_TRY(CheckKey(in, "upload tie"));
  UT_TRY(CheckEmpty(value, "upload tie"));
  if (!Has(JobTieKey(named, sha256))) TellIndex(named, "one of its uploads is tied to it, but not by job");
  const auto uid = database_.FindUid(named);
  if (uid && !*uid) {
    checked_.orphan_rows += 1;  // its submission was refused in the end
    return {};
  }
  const std::string blob = ports::ContentKey(tenant, sha256);
  const auto size = options_.blobs->Size(blob);
  if (size && !*size) {
    Tell({.kind = "upload-missing",
          .what = fmt::format("an upload that its toons name is gone: {}", blob),
          .tenant = tenant,
          .job = named.job});
  }
  return {};
}

base::Status Checker::OnJobTie(std::string_view key, std::string_view value) {
  KeyReader in(key);
  job::JobKey named{.tenant = in.Tenant(), .job = {}};
  named.job = job::JobId(in.Text());
  const base::Sha256 sha256 = in.Hash();
  UT_TRY(CheckKey(in, "upload tie by job"));
  UT_TRY(CheckEmpty(value, "upload tie by job"));
  if (!Has(TieKey(named, sha256))) TellIndex(named, "one of its uploads is tied to it by job alone");
  return {};
}

base::Status Checker::OnArtifact(std::string_view key, std::string_view value) {
  KeyReader in(key);
  const job::TenantId tenant = in.Tenant();
  const base::Sha256 sha256 = in.Hash();
  const Uid uid = in.Big64();
  UT_TRY(CheckKey(in, "artifact reference"));
  UT_TRY_ASSIGN(const job::Artifact artifact, DecodeArtifact(sha256, value));
  const auto spec = Spec(uid);
  if (!spec || spec->spec.key.tenant != tenant) {
    TellOrphan(
        fmt::format("a reference to the artifact {} of job number {}, which is not there", base::ToHex(sha256), uid));
    return {};
  }
  if (!Has(JobArtifactKey(uid, sha256))) TellIndex(spec->spec.key, "an artifact of it is not listed by job");
  NeedsBlob("artifact", {.tenant = tenant, .job = spec->spec.key.job}, ports::ContentKey(tenant, sha256),
            artifact.bytes);
  return {};
}

base::Status Checker::OnJobArtifact(std::string_view key, std::string_view value) {
  KeyReader in(key);
  const Uid uid = in.Big64();
  const base::Sha256 sha256 = in.Hash();
  UT_TRY(CheckKey(in, "artifact reference by job"));
  UT_TRY(CheckEmpty(value, "artifact reference by job"));
  const auto spec = Spec(uid);
  if (!spec) {
    TellOrphan(fmt::format("an artifact of job number {}, which is not there", uid));
  } else if (!Has(ArtifactKey(spec->spec.key.tenant, sha256, uid))) {
    TellIndex(spec->spec.key, fmt::format("its artifact {} has no reference", base::ToHex(sha256)));
  }
  return {};
}

base::Status Checker::OnReuse(std::string_view key, std::string_view value) {
  KeyReader in(key);
  const job::TenantId tenant = in.Tenant();
  const base::Sha256 reuse_key = in.Hash();
  UT_TRY(CheckKey(in, "reuse entry"));
  UT_TRY_ASSIGN(const OutcomePlace place, DecodePlace(value));
  const auto spec = Spec(place.uid);
  if (!spec) {
    TellOrphan(fmt::format("a reuse entry of job number {}, which is not there", place.uid));
    return {};
  }
  if (!Has(JobReuseKey(place.uid, reuse_key))) TellIndex(spec->spec.key, "a reuse entry of it is not listed by job");
  const auto row = database_.GetRow(OutcomeKey(place.uid, place.generation, place.position));
  const std::string* outcome_bytes = ValueOf(row);
  if (outcome_bytes == nullptr) {
    if (row)
      TellIndex(spec->spec.key, fmt::format("a reuse entry names toon {}, which has no outcome", place.position));
    return {};
  }
  const auto decoded = DecodeOutcomeRow(place.position, *outcome_bytes);
  const auto outcome = decoded ? wire::DecodeOutcome(decoded->row) : std::unexpected(decoded.error());
  if (outcome && outcome->reuse_key != reuse_key) {
    TellIndex(spec->spec.key, fmt::format("a reuse entry names toon {}, whose key is another", place.position));
  }
  return {};
}

base::Status Checker::OnJobReuse(std::string_view key, std::string_view value) {
  KeyReader in(key);
  const Uid uid = in.Big64();
  (void)in.Hash();
  UT_TRY(CheckKey(in, "reuse entry by job"));
  UT_TRY(CheckEmpty(value, "reuse entry by job"));
  if (!Has(SpecKey(uid))) TellOrphan(fmt::format("a reuse entry of job number {}, which is not there", uid));
  return {};
}

base::Status Checker::OnQuarantined(std::string_view key, std::string_view value) {
  KeyReader in(key);
  const job::TenantId tenant = in.Tenant();
  job::QuarantineKey bytes{.sha256 = in.Hash(), .type = {}};
  bytes.type = in.Rest();
  UT_TRY(CheckKey(in, "quarantine entry"));
  UT_TRY_ASSIGN(const job::Quarantined entry, DecodeQuarantined(bytes, value));
  const auto row = database_.Get(QuarantineCountKey(tenant));
  const std::string* stored = ValueOf(row);
  const auto counts = stored != nullptr ? DecodeCounts(*stored) : QuarantineCounts{};
  if (row && counts && !counts->contains(job::WorkClassOf(bytes.type))) {
    Tell({.kind = "quarantine-count",
          .what = "bytes are in quarantine, but the count of their class says none: they would not be refused",
          .tenant = tenant,
          .job = entry.job,
          .toon = entry.toon});
  }
  return {};
}

base::Status Checker::OnQuarantineCount(std::string_view key, std::string_view value) {
  KeyReader in(key);
  const job::TenantId tenant = in.Tenant();
  UT_TRY(CheckKey(in, "quarantine count"));
  UT_TRY_ASSIGN(const QuarantineCounts stored, DecodeCounts(value));
  QuarantineCounts counted;
  const std::string prefix = QuarantinePrefix(tenant);
  UT_TRY(database_.Scan(database_.main(), prefix, AfterPrefix(prefix), [&](std::string_view row, std::string_view) {
    const std::size_t type_at = prefix.size() + base::Sha256{}.size();
    if (row.size() > type_at) counted[job::WorkClass(job::WorkClassOf(row.substr(type_at)))] += 1;
    return Database::Walk::kOn;
  }));
  if (counted != stored) {
    Tell({.kind = "quarantine-count", .what = "the counts of the quarantine are not what is in it", .tenant = tenant});
  }
  return {};
}

base::Status Checker::OnEvent(std::string_view key, std::string_view value) {
  UT_TRY(DecodeEvent(key.substr(1), value));
  return {};
}

}  // namespace store
