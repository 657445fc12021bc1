// Bytes by key: manifests and content-addressed uploads and artifacts. Written once, never changed. Thread-safe;
// blocks. Keys are made by the functions below and nowhere else. Errors: kUnavailable, kNotFound (Read of an absent
// key).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/hash.h"
#include "job/types.h"

namespace ports {

// "t/<tenant in hex>/c/<aa>/<sha256>": bytes of one tenant, by content. In hex a tenant id, which is any text a token
// issuer likes, is a harmless file name and can be read back.
[[nodiscard]] std::string ContentKey(const job::TenantId& tenant, const base::Sha256& sha256);
// "t/<tenant in hex>/m/<unique>.ndjson"
[[nodiscard]] std::string ManifestKey(const job::TenantId& tenant, std::string_view unique);
// What a key names. nullopt: neither of the functions above made it.
struct BlobName {
  job::TenantId tenant;
  std::optional<base::Sha256> content;  // of a ContentKey
  std::string manifest_id;              // of a ManifestKey
};
[[nodiscard]] std::optional<BlobName> ParseBlobKey(std::string_view key);

// Collects bytes for one key; nothing is visible under the key before Commit. Destroyed without Commit: discarded.
class BlobWriter {
 public:
  virtual ~BlobWriter() = default;
  [[nodiscard]] virtual base::Status Append(std::string_view bytes) = 0;
  // Durable and visible under `key` when it returns OK (file and directory entry synced). An existing key is replaced
  // by equal content, so a repeated commit is harmless.
  [[nodiscard]] virtual base::Status Commit(std::string_view key) = 0;
};

// The reason of a kUnavailable after which this store takes no more writes, while one that is opened anew may.
inline constexpr std::string_view kSyncFailed = "sync-failed";

struct BlobToPut {
  std::string key;
  std::string_view bytes;
};
struct BlobEntry {
  std::string key;
  std::uint64_t bytes = 0;
  base::TimePoint written_at{};
};

enum class Removal : std::uint8_t {
  kGone,  // nothing is stored under the key, or was not before
  kKept,  // written since it was listed, or the store cannot rule that out now
};

class BlobStore {
 public:
  virtual ~BlobStore() = default;
  [[nodiscard]] virtual base::Result<std::unique_ptr<BlobWriter>> NewWriter() = 0;
  // All of them durable when it returns OK; cheaper than one by one. An existing key may be replaced by equal content
  // and counts as written now, so that RemoveUnlessWritten leaves it until its outcome is recorded.
  [[nodiscard]] virtual base::Status Put(const std::vector<BlobToPut>& blobs) = 0;
  // [offset, offset + length) cut to the blob's end, into out (resized).
  [[nodiscard]] virtual base::Status Read(std::string_view key, std::uint64_t offset, std::uint64_t length,
                                          std::string& out) = 0;
  [[nodiscard]] virtual base::Result<std::optional<std::uint64_t>> Size(std::string_view key) = 0;
  [[nodiscard]] virtual base::Status Remove(std::string_view key) = 0;  // absent: OK
  // Removes what List answered unless its written_at has changed. One step beside every Put and Commit, of other
  // processes too: each of them either is seen here and its blob kept, or finds the key absent and writes it anew.
  [[nodiscard]] virtual base::Result<Removal> RemoveUnlessWritten(const BlobEntry& listed) = 0;
  // Keys in no particular order, in pages; `cursor` "" first and "" after the last page.
  [[nodiscard]] virtual base::Result<std::vector<BlobEntry>> List(std::string& cursor, std::size_t limit) = 0;
};

}  // namespace ports
