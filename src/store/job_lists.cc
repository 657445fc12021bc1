// The reads of ports::JobStore that go through an index.
#include <algorithm>

#include "store/jobs.h"

namespace store {

namespace {

// A filter that matches nothing reads at most so many jobs a call; the page says where to go on.
constexpr std::size_t kMaxJobsLookedAt = 10'000;

base::Result<std::string> ReadCursor(std::string_view cursor, std::string_view prefix) {
  auto key = base::FromHex(cursor);
  if (!key || !key->starts_with(prefix)) return base::FailAt("/pageToken", "not a token of this list");
  return std::move(*key);
}

}  // namespace

base::Result<ports::JobPage> RocksJobs::List(const job::TenantId& tenant, const ports::JobFilter& filter) {
  const std::string prefix = ListPrefix(tenant);
  std::string before = AfterPrefix(prefix);
  if (!filter.after.empty()) {
    UT_TRY_ASSIGN(before, ReadCursor(filter.after, prefix));
  }
  ports::JobPage page;
  std::size_t looked_at = 0;
  std::string last;
  const auto visit = [&](std::string_view key, std::string_view value) -> base::Result<Database::Walk> {
    if (page.jobs.size() >= filter.limit || looked_at >= kMaxJobsLookedAt) {
      page.next = base::ToHex(last);
      return Database::Walk::kStop;
    }
    ++looked_at;
    last = key;
    UT_TRY_ASSIGN(const Uid uid, DecodeNumber(value, "list entry"));
    UT_TRY_ASSIGN(auto job, database_.LoadJob(uid));
    if (job && (!filter.status || job::StatusOf(*job) == *filter.status)) page.jobs.push_back(std::move(*job));
    return Database::Walk::kOn;
  };
  if (filter.limit == 0) return page;
  UT_TRY(database_.ScanBack(database_.main(), prefix, before, visit));
  return page;
}

base::Result<ports::JobPage> RocksJobs::Unfinished(std::string_view cursor, std::size_t limit) {
  const std::string prefix = UnfinishedPrefix();
  std::string from = prefix;
  if (!cursor.empty()) {
    UT_TRY_ASSIGN(from, ReadCursor(cursor, prefix));
    from.push_back('\0');  // the key right after it
  }
  ports::JobPage page;
  std::string last;
  const auto visit = [&](std::string_view key, std::string_view) -> base::Result<Database::Walk> {
    if (page.jobs.size() >= limit) {
      page.next = base::ToHex(last);
      return Database::Walk::kStop;
    }
    last = key;
    UT_TRY_ASSIGN(auto job, database_.LoadJob(PositionOf(key)));
    if (job && job->state.phase != job::Phase::kEnded) page.jobs.push_back(std::move(*job));
    return Database::Walk::kOn;
  };
  if (limit == 0) return page;
  UT_TRY(database_.Scan(database_.main(), from, AfterPrefix(prefix), visit));
  return page;
}

base::Status RocksJobs::AddExpired(ExpiryKind kind, base::TimePoint until, std::size_t limit,
                                   std::vector<ports::ExpiredJob>& out) {
  const std::string from(1, static_cast<char>(kind));
  const std::string to = ExpiryKey(kind, until + std::chrono::microseconds(1), 0);
  return database_.Scan(database_.main(), from, to,
                        [&](std::string_view key, std::string_view) -> base::Result<Database::Walk> {
                          if (out.size() >= limit) return Database::Walk::kStop;
                          UT_TRY_ASSIGN(const auto job, database_.LoadJob(PositionOf(key)));
                          if (job && job->state.phase == job::Phase::kEnded) {
                            out.push_back({.key = job->spec.key, .version = job->state.version});
                          }
                          return Database::Walk::kOn;
                        });
}

base::Result<std::vector<ports::ExpiredJob>> RocksJobs::Expired(base::TimePoint now,
                                                                std::optional<std::chrono::seconds> default_retention,
                                                                std::size_t limit) {
  std::vector<ports::ExpiredJob> expired;
  UT_TRY(AddExpired(ExpiryKind::kOwnRetention, now, limit, expired));
  if (default_retention) {
    UT_TRY(AddExpired(ExpiryKind::kDefaultRetention, now - *default_retention, limit, expired));
  }
  return expired;
}

}  // namespace store
