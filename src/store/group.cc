#include "store/group.h"

#include <array>
#include <utility>

namespace store {

base::Result<std::optional<std::string>> Group::Get(const std::string& key) {
  if (const auto found = put_.find(key); found != put_.end()) return found->second;
  return database_.Get(key);
}

void Group::Check(const rocksdb::Status& status) {
  if (!status.ok()) Spoil(FromRocks(status, "putting a commit together"));
}

void Group::Spoil(base::Error error) {
  if (!spoiled_) spoiled_ = std::move(error);
}

void Group::Put(const std::string& key, std::string value) {
  Check(batch_.Put(database_.main(), key, value));
  put_[key] = std::move(value);
}

void Group::Delete(const std::string& key) {
  Check(batch_.Delete(database_.main(), key));
  put_[key] = std::nullopt;
}

void Group::PutOutcome(Uid uid, job::Generation generation, const ports::OutcomeRow& row) {
  std::array<char, kOutcomeKeyBytes> key{};
  WriteOutcomeKey(key.data(), uid, generation, row.position);
  const char flags = OutcomeFlags(row);
  const rocksdb::Slice key_part(key.data(), key.size());
  const std::array<rocksdb::Slice, 2> value{rocksdb::Slice(&flags, 1), rocksdb::Slice(row.row)};
  Check(batch_.Put(database_.rows(), rocksdb::SliceParts(&key_part, 1), rocksdb::SliceParts(value.data(), 2)));
}

void Group::DeleteOutcomes(std::string_view from, std::string_view to) {
  Check(batch_.DeleteRange(database_.rows(), ToSlice(from), ToSlice(to)));
}

void Group::DeleteOutcome(std::string_view key) {
  Check(batch_.Delete(database_.rows(), ToSlice(key)));
}

std::uint64_t Group::NextSequence() {
  return ++sequence_;
}

base::Status Group::Commit() {
  if (spoiled_) return std::unexpected(*spoiled_);
  if (sequence_ != stored_sequence_) {
    Check(batch_.Put(database_.main(), SequenceKey(), EncodeNumber(sequence_)));
    if (spoiled_) return std::unexpected(*spoiled_);
  }
  if (batch_.Count() == 0) return {};
  UT_TRY(database_.Write(batch_));
  stored_sequence_ = sequence_;
  return {};
}

void Group::Clear() {
  constexpr std::size_t kKeptBytes = 4U << 20U;  // the usual group's buffer is kept, a huge one's is not
  if (batch_.GetDataSize() > kKeptBytes) {
    batch_ = rocksdb::WriteBatch();
  } else {
    batch_.Clear();
  }
  put_.clear();
  spoiled_.reset();
}

base::Status Group::Load() {
  UT_TRY_ASSIGN(const auto stored, database_.Get(SequenceKey()));
  stored_sequence_ = 0;
  if (stored) {
    UT_TRY_ASSIGN(stored_sequence_, DecodeNumber(*stored, "sequence"));
  }
  sequence_ = stored_sequence_;
  return {};
}

}  // namespace store
