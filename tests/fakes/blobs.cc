#include "fakes/blobs.h"

namespace fakes {

namespace {
std::unexpected<base::Error> Broken() {
  return base::Fail(base::Code::kUnavailable, "the blob store is told to fail");
}
}  // namespace

class FakeBlobWriter final : public ports::BlobWriter {
 public:
  explicit FakeBlobWriter(FakeBlobStore& store) : store_(store) {}
  [[nodiscard]] base::Status Append(std::string_view bytes) override {
    if (store_.write_fault.Strikes()) return Broken();
    bytes_ += bytes;
    return {};
  }
  [[nodiscard]] base::Status Commit(std::string_view key) override {
    if (store_.write_fault.Strikes()) return Broken();
    const std::lock_guard lock(store_.mutex_);
    store_.StoreLocked(key, bytes_);
    return store_.lost_answer.Strikes() ? base::Status(Broken()) : base::Status{};
  }

 private:
  FakeBlobStore& store_;
  std::string bytes_;
};

base::Result<std::unique_ptr<ports::BlobWriter>> FakeBlobStore::NewWriter() {
  return std::make_unique<FakeBlobWriter>(*this);
}

void FakeBlobStore::StoreLocked(std::string_view key, std::string bytes) {
  blobs_.insert_or_assign(std::string(key), Blob{.bytes = std::move(bytes), .written_at = clock_->Now()});
}

base::Status FakeBlobStore::Put(const std::vector<ports::BlobToPut>& blobs) {
  if (write_fault.Strikes()) return Broken();
  const std::lock_guard lock(mutex_);
  for (const ports::BlobToPut& blob : blobs) {
    const auto known = blobs_.find(blob.key);
    if (known != blobs_.end()) {
      known->second.written_at = clock_->Now();
    } else {
      StoreLocked(blob.key, std::string(blob.bytes));
    }
    if (lost_answer.Strikes()) return Broken();
  }
  return {};
}

base::Status FakeBlobStore::Read(std::string_view key, std::uint64_t offset, std::uint64_t length, std::string& out) {
  if (read_fault.Strikes()) return Broken();
  const std::lock_guard lock(mutex_);
  const auto found = blobs_.find(key);
  if (found == blobs_.end()) return base::Fail(base::Code::kNotFound, "no blob " + std::string(key));
  const std::string& bytes = found->second.bytes;
  out = offset >= bytes.size() ? std::string() : bytes.substr(offset, length);
  return {};
}

base::Result<std::optional<std::uint64_t>> FakeBlobStore::Size(std::string_view key) {
  if (read_fault.Strikes()) return Broken();
  const std::lock_guard lock(mutex_);
  const auto found = blobs_.find(key);
  if (found == blobs_.end()) return std::nullopt;
  return found->second.bytes.size();
}

base::Status FakeBlobStore::Remove(std::string_view key) {
  if (write_fault.Strikes()) return Broken();
  const std::lock_guard lock(mutex_);
  if (const auto found = blobs_.find(key); found != blobs_.end()) blobs_.erase(found);
  if (lost_answer.Strikes()) return Broken();
  return {};
}

base::Result<ports::Removal> FakeBlobStore::RemoveUnlessWritten(const ports::BlobEntry& listed) {
  if (write_fault.Strikes()) return Broken();
  const std::lock_guard lock(mutex_);
  const auto found = blobs_.find(listed.key);
  if (found != blobs_.end() && found->second.written_at != listed.written_at) return ports::Removal::kKept;
  if (found != blobs_.end()) blobs_.erase(found);
  if (lost_answer.Strikes()) return Broken();
  return ports::Removal::kGone;
}

base::Result<std::vector<ports::BlobEntry>> FakeBlobStore::List(std::string& cursor, std::size_t limit) {
  if (read_fault.Strikes()) return Broken();
  const std::lock_guard lock(mutex_);
  std::vector<ports::BlobEntry> page;
  auto at = blobs_.upper_bound(cursor);
  for (; at != blobs_.end() && page.size() < limit; ++at) {
    page.push_back({.key = at->first, .bytes = at->second.bytes.size(), .written_at = at->second.written_at});
  }
  cursor = at == blobs_.end() || page.empty() ? std::string() : page.back().key;
  return page;
}

std::size_t FakeBlobStore::size() const {
  const std::lock_guard lock(mutex_);
  return blobs_.size();
}

void FakeBlobStore::Plant(std::string_view key, std::string bytes) {
  const std::lock_guard lock(mutex_);
  StoreLocked(key, std::move(bytes));
}

}  // namespace fakes
