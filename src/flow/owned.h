// Whose bytes a uri may name: the caller's own tenant's, never another's.
#pragma once

#include "base/error.h"
#include "flow/context.h"
#include "wire/toon.h"

namespace flow {

// kInvalid at "" (relative to the uri) unless it names a complete upload or a recorded artifact of this tenant.
[[nodiscard]] base::Status CheckOwned(Context& context, const job::TenantId& tenant, const wire::ToonUri& uri);

}  // namespace flow
