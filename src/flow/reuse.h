// Content-addressed reuse: what makes two toons "the same work".
#pragma once

#include <string_view>
#include <vector>

#include "base/hash.h"
#include "job/types.h"
#include "ports/processor.h"

namespace flow {

// SHA-256 over length-prefixed type, source digest, operations and processor version. The tenant is not in it: the
// index is kept per tenant.
[[nodiscard]] base::Sha256 ReuseKey(std::string_view type, const base::Sha256& source_sha256,
                                    const std::vector<ports::Operation>& operations,
                                    std::string_view processor_version);

// Does a job with this policy look for earlier outcomes of this type?
[[nodiscard]] bool ReuseApplies(job::ReusePolicy policy, std::string_view type);

}  // namespace flow
