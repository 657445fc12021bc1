// Blobs: those that rows name, and each against its own name.
#include <fmt/format.h>

#include "store/checker.h"

namespace store {

namespace {
constexpr std::size_t kBlobsAtOnce = 1000;
constexpr std::uint64_t kPieceBytes = 1U << 20U;
}  // namespace

void Checker::NeedsBlob(std::string_view kind, const Problem& where, const std::string& blob, std::uint64_t bytes) {
  const auto size = options_.blobs->Size(blob);
  Problem problem = where;
  if (!size) {
    problem.kind = "blob-unreadable";
    problem.what = size.error().message;
  } else if (const auto* stored = ValueOf(size); stored == nullptr) {
    problem.kind = kind == "artifact" ? "artifact-missing" : "upload-missing";
    problem.what = fmt::format("the bytes of an {} are gone: {}", kind, blob);
  } else if (*stored != bytes) {
    problem.kind = kind == "artifact" ? "artifact-altered" : "upload-altered";
    problem.what = fmt::format("an {} has {} bytes, {} were stored: {}", kind, *stored, bytes, blob);
  } else {
    return;
  }
  Tell(std::move(problem));
}

bool Checker::Wanted(const ports::BlobName& name, const std::string& key) {
  if (!name.content) return Has(PlanKey(key, 1, 0));
  bool named = Has(UploadKey(name.tenant, *name.content));
  for (const std::string& prefix :
       {ArtifactPrefix(name.tenant, *name.content), TiePrefix(name.tenant, *name.content)}) {
    if (named) break;
    (void)database_.Scan(database_.main(), prefix, AfterPrefix(prefix), [&](std::string_view, std::string_view) {
      named = true;
      return Database::Walk::kStop;
    });
  }
  return named;
}

base::Result<base::Sha256> Checker::HashOf(const std::string& blob) {
  base::Sha256Stream hash;
  std::string piece;
  for (std::uint64_t at = 0;; at += piece.size()) {
    UT_TRY(options_.blobs->Read(blob, at, kPieceBytes, piece));
    if (piece.empty()) return hash.Finish();
    hash.Update(piece);
    Count("bytes hashed", piece.size());
  }
}

void Checker::CheckBlobs() {
  std::string cursor;
  do {
    const auto entries = options_.blobs->List(cursor, kBlobsAtOnce);
    if (!entries) {
      Tell({.kind = "blob-unreadable", .what = entries.error().message});
      return;
    }
    for (const ports::BlobEntry& entry : *entries) {
      Count("blobs");
      const auto name = ports::ParseBlobKey(entry.key);
      if (!name) continue;
      const bool wanted = Wanted(*name, entry.key);
      checked_.orphan_blobs += wanted ? 0 : 1;
      checked_.orphan_bytes += wanted ? 0 : entry.bytes;
      if (!wanted || !name->content || options_.hashing == Hashing::kLength) continue;
      const auto hash = HashOf(entry.key);
      if (!hash) {
        Tell({.kind = "blob-unreadable", .what = hash.error().message, .tenant = name->tenant});
      } else if (*hash != *name->content) {
        Tell({.kind = "blob-altered",
              .what = fmt::format("its bytes are not those that were stored: {}", entry.key),
              .tenant = name->tenant});
      }
    }
  } while (!cursor.empty());
}

}  // namespace store
