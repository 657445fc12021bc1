// Ports that look over the flow's shoulder: every change of a job is seen at the moment it is stored, whatever the
// caller is told afterwards, and something else may happen between a read and the write that follows.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "fakes/blobs.h"
#include "fakes/store.h"
#include "ports/metrics.h"
#include "ports/notifier.h"
#include "sim/ledger.h"

namespace sim {

struct Watch {
  fakes::FakeStore& store;
  fakes::FakeBlobStore& blobs;
  Ledger& ledger;
  const base::Clock& clock;
  std::function<void()> meanwhile;
  std::function<std::optional<job::Job>(const job::JobKey&)> peek;

  // Compares the job with what was seen of it last; throws Violation if it cannot have come from there.
  void Look(const job::JobKey& key);
};

class WatchedJobs final : public ports::JobStore {
 public:
  explicit WatchedJobs(Watch& watch) : watch_(watch) {}
  [[nodiscard]] const ports::StoreLimits& limits() const override { return watch_.store.limits(); }
  [[nodiscard]] base::Result<ports::CreateAnswer> Create(const ports::NewJob& job) override;
  [[nodiscard]] base::Result<std::optional<job::Job>> Get(const job::JobKey& key) override;
  [[nodiscard]] base::Result<ports::JobPage> List(const job::TenantId& tenant,
                                                  const ports::JobFilter& filter) override {
    return watch_.store.List(tenant, filter);
  }
  [[nodiscard]] base::Result<job::Job> Update(const job::JobKey& key, const job::JobState& next,
                                              const std::vector<ports::OutboxEvent>& events) override;
  [[nodiscard]] base::Result<ports::JobPage> Unfinished(std::string_view cursor, std::size_t limit) override {
    return watch_.store.Unfinished(cursor, limit);
  }
  [[nodiscard]] base::Result<std::vector<ports::ExpiredJob>> Expired(
      base::TimePoint now, std::optional<std::chrono::seconds> default_retention, std::size_t limit) override {
    return watch_.store.Expired(now, default_retention, limit);
  }
  [[nodiscard]] base::Status Delete(const job::JobKey& key, std::uint64_t version) override;

 private:
  Watch& watch_;
};

class WatchedOutcomes final : public ports::OutcomeStore {
 public:
  explicit WatchedOutcomes(Watch& watch) : watch_(watch) {}
  [[nodiscard]] base::Result<ports::RecordAnswer> Record(const ports::RecordCommit& commit) override {
    watch_.meanwhile();
    return watch_.store.Record(commit);
  }
  [[nodiscard]] base::Result<std::vector<ports::OutcomeRow>> Read(const job::JobKey& key, job::Generation generation,
                                                                  job::Position from, std::size_t limit,
                                                                  std::size_t max_bytes) override {
    return watch_.store.Read(key, generation, from, limit, max_bytes);
  }
  [[nodiscard]] base::Result<std::vector<bool>> Recorded(const job::JobKey& key, job::Generation generation,
                                                         job::Position first, std::uint32_t count) override {
    return watch_.store.Recorded(key, generation, first, count);
  }
  [[nodiscard]] base::Result<std::vector<job::RetryNote>> Retries(const job::JobKey& key, job::Generation generation,
                                                                  job::Position from, std::size_t limit) override {
    return watch_.store.Retries(key, generation, from, limit);
  }
  [[nodiscard]] base::Result<std::vector<ports::Partial>> Aggregates(const job::JobKey& key) override {
    return watch_.store.Aggregates(key);
  }

 private:
  Watch& watch_;
};

// Something may happen between the listing of bytes and their removal.
class WatchedBlobs final : public ports::BlobStore {
 public:
  explicit WatchedBlobs(Watch& watch) : watch_(watch) {}
  [[nodiscard]] base::Result<std::unique_ptr<ports::BlobWriter>> NewWriter() override {
    return watch_.blobs.NewWriter();
  }
  [[nodiscard]] base::Status Put(const std::vector<ports::BlobToPut>& blobs) override {
    return watch_.blobs.Put(blobs);
  }
  [[nodiscard]] base::Status Read(std::string_view key, std::uint64_t offset, std::uint64_t length,
                                  std::string& out) override {
    return watch_.blobs.Read(key, offset, length, out);
  }
  [[nodiscard]] base::Result<std::optional<std::uint64_t>> Size(std::string_view key) override {
    return watch_.blobs.Size(key);
  }
  [[nodiscard]] base::Status Remove(std::string_view key) override { return watch_.blobs.Remove(key); }
  [[nodiscard]] base::Result<ports::Removal> RemoveUnlessWritten(const ports::BlobEntry& listed) override {
    watch_.meanwhile();
    return watch_.blobs.RemoveUnlessWritten(listed);
  }
  [[nodiscard]] base::Result<std::vector<ports::BlobEntry>> List(std::string& cursor, std::size_t limit) override {
    return watch_.blobs.List(cursor, limit);
  }

 private:
  Watch& watch_;
};

// Watchers hear only of what is stored.
class CheckingNotifier final : public ports::Notifier {
 public:
  explicit CheckingNotifier(Watch& watch) : watch_(watch) {}
  void Publish(const job::Job& job) override;

 private:
  Watch& watch_;
};

class SilentMetrics final : public ports::Metrics {
 public:
  void JobAccepted() override {}
  void JobEnded(job::JobStatus, std::chrono::microseconds) override {}
  void ChunkEnded(std::string_view, std::string_view, std::chrono::microseconds) override {}
  void RecordTook(std::chrono::microseconds) override {}
  void ToonsRecorded(job::ToonState, std::uint64_t) override {}
  void ToonDuration(std::string_view, std::chrono::microseconds) override {}
  void ToonFailed(std::string_view) override {}
  void ToonsReused(std::uint64_t) override {}
  void ToonsRefused(std::uint64_t) override {}
  void Quarantined(std::uint64_t) override {}
};

// The number of the model that a job was made from; it stands in its metadata.
[[nodiscard]] std::size_t ModelNumber(const job::Job& job);

}  // namespace sim
