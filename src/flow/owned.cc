#include "flow/owned.h"

namespace flow {

base::Status CheckOwned(Context& context, const job::TenantId& tenant, const wire::ToonUri& uri) {
  if (uri.kind == wire::ToonUri::Kind::kUpload) {
    UT_TRY_ASSIGN(const auto upload, context.references.GetUpload(tenant, uri.sha256));
    if (!upload || !upload->complete) return base::FailAt("", "no such upload of yours, or its bytes never came");
  } else {
    UT_TRY_ASSIGN(const auto artifact, context.references.FindArtifact(tenant, uri.sha256));
    if (!artifact) return base::FailAt("", "no such artifact of yours");
  }
  return {};
}

}  // namespace flow
