// One S3 bucket. Bodies in memory; see s3_blobs.h for the store. Thread-safe; blocks. Errors as Caller::Send: kNotFound
// for absent keys and buckets, kConflict for conditions that do not hold.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aws/call.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/hash.h"

namespace aws {

inline constexpr std::uint64_t kMinPartBytes = 5ULL << 20U;  // S3's, of every part but the last
inline constexpr std::size_t kMaxParts = 10'000;             // S3's
inline constexpr std::size_t kMaxDeleteKeys = 1000;          // S3's, per DeleteObjects

enum class PutCondition : std::uint8_t { kNone, kIfAbsent };

struct ObjectInfo {
  std::uint64_t bytes = 0;
  std::string etag;        // with its quotes
  std::string version_id;  // "": the bucket has no versions
  std::string content_type;
};
struct ListedObject {
  std::string key;
  std::uint64_t bytes = 0;
  std::string etag;
  base::TimePoint modified_at{};  // whole seconds
};
struct ObjectPage {
  std::vector<ListedObject> objects;  // by key, ascending
  std::string next;                   // "" after the last page
};
struct ListedVersion {
  std::string key;
  std::string version_id;  // "null": written while the bucket had no versions
  bool is_latest = false;
  bool is_delete_marker = false;
  std::uint64_t bytes = 0;
  base::TimePoint modified_at{};
};
struct VersionPage {
  std::vector<ListedVersion> versions;  // by key ascending, of a key the newest first
  bool more = false;
  std::string next_key;
  std::string next_version;
};
struct ObjectId {
  std::string key;
  std::string version_id;  // "": the current one, by a delete marker where the bucket has versions
};
struct UploadedPart {
  int number = 1;
  std::string etag;
};

class S3Bucket {
 public:
  // caller outlives it.
  S3Bucket(Caller& caller, std::string bucket) : caller_(caller), bucket_(std::move(bucket)) {}

  // kConflict with the reason "PreconditionFailed" when kIfAbsent and it is there: perhaps put by this very call, whose
  // first answer was lost.
  [[nodiscard]] base::Result<ObjectInfo> Put(std::string_view key, std::string_view bytes,
                                             PutCondition condition = PutCondition::kNone);
  // [offset, offset + length) cut to the object's end. length > 0. An offset past the end gives "".
  [[nodiscard]] base::Result<std::string> GetRange(std::string_view key, std::uint64_t offset, std::uint64_t length);
  [[nodiscard]] base::Result<std::optional<ObjectInfo>> Head(std::string_view key);
  [[nodiscard]] base::Status Delete(const ObjectId& id);  // absent: OK
  // Any number; kUnavailable naming the first key that S3 could not delete.
  [[nodiscard]] base::Status DeleteMany(const std::vector<ObjectId>& ids);
  [[nodiscard]] base::Result<ObjectPage> List(std::string_view prefix, std::string_view next, std::size_t limit);
  // After (after_key, after_version); "" "" from the start; (key, "") past all versions of key.
  [[nodiscard]] base::Result<VersionPage> ListVersions(std::string_view prefix, std::string_view after_key,
                                                       std::string_view after_version, std::size_t limit);
  [[nodiscard]] base::Status Copy(std::string_view from, std::string_view to);  // up to 5 GB

  [[nodiscard]] base::Result<std::string> StartUpload(std::string_view key);  // its upload id
  [[nodiscard]] base::Result<UploadedPart> UploadPart(std::string_view key, std::string_view upload_id, int number,
                                                      std::string_view bytes);
  [[nodiscard]] base::Status CompleteUpload(std::string_view key, std::string_view upload_id,
                                            const std::vector<UploadedPart>& parts);
  [[nodiscard]] base::Status AbortUpload(std::string_view key, std::string_view upload_id);

  [[nodiscard]] base::Result<std::string> PresignGet(std::string_view key, std::chrono::seconds valid_for);
  // Good for exactly these bytes: Content-Length and x-amz-checksum-sha256 (base64) must be sent as given.
  [[nodiscard]] base::Result<std::string> PresignPut(std::string_view key, std::uint64_t bytes,
                                                     const base::Sha256& sha256, std::chrono::seconds valid_for);

 private:
  [[nodiscard]] Call At(std::string_view operation, std::string_view method, std::string_view key) const;

  Caller& caller_;
  const std::string bucket_;
};

}  // namespace aws
