#include <algorithm>

#include "fakes/bill.h"
#include "fakes/store.h"

namespace fakes {

namespace {

std::string SortKey(const job::Job& job) {
  return fmt::format("{:020}/{}/{}", base::UnixMicros(job.spec.submitted_at), job.spec.key.job.str(),
                     job.spec.key.tenant.str());
}

// `all` in the order of the answer; keeps what comes after the cursor, at most `limit`.
ports::JobPage Page(std::vector<job::Job> all, std::string_view after, std::size_t limit,
                    bool (*before)(std::string_view, std::string_view)) {
  std::ranges::sort(all, [&](const job::Job& a, const job::Job& b) { return before(SortKey(a), SortKey(b)); });
  ports::JobPage page;
  for (job::Job& job : all) {
    if (!after.empty() && !before(after, SortKey(job))) continue;
    if (page.jobs.size() == limit) {
      page.next = SortKey(page.jobs.back());
      break;
    }
    page.jobs.push_back(std::move(job));
  }
  return page;
}

base::Result<ports::CreateAnswer> SameOrTaken(const job::Job& stored, const ports::NewJob& wanted,
                                              std::string_view reason) {
  if (stored.spec.payload_sha256 != wanted.spec.payload_sha256) {
    return base::Fail(base::Code::kConflict,
                      fmt::format("job {} was submitted with another payload", stored.spec.key.job.str()),
                      std::string(reason));
  }
  return ports::CreateAnswer{.kind = ports::CreateAnswer::Kind::kSame, .job = stored};
}

std::unexpected<base::Error> VersionChanged(const job::JobKey& key) {
  return base::Fail(base::Code::kConflict, fmt::format("job {} changed meanwhile", key.job.str()), "version-changed");
}

}  // namespace

void FakeStore::AddEventsLocked(const std::vector<ports::OutboxEvent>& events) {
  for (ports::OutboxEvent event : events) {
    if (event.id.empty()) event.id = fmt::format("{:016x}", ++sequence_);
    outbox_[event.id] = event;
  }
}

base::Status FakeStore::Committed() {
  ++commits_;
  if (lost_answer.Strikes()) return ToldToFail();
  return {};
}

std::size_t FakeStore::commits() const {
  const std::lock_guard lock(mutex_);
  return commits_;
}

base::Result<ports::CreateAnswer> FakeStore::Create(const ports::NewJob& job) {
  if (commit_fault.Strikes()) return ToldToFail();
  const std::lock_guard lock(mutex_);
  const job::JobKey& key = job.spec.key;
  if (job.idempotency_key) {
    const auto known = idempotency_.find({key.tenant, *job.idempotency_key});
    if (known != idempotency_.end()) {
      return SameOrTaken(jobs_.at(known->second).job, job, "idempotency-key-taken");
    }
  }
  if (const auto known = jobs_.find(key); known != jobs_.end()) {
    return SameOrTaken(known->second.job, job, "job-id-taken");
  }
  Bill bill(limits_);
  bill.Item(job.spec.metadata_json.size() + job.spec.operations_json.size() + 1024);
  bill.State(job.state);
  bill.Page(job.first_page);
  bill.Events(job.events);
  UT_TRY(bill.Check());
  Stored& stored = jobs_[key];
  stored.job = {.spec = job.spec, .state = job.state, .counters = {}};
  stored.idempotency_key = job.idempotency_key;
  if (job.idempotency_key) idempotency_[{key.tenant, *job.idempotency_key}] = key;
  if (!job.first_page.empty() || job.spec.manifest_uploaded) pages_[{job.spec.manifest.blob, 1, 0}] = job.first_page;
  AddEventsLocked(job.events);
  UT_TRY(Committed());
  return ports::CreateAnswer{.kind = ports::CreateAnswer::Kind::kCreated, .job = stored.job};
}

base::Result<std::optional<job::Job>> FakeStore::Get(const job::JobKey& key) {
  if (read_fault.Strikes()) return ToldToFail();
  const std::lock_guard lock(mutex_);
  const auto found = jobs_.find(key);
  if (found == jobs_.end()) return std::nullopt;
  return found->second.job;
}

base::Result<ports::JobPage> FakeStore::List(const job::TenantId& tenant, const ports::JobFilter& filter) {
  if (read_fault.Strikes()) return ToldToFail();
  const std::lock_guard lock(mutex_);
  std::vector<job::Job> all;
  for (const auto& [key, stored] : jobs_) {
    if (key.tenant != tenant) continue;
    if (filter.status && job::StatusOf(stored.job) != *filter.status) continue;
    all.push_back(stored.job);
  }
  return Page(std::move(all), filter.after, filter.limit, [](std::string_view a, std::string_view b) { return a > b; });
}

base::Result<job::Job> FakeStore::Update(const job::JobKey& key, const job::JobState& next,
                                         const std::vector<ports::OutboxEvent>& events) {
  if (commit_fault.Strikes()) return ToldToFail();
  const std::lock_guard lock(mutex_);
  const auto found = jobs_.find(key);
  if (found == jobs_.end()) return NoSuchJob(key);
  job::Job& job = found->second.job;
  if (version_fault.Strikes() || job.state.version + 1 != next.version) return VersionChanged(key);
  Bill bill(limits_);
  bill.State(next);
  bill.Events(events);
  UT_TRY(bill.Check());
  if (next.generation > job.state.generation) job.counters = {};
  job.state = next;
  for (const job::ReduceResult& result : next.reduced) AddReferencesLocked(key, result.artifacts);
  AddEventsLocked(events);
  UT_TRY(Committed());
  return job;
}

base::Result<ports::JobPage> FakeStore::Unfinished(std::string_view cursor, std::size_t limit) {
  if (read_fault.Strikes()) return ToldToFail();
  const std::lock_guard lock(mutex_);
  std::vector<job::Job> all;
  for (const auto& [key, stored] : jobs_) {
    if (stored.job.state.phase != job::Phase::kEnded) all.push_back(stored.job);
  }
  return Page(std::move(all), cursor, limit, [](std::string_view a, std::string_view b) { return a < b; });
}

base::Result<std::vector<ports::ExpiredJob>> FakeStore::Expired(base::TimePoint now,
                                                                std::optional<std::chrono::seconds> default_retention,
                                                                std::size_t limit) {
  if (read_fault.Strikes()) return ToldToFail();
  const std::lock_guard lock(mutex_);
  std::vector<ports::ExpiredJob> expired;
  for (const auto& [key, stored] : jobs_) {
    if (expired.size() == limit) break;
    const job::JobState& state = stored.job.state;
    if (state.phase != job::Phase::kEnded) continue;
    const std::optional<std::chrono::seconds>& own = stored.job.spec.retention;
    if (!own && !default_retention) continue;
    const auto retention = own.value_or(default_retention.value_or(std::chrono::seconds(0)));
    if (state.completed_at.value_or(state.updated_at) + retention <= now) {
      expired.push_back({.key = key, .version = state.version});
    }
  }
  return expired;
}

base::Status FakeStore::Delete(const job::JobKey& key, std::uint64_t version) {
  if (commit_fault.Strikes()) return ToldToFail();
  const std::lock_guard lock(mutex_);
  const auto found = jobs_.find(key);
  if (found != jobs_.end()) {
    if (found->second.job.state.version != version) return VersionChanged(key);
    if (const auto& named = found->second.idempotency_key) idempotency_.erase({key.tenant, *named});
    const std::string blob = found->second.job.spec.manifest.blob;
    std::erase_if(pages_, [&](const auto& page) { return std::get<0>(page.first) == blob; });
    jobs_.erase(found);
  }
  const auto is_this = [&](const auto& reference) { return reference.first == key; };
  for (auto& [place, owners] : references_) std::erase_if(owners, is_this);
  for (auto& [place, owners] : ties_) std::erase(owners, key);
  std::erase_if(reuse_, [&](const auto& entry) { return entry.second.key == key; });
  return Committed();
}

base::Status FakeStore::PutPage(const job::ManifestRef& manifest, job::Generation generation, std::uint32_t page,
                                const std::vector<job::Segment>& segments) {
  if (commit_fault.Strikes()) return ToldToFail();
  const std::lock_guard lock(mutex_);
  Bill bill(limits_);
  bill.Page(segments);
  UT_TRY(bill.Check());
  pages_[{manifest.blob, generation, page}] = segments;
  return Committed();
}

base::Result<std::optional<std::vector<job::Segment>>> FakeStore::ReadPage(const job::ManifestRef& manifest,
                                                                           job::Generation generation,
                                                                           std::uint32_t page) {
  if (read_fault.Strikes()) return ToldToFail();
  const std::lock_guard lock(mutex_);
  const auto found = pages_.find({manifest.blob, generation, page});
  if (found == pages_.end()) return std::nullopt;
  return found->second;
}

base::Result<std::vector<ports::OutboxEvent>> FakeStore::Pending(std::string_view after_id, std::size_t limit) {
  if (read_fault.Strikes()) return ToldToFail();
  const std::lock_guard lock(mutex_);
  std::vector<ports::OutboxEvent> events;
  for (auto at = outbox_.upper_bound(after_id); at != outbox_.end() && events.size() < limit; ++at) {
    events.push_back(at->second);
  }
  return events;
}

base::Status FakeStore::Done(std::string_view id) {
  if (commit_fault.Strikes()) return ToldToFail();
  const std::lock_guard lock(mutex_);
  if (const auto found = outbox_.find(id); found != outbox_.end()) outbox_.erase(found);
  return Committed();
}

}  // namespace fakes
