#include "aws/s3_blobs.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "base/log.h"

namespace aws {

namespace {

constexpr std::size_t kVersionsPerPage = 1000;  // S3's most
constexpr std::size_t kFewVersions = 10;        // a page must hold more than one key

base::Status CheckKey(std::string_view key) {
  if (ports::ParseBlobKey(key)) return {};
  return base::Fail(base::Code::kInternal, fmt::format("{} is not a blob key", key));
}

// All versions of one key, the newest first.
struct Versions {
  std::string key;
  std::vector<ListedVersion> list;
  [[nodiscard]] bool present() const { return !list.empty() && !list.front().is_delete_marker; }
  // See the header: later than that of every version before it.
  [[nodiscard]] base::TimePoint written_at() const {
    const base::TimePoint second = list.front().modified_at;
    const auto same = std::ranges::count_if(list, [&](const auto& v) { return v.modified_at == second; });
    return second + std::chrono::microseconds(same - 1);
  }
};

// Bytes of one blob: in memory while they are few, then parts of an upload.
class S3Writer final : public ports::BlobWriter {
 public:
  S3Writer(S3Bucket bucket, std::string prefix, std::string temp_key)
      : bucket_(std::move(bucket)), prefix_(std::move(prefix)), temp_key_(std::move(temp_key)) {}
  ~S3Writer() override {
    if (upload_id_.empty() || completed_) return;
    if (const auto aborted = bucket_.AbortUpload(temp_key_, upload_id_); !aborted) {
      base::LogWarn("s3-upload-not-aborted", {{"key", temp_key_}, {"detail", aborted.error().message}});
    }
  }
  S3Writer(const S3Writer&) = delete;
  S3Writer& operator=(const S3Writer&) = delete;

  base::Status Append(std::string_view bytes) override {
    if (failure_) return std::unexpected(*failure_);
    while (buffer_.size() + bytes.size() > kPartBytes) {
      const std::size_t fits = kPartBytes - buffer_.size();
      buffer_ += bytes.substr(0, fits);
      bytes.remove_prefix(fits);
      UT_TRY(Keep(SendPart()));
    }
    buffer_ += bytes;
    return {};
  }

  base::Status Commit(std::string_view key) override {
    UT_TRY(CheckKey(key));
    if (failure_) return std::unexpected(*failure_);
    const std::string name = prefix_ + std::string(key);
    if (upload_id_.empty()) {
      UT_TRY(Keep(PutWhole(name)));
      return {};
    }
    return Keep(CommitParts(name));
  }

 private:
  base::Status Keep(base::Status status) {
    if (!status) failure_ = status.error();
    return status;
  }
  base::Status PutWhole(const std::string& name) {
    UT_TRY(bucket_.Put(name, buffer_));
    return {};
  }
  base::Status SendPart() {
    if (upload_id_.empty()) {
      UT_TRY_ASSIGN(upload_id_, bucket_.StartUpload(temp_key_));
    }
    if (parts_.size() == kMaxParts) return base::Fail(base::Code::kTooLarge, "The blob has more than 10,000 parts");
    UT_TRY_ASSIGN(UploadedPart part,
                  bucket_.UploadPart(temp_key_, upload_id_, static_cast<int>(parts_.size()) + 1, buffer_));
    parts_.push_back(std::move(part));
    buffer_.clear();
    return {};
  }
  base::Status CommitParts(const std::string& name) {
    if (!completed_) {
      if (!buffer_.empty()) UT_TRY(SendPart());
      UT_TRY(bucket_.CompleteUpload(temp_key_, upload_id_, parts_));
      completed_ = true;
    }
    UT_TRY(bucket_.Copy(temp_key_, name));
    // The blob is there; what is left of its making is the lifecycle's if this fails.
    if (const auto deleted = bucket_.Delete({.key = temp_key_}); !deleted) {
      base::LogWarn("s3-temporary-not-deleted", {{"key", temp_key_}, {"detail", deleted.error().message}});
    }
    return {};
  }

  S3Bucket bucket_;
  const std::string prefix_;
  const std::string temp_key_;
  std::string buffer_;
  std::string upload_id_;
  std::vector<UploadedPart> parts_;
  bool completed_ = false;
  std::optional<base::Error> failure_;
};

class S3Blobs final : public ports::BlobStore {
 public:
  S3Blobs(Caller& caller, base::Random& random, S3BlobOptions options)
      : random_(random), bucket_(caller, std::move(options.bucket)), prefix_(std::move(options.prefix)) {}

  base::Result<std::unique_ptr<ports::BlobWriter>> NewWriter() override {
    constexpr std::size_t kNameBytes = 16;
    return std::make_unique<S3Writer>(bucket_, prefix_, fmt::format("{}tmp/{}", prefix_, random_.Hex(kNameBytes)));
  }

  base::Status Put(const std::vector<ports::BlobToPut>& blobs) override {
    for (const ports::BlobToPut& blob : blobs) UT_TRY(CheckKey(blob.key));
    std::atomic<std::size_t> next = 0;
    std::mutex mutex;
    base::Status result;
    const auto work = [&] {
      for (std::size_t i = next++; i < blobs.size(); i = next++) {
        auto put = bucket_.Put(prefix_ + blobs[i].key, blobs[i].bytes);
        if (put) continue;
        const std::lock_guard lock(mutex);
        result = std::unexpected(std::move(put).error());
        next = blobs.size();
      }
    };
    {
      std::vector<std::jthread> helpers;
      for (std::size_t i = 1; i < std::min(kPutThreads, blobs.size()); ++i) helpers.emplace_back(work);
      work();
    }
    return result;
  }

