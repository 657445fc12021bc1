// Blobs in memory, with faults to order.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "fakes/faults.h"
#include "ports/blob_store.h"

namespace fakes {

class FakeBlobStore final : public ports::BlobStore {
 public:
  // `clock` (may be null: the machine's) dates the entries; it outlives the store.
  explicit FakeBlobStore(const base::Clock* clock = nullptr) : clock_(clock != nullptr ? clock : &system_clock_) {}
  [[nodiscard]] base::Result<std::unique_ptr<ports::BlobWriter>> NewWriter() override;
  [[nodiscard]] base::Status Put(const std::vector<ports::BlobToPut>& blobs) override;
  [[nodiscard]] base::Status Read(std::string_view key, std::uint64_t offset, std::uint64_t length,
                                  std::string& out) override;
  [[nodiscard]] base::Result<std::optional<std::uint64_t>> Size(std::string_view key) override;
  [[nodiscard]] base::Status Remove(std::string_view key) override;
  [[nodiscard]] base::Result<ports::Removal> RemoveUnlessWritten(const ports::BlobEntry& listed) override;
  [[nodiscard]] base::Result<std::vector<ports::BlobEntry>> List(std::string& cursor, std::size_t limit) override;

  Fault write_fault;  // Append, Commit, Put, both removals: kUnavailable and no effect
  Fault read_fault;   // Read, Size, List: kUnavailable
  Fault lost_answer;  // Commit, both removals, each blob of Put: done, but the caller is told kUnavailable

  [[nodiscard]] std::size_t size() const;
  // What a test says is stored, without checks or faults.
  void Plant(std::string_view key, std::string bytes);

 private:
  friend class FakeBlobWriter;
  struct Blob {
    std::string bytes;
    base::TimePoint written_at{};
  };
  void StoreLocked(std::string_view key, std::string bytes);

  base::SystemClock system_clock_;
  const base::Clock* clock_;
  mutable std::mutex mutex_;
  std::map<std::string, Blob, std::less<>> blobs_;  // guarded by mutex_
};

}  // namespace fakes
