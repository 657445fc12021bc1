// One group commit while it is put together: what it will write, and reads that see it. Used by the committer alone.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/error.h"
#include "store/database.h"

namespace store {

class Group {
 public:
  explicit Group(Database& database) : database_(database) {}

  // As if everything put so far were stored. Only keys of the main family.
  [[nodiscard]] base::Result<std::optional<std::string>> Get(const std::string& key);
  void Put(const std::string& key, std::string value);
  void Delete(const std::string& key);
  void PutOutcome(Uid uid, job::Generation generation, const ports::OutcomeRow& row);
  void DeleteOutcomes(std::string_view from, std::string_view to);  // a range, whatever its size
  void DeleteOutcome(std::string_view key);
  // A number that was never given before and never will be, whatever crashes.
  [[nodiscard]] std::uint64_t NextSequence();
  // The group is not written and every caller in it is told so. For failures after the first change of a request.
  void Spoil(base::Error error);

  [[nodiscard]] std::size_t bytes() const { return batch_.GetDataSize(); }
  // Synced. OK without writing if nothing was put.
  [[nodiscard]] base::Status Commit();
  void Clear();
  // Reads the sequence again, after Open and after a failed commit.
  [[nodiscard]] base::Status Load();
  [[nodiscard]] Database& database() { return database_; }

 private:
  void Check(const rocksdb::Status& status);

  Database& database_;
  rocksdb::WriteBatch batch_;
  std::unordered_map<std::string, std::optional<std::string>> put_;  // nullopt: deleted
  std::optional<base::Error> spoiled_;
  std::uint64_t sequence_ = 0;  // the last one given
  std::uint64_t stored_sequence_ = 0;
};

}  // namespace store
