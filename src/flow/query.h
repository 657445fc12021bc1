// Reading: jobs, results, artifacts, the quarantine. Another tenant's job is absent, always.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "flow/context.h"
#include "job/lifecycle.h"

namespace flow {

struct Aggregate {
  std::string reducer;
  std::string json;  // rendered
};
struct JobView {
  job::Job job;
  std::vector<Aggregate> aggregates;  // so far, or final
};

struct ResultFilter {
  std::optional<job::ToonState> state;  // kPending lists what has no outcome yet
  std::optional<job::ToonType> type;
  std::size_t page_size = 100;
  std::string page_token;  // opaque; kInvalid at "/pageToken" if it is not one of ours for this job and filter
};
struct ResultPage {
  std::vector<job::Outcome> results;  // manifest order; kPending ones carry only position, toon_id, type
  std::string next_page_token;        // empty: no more for now
};

class Query {
 public:
  explicit Query(Context& context) : context_(context) {}
  // kNotFound.
  [[nodiscard]] base::Result<JobView> Job(const job::JobKey& key);
  [[nodiscard]] base::Result<ports::JobPage> Jobs(const job::TenantId& tenant, const ports::JobFilter& filter);
  [[nodiscard]] base::Result<ResultPage> Results(const job::JobKey& key, const ResultFilter& filter);
  // How to serve GET /artifacts/{sha256}: its description and blob key. kNotFound unless this tenant has a reference.
  struct ArtifactPlace {
    job::Artifact artifact;
    std::string blob_key;
  };
  [[nodiscard]] base::Result<ArtifactPlace> Artifact(const job::TenantId& tenant, const base::Sha256& sha256);
  // The tenant's bytes in quarantine, as ports::QuarantineStore::List has them.
  [[nodiscard]] base::Result<ports::QuarantinePage> Quarantined(const job::TenantId& tenant,
                                                                const std::optional<job::QuarantineKey>& after,
                                                                std::size_t limit);

 private:
  Context& context_;
};

}  // namespace flow
