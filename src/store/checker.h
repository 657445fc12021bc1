// The parts of a check. Internal to src/store.
#pragma once

#include <optional>
#include <string>

#include "store/check.h"
#include "store/database.h"

namespace store {

// Reads a key from its front; anything missing makes it not ok.
class KeyReader {
 public:
  // Behind the letter for the kind of row.
  explicit KeyReader(std::string_view key) : rest_(key.substr(1)) {}
  std::string Text();  // with its length before it
  std::uint32_t Big32();
  std::uint64_t Big64();
  base::Sha256 Hash();
  std::string Rest() { return std::string(Take(rest_.size())); }
  job::TenantId Tenant() { return job::TenantId(Text()); }
  [[nodiscard]] bool ok() const { return ok_ && rest_.empty(); }

 private:
  std::string_view Take(std::size_t bytes);
  std::string_view rest_;
  bool ok_ = true;
};

// What was read; null: it could not be, or is not there.
template <typename T>
[[nodiscard]] const T* ValueOf(const base::Result<std::optional<T>>& read) {
  if (!read) return nullptr;
  const std::optional<T>& value = *read;
  return value ? &*value : nullptr;
}

class Checker {
 public:
  Checker(Database& database, const CheckOptions& options, Checked& checked)
      : database_(database), options_(options), checked_(checked) {}

  void CheckTables();    // every block of every table file
  void CheckRows();      // every row of the main family by itself and against those it names
  void CheckOutcomes();  // outcomes of jobs that are gone
  void CheckBlobs();     // every blob against its name and length

 private:
  using RowCheck = base::Status (Checker::*)(std::string_view key, std::string_view value);
  void Each(char kind, std::string_view name, RowCheck check);
  void Count(std::string_view name, std::uint64_t more = 1);
  void Tell(Problem problem);
  // For a look-up within a check: a row that is not there is an answer, one that does not read is told elsewhere.
  [[nodiscard]] bool Has(const std::string& key);
  [[nodiscard]] std::optional<SpecRow> Spec(Uid uid);
  [[nodiscard]] std::optional<StateRow> State(Uid uid);
  void TellIndex(const job::JobKey& key, std::string what);
  void TellOrphan(std::string what);
  void NeedsBlob(std::string_view kind, const Problem& where, const std::string& blob, std::uint64_t bytes);

  // ---- checker_rows.cc: rows that name others
  [[nodiscard]] base::Status OnMeta(std::string_view key, std::string_view value);
  [[nodiscard]] base::Status OnJobIndex(std::string_view key, std::string_view value);
  [[nodiscard]] base::Status OnIdempotency(std::string_view key, std::string_view value);
  [[nodiscard]] base::Status OnState(std::string_view key, std::string_view value);
  [[nodiscard]] base::Status OnAggregate(std::string_view key, std::string_view value);
  [[nodiscard]] base::Status OnNote(std::string_view key, std::string_view value);
  [[nodiscard]] base::Status OnList(std::string_view key, std::string_view value);
  [[nodiscard]] base::Status OnPhase(std::string_view key, std::string_view value);
  [[nodiscard]] base::Status OnPlan(std::string_view key, std::string_view value);
  [[nodiscard]] base::Status OnUpload(std::string_view key, std::string_view value);
  [[nodiscard]] base::Status OnTie(std::string_view key, std::string_view value);
  [[nodiscard]] base::Status OnJobTie(std::string_view key, std::string_view value);
  [[nodiscard]] base::Status OnArtifact(std::string_view key, std::string_view value);
  [[nodiscard]] base::Status OnJobArtifact(std::string_view key, std::string_view value);
  [[nodiscard]] base::Status OnReuse(std::string_view key, std::string_view value);
  [[nodiscard]] base::Status OnJobReuse(std::string_view key, std::string_view value);
  [[nodiscard]] base::Status OnQuarantined(std::string_view key, std::string_view value);
  [[nodiscard]] base::Status OnQuarantineCount(std::string_view key, std::string_view value);
  [[nodiscard]] base::Status OnEvent(std::string_view key, std::string_view value);

  // ---- checker_jobs.cc: a job with all it has
  struct Tally;
  [[nodiscard]] base::Status OnSpec(std::string_view key, std::string_view value);
  void CheckIndexes(Uid uid, const SpecRow& row, const StateRow& state);
  void CheckManifest(const job::JobSpec& spec);
  void CheckPlan(const job::JobSpec& spec, std::uint64_t toons);
  void CheckJobOutcomes(Uid uid, const job::JobSpec& spec, const StateRow& state);
  void OnOutcome(Uid uid, const job::JobSpec& spec, const StateRow& state, Tally& tally, std::string_view key,
                 std::string_view value);
  void CheckReferences(Uid uid, const job::JobSpec& spec, const job::Outcome& outcome);
  void CheckCounters(const job::JobSpec& spec, const StateRow& state, const Tally& tally);

  // ---- checker_blobs.cc
  [[nodiscard]] bool Wanted(const ports::BlobName& name, const std::string& key);
  [[nodiscard]] base::Result<base::Sha256> HashOf(const std::string& blob);

  Database& database_;
  const CheckOptions& options_;
  Checked& checked_;
};

}  // namespace store
