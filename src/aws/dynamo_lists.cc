// The reads of ports::JobStore that go through an index.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

#include "aws/dynamo_jobs.h"

namespace aws {

namespace {

using Walk = DynamoTable::Walk;

// A filter that matches nothing reads at most so many jobs a call; the page says where to go on.
constexpr std::size_t kMaxJobsLookedAt = 1'000;
constexpr std::size_t kJobsLoadedAtOnce = 50;
constexpr std::string_view kAfterEveryRow =
    "~";  // of what follows a time in an index: letters, digits and marks before

// The place in the index that a cursor names.
base::Result<std::string> ReadCursor(std::string_view cursor) {
  constexpr std::size_t kTimeDigits = 16;
  auto place = base::FromHex(cursor);
  if (!place || place->size() <= kTimeDigits || (*place)[kTimeDigits] != '#') {
    return base::FailAt("/pageToken", "not a token of this list");
  }
  return std::move(*place);
}

struct Entry {
  std::string place;  // its sort key in the index
  std::string partition;
};

Query InIndex(const DynamoTable& table, std::string_view index, std::string condition, Item values) {
  return {.table = table.name(),
          .index = std::string(index),
          .key_condition = std::move(condition),
          .placeholders = {.values = std::move(values)}};
}

// The first `most` entries of the query; place: the name of the index's sort key.
base::Result<std::vector<Entry>> ReadEntries(DynamoTable& table, Query query, std::string_view place,
                                             std::size_t most) {
  std::vector<Entry> entries;
  query.limit = static_cast<std::uint32_t>(std::min(most, kMaxJobsLookedAt));
  UT_TRY(table.Scan(std::move(query), [&](Item& item) -> base::Result<Walk> {
    Entry& entry = entries.emplace_back();
    UT_TRY_ASSIGN(entry.place, TextAt(item, place));
    UT_TRY_ASSIGN(entry.partition, TextAt(item, "pk"));
    return entries.size() == most ? Walk::kStop : Walk::kOn;
  }));
  return entries;
}

std::vector<std::string> PartitionsOf(const std::vector<Entry>& entries) {
  std::vector<std::string> partitions;
  partitions.reserve(entries.size());
  for (const Entry& entry : entries) partitions.push_back(entry.partition);
  return partitions;
}

base::Result<std::vector<Entry>> TenantEntries(DynamoTable& table, const job::TenantId& tenant,
                                               const std::string& before, std::size_t most) {
  Query query = InIndex(table, kTenantIndex, "tenantKey = :tenant AND #order < :before",
                        {{":tenant", TextValue(base::ToHex(tenant.str()))}, {":before", TextValue(before)}});
  query.placeholders.names["#order"] = "order";
  query.order = Query::Order::kDescending;
  return ReadEntries(table, std::move(query), "order", most);
}

}  // namespace

base::Result<std::vector<std::optional<StoredJob>>> DynamoJobs::Load(const std::vector<std::string>& partitions) {
  std::vector<Item> keys;
  for (const std::string& partition : partitions) {
    keys.push_back(KeyItem(partition, kSpecRow));
    keys.push_back(KeyItem(partition, kStateRow));
  }
  std::map<std::string, std::vector<Item>> by_job;
  const auto add = [&](std::vector<Item> rows) -> base::Status {
    for (Item& row : rows) {
      UT_TRY_ASSIGN(const std::string partition, TextAt(row, "pk"));
      by_job[partition].push_back(std::move(row));
    }
    return {};
  };
  UT_TRY_ASSIGN(std::vector<Item> rows, table_.GetMany(keys));
  keys.clear();
  for (const Item& row : rows) {
    if (TextOf(row, "sk") != kStateRow) continue;
    UT_TRY_ASSIGN(const std::uint64_t shards, CountAt(row, "shards"));
    UT_TRY_ASSIGN(const std::string partition, TextAt(row, "pk"));
    for (std::uint32_t shard = 0; shard < shards; ++shard) keys.push_back(KeyItem(partition, TallyRow(shard)));
  }
  UT_TRY(add(std::move(rows)));
  UT_TRY_ASSIGN(std::vector<Item> tallies, table_.GetMany(keys));
  UT_TRY(add(std::move(tallies)));
  std::vector<std::optional<StoredJob>> jobs;
  for (const std::string& partition : partitions) {
    const auto key = JobOfPartition(partition);
    if (!key) return base::Fail(base::Code::kCorrupt, "row " + partition + " names no job");
    UT_TRY_ASSIGN(auto job, JobOf(by_job[partition]));
    // A transaction ran between the reads: look at this one by itself.
    if (!job || job->job.spec.key != *key) {
      UT_TRY_ASSIGN(job, ReadJob(table_, *key));
    }
    if (job && job->going) job.reset();
    jobs.push_back(std::move(job));
  }
  return jobs;
}

base::Result<ports::JobPage> DynamoJobs::List(const job::TenantId& tenant, const ports::JobFilter& filter) {
  ports::JobPage page;
  if (filter.limit == 0) return page;
  std::string before(kAfterEveryRow);
  if (!filter.after.empty()) {
    UT_TRY_ASSIGN(before, ReadCursor(filter.after));
  }
  for (std::size_t looked_at = 0; looked_at < kMaxJobsLookedAt;) {
    const std::size_t wanted = filter.status ? kJobsLoadedAtOnce : filter.limit - page.jobs.size() + 1;
    UT_TRY_ASSIGN(const auto entries, TenantEntries(table_, tenant, before, std::min(wanted, kJobsLoadedAtOnce)));
    if (entries.empty()) return page;
    UT_TRY_ASSIGN(auto jobs, Load(PartitionsOf(entries)));
    for (std::size_t i = 0; i < entries.size(); ++i) {
      if (page.jobs.size() == filter.limit) {
        page.next = base::ToHex(before);
        return page;
      }
      before = entries[i].place;
      std::optional<StoredJob>& stored = jobs[i];
      if (!stored || (filter.status && job::StatusOf(stored->job) != *filter.status)) continue;
      page.jobs.push_back(std::move(stored->job));
    }
    looked_at += entries.size();
  }
  page.next = base::ToHex(before);
  return page;
}

base::Result<ports::JobPage> DynamoJobs::Unfinished(std::string_view cursor, std::size_t limit) {
  ports::JobPage page;
  if (limit == 0) return page;
  std::string after(1, '!');  // before every time
  if (!cursor.empty()) {
    UT_TRY_ASSIGN(after, ReadCursor(cursor));
  }
  std::vector<Entry> entries;
  for (std::uint32_t part = 0; part < kDueParts; ++part) {
    Query query = InIndex(table_, kDueIndex, "dueKey = :key AND due > :after",
                          {{":key", TextValue(fmt::format("open#{}", part))}, {":after", TextValue(after)}});
    UT_TRY_ASSIGN(auto found, ReadEntries(table_, std::move(query), "due", limit + 1));
    std::ranges::move(found, std::back_inserter(entries));
  }
  std::ranges::sort(entries, {}, &Entry::place);
  if (entries.size() > limit) {
    entries.resize(limit);
    page.next = base::ToHex(entries.back().place);
  }
  UT_TRY_ASSIGN(auto jobs, Load(PartitionsOf(entries)));
  for (auto& stored : jobs) {
    if (stored && stored->job.state.phase != job::Phase::kEnded) page.jobs.push_back(std::move(stored->job));
  }
  return page;
}

// Jobs of one partition of the index whose time has come, as the table has them.
base::Status DynamoJobs::AddDue(const std::string& due_key, base::TimePoint until, std::size_t limit,
                                std::vector<ports::ExpiredJob>& out) {
  if (out.size() >= limit) return {};
  const std::string last = fmt::format("{}#{}", TimeText(until), kAfterEveryRow);
  Query query = InIndex(table_, kDueIndex, "dueKey = :key AND due <= :last",
                        {{":key", TextValue(due_key)}, {":last", TextValue(last)}});
  UT_TRY_ASSIGN(const auto entries, ReadEntries(table_, std::move(query), "due", limit - out.size()));
  std::vector<Item> keys;
  keys.reserve(entries.size());
  for (const Entry& entry : entries) keys.push_back(KeyItem(entry.partition, kStateRow));
  UT_TRY_ASSIGN(const std::vector<Item> rows, table_.GetMany(keys));
  for (const Item& row : rows) {
    const bool due =
        TextOf(row, "dueKey") == due_key && TextOf(row, "due").value_or(std::string(kAfterEveryRow)) <= last;
    if (!due) continue;  // it changed, and the index lags behind
    UT_TRY_ASSIGN(const std::string partition, TextAt(row, "pk"));
    UT_TRY_ASSIGN(const std::uint64_t version, CountAt(row, "version"));
    const auto key = JobOfPartition(partition);
    if (!key) return base::Fail(base::Code::kCorrupt, "row " + partition + " names no job");
    out.push_back({.key = *key, .version = version});
  }
  return {};
}

base::Result<std::vector<ports::ExpiredJob>> DynamoJobs::Expired(base::TimePoint now,
                                                                 std::optional<std::chrono::seconds> default_retention,
                                                                 std::size_t limit) {
  std::vector<ports::ExpiredJob> expired;
  for (std::uint32_t part = 0; part < kDueParts; ++part) {
    UT_TRY(AddDue(fmt::format("own#{}", part), now, limit, expired));
    if (!default_retention) continue;
    UT_TRY(AddDue(fmt::format("default#{}", part), now - *default_retention, limit, expired));
  }
  return expired;
}

}  // namespace aws
