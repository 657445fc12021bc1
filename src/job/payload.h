// What makes two submissions the same: all that the client said but its jobId. Pure.
#pragma once

#include "base/hash.h"
#include "job/types.h"

namespace job {

// `manifest_sha256`: of the manifest as it is stored. The result is JobSpec::payload_sha256, so that a stored manifest
// can be checked against its job.
[[nodiscard]] base::Sha256 PayloadDigest(const JobSpec& spec, const base::Sha256& manifest_sha256);

}  // namespace job
