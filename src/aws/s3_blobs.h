// Blobs in one S3 bucket: the key is the object's name, after a prefix. The bucket must keep versions.
//
//   PREFIX t/<tenant>/c/<aa>/<sha256>   PREFIX t/<tenant>/m/<unique>.ndjson   PREFIX tmp/<random>: a large one being
//   written
//
// S3 tells times in whole seconds, and an object that is put again keeps its name and, with equal content, its ETag. So
// written_at is the second plus as many microseconds as older versions of the key are of the same second, and
// RemoveUnlessWritten deletes the very versions that it compared: what is put beside it is a version that stays. In a
// bucket without versions it answers kKept. Put and Commit always write, since "it is there already" would not be seen
// by a removal. Remove leaves a delete marker; the bucket's lifecycle ends old versions, tmp/ and unfinished uploads.
#pragma once

#include <memory>
#include <string>

#include "aws/s3.h"
#include "base/random.h"
#include "ports/blob_store.h"

namespace aws {

struct S3BlobOptions {
  std::string bucket;
  std::string prefix;  // "" or ending in '/'
};

// caller and random outlive it and its writers. A key that ports::ContentKey or ManifestKey did not make is kInternal
// in every call. A writer holds up to kPartBytes, then uploads in parts under tmp/ and has S3 copy at Commit (up to 5
// GB).
[[nodiscard]] std::unique_ptr<ports::BlobStore> OpenS3Blobs(Caller& caller, base::Random& random,
                                                            S3BlobOptions options);

inline constexpr std::size_t kPartBytes = 16U << 20U;  // 10,000 of them are far over what is accepted
inline constexpr std::size_t kPutThreads = 8;          // at once in one Put: a put is mostly waiting

}  // namespace aws