  base::Status Read(std::string_view key, std::uint64_t offset, std::uint64_t length, std::string& out) override {
    UT_TRY(CheckKey(key));
    if (length > 0) {
      UT_TRY_ASSIGN(out, bucket_.GetRange(prefix_ + std::string(key), offset, length));
      return {};
    }
    out.clear();
    UT_TRY_ASSIGN(const auto size, Size(key));
    if (!size) return base::Fail(base::Code::kNotFound, fmt::format("no blob {}", key));
    return {};
  }

  base::Result<std::optional<std::uint64_t>> Size(std::string_view key) override {
    UT_TRY(CheckKey(key));
    UT_TRY_ASSIGN(const auto info, bucket_.Head(prefix_ + std::string(key)));
    if (!info) return std::optional<std::uint64_t>();
    return info->bytes;
  }

  base::Status Remove(std::string_view key) override {
    UT_TRY(CheckKey(key));
    return bucket_.Delete({.key = prefix_ + std::string(key)});
  }

  base::Result<ports::Removal> RemoveUnlessWritten(const ports::BlobEntry& listed) override {
    UT_TRY(CheckKey(listed.key));
    UT_TRY_ASSIGN(const Versions versions, VersionsOf(prefix_ + listed.key));
    if (!versions.present()) return ports::Removal::kGone;
    if (versions.written_at() != listed.written_at) return ports::Removal::kKept;
    std::vector<ObjectId> ids;
    for (const ListedVersion& version : versions.list) {
      // "null" is not one object but whatever was put last without versions: it cannot be told from a newer one.
      if (version.version_id.empty() || version.version_id == "null") return ports::Removal::kKept;
      ids.push_back({.key = version.key, .version_id = version.version_id});
    }
    // One that is left after a failure is the blob still, and listed again.
    UT_TRY(bucket_.DeleteMany(ids));
    return ports::Removal::kGone;
  }

  base::Result<std::vector<ports::BlobEntry>> List(std::string& cursor, std::size_t limit) override {
    limit = std::max<std::size_t>(limit, 1);
    std::vector<ports::BlobEntry> entries;
    std::string after = cursor.empty() ? "" : prefix_ + cursor;
    bool more = true;
    while (more && entries.size() < limit) {
      UT_TRY_ASSIGN(std::vector<Versions> keys, NextKeys(after, limit, more));
      for (const Versions& versions : keys) {
        if (entries.size() == limit) {
          more = true;
          break;
        }
        after = versions.key;
        const std::string key = versions.key.substr(prefix_.size());
        if (!versions.present() || !ports::ParseBlobKey(key)) continue;
        entries.push_back({.key = key, .bytes = versions.list.front().bytes, .written_at = versions.written_at()});
      }
    }
    cursor = more ? after.substr(std::min(prefix_.size(), after.size())) : "";
    return entries;
  }

 private:
  // The keys after `after`, each with all its versions; at least one, unless there is none. more: others may follow.
  base::Result<std::vector<Versions>> NextKeys(const std::string& after, std::size_t wanted, bool& more) {
    const std::string scope = prefix_ + "t/";
    // Mostly one version a key, and some that were put again.
    const std::size_t limit = std::clamp(2 * wanted, kFewVersions, kVersionsPerPage);
    std::map<std::string, Versions> keys;  // sorted: delete markers may come apart from the versions
    std::string key_marker = after;
    std::string version_marker;
    do {
      UT_TRY_ASSIGN(VersionPage page, bucket_.ListVersions(scope, key_marker, version_marker, limit));
      for (ListedVersion& version : page.versions) {
        if (version.key <= after) continue;
        Versions& versions = keys[version.key];
        versions.key = version.key;
        versions.list.push_back(std::move(version));
      }
      more = page.more;
      key_marker = page.next_key;
      version_marker = page.next_version;
    } while (more && keys.size() < 2);
    if (more) keys.erase(key_marker);  // the next page may hold more versions of it
    std::vector<Versions> out;
    for (auto& [key, versions] : keys) {
      CurrentFirst(versions);
      out.push_back(std::move(versions));
    }
    return out;
  }

  base::Result<Versions> VersionsOf(const std::string& name) {
    Versions versions{.key = name, .list = {}};
    std::string key_marker;
    std::string version_marker;
    for (bool more = true; more;) {
      UT_TRY_ASSIGN(VersionPage page, bucket_.ListVersions(name, key_marker, version_marker, kVersionsPerPage));
      for (ListedVersion& version : page.versions) {
        if (version.key == name) versions.list.push_back(std::move(version));
      }
      more = page.more && page.next_key == name;  // what follows only starts like it
      key_marker = page.next_key;
      version_marker = page.next_version;
    }
    CurrentFirst(versions);
    return versions;
  }
  // The current one first, whatever order versions and markers came in.
  static void CurrentFirst(Versions& versions) {
    const auto latest = std::ranges::find(versions.list, true, &ListedVersion::is_latest);
    if (latest != versions.list.end()) std::rotate(versions.list.begin(), latest, latest + 1);
  }

  base::Random& random_;
  S3Bucket bucket_;
  const std::string prefix_;
};

}  // namespace

std::unique_ptr<ports::BlobStore> OpenS3Blobs(Caller& caller, base::Random& random, S3BlobOptions options) {
  return std::make_unique<S3Blobs>(caller, random, std::move(options));
}

}  // namespace aws
