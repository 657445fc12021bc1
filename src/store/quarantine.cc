#include "store/quarantine.h"

#include <algorithm>

#include "job/limits.h"

namespace store {

namespace {

base::Result<QuarantineCounts> CountsOf(const std::optional<std::string>& row) {
  if (!row) return QuarantineCounts{};
  return DecodeCounts(*row);
}

// The entry behind a row of the tenant whose keys begin with a prefix of `prefix_bytes`.
base::Result<job::Quarantined> EntryOf(std::string_view key, std::size_t prefix_bytes, std::string_view value) {
  job::QuarantineKey bytes;
  key.remove_prefix(prefix_bytes);
  if (key.size() < bytes.sha256.size()) return base::Fail(base::Code::kCorrupt, "a quarantine key does not decode");
  std::copy_n(key.begin(), bytes.sha256.size(), bytes.sha256.begin());
  bytes.type = key.substr(bytes.sha256.size());
  return DecodeQuarantined(std::move(bytes), value);
}

void PutCounts(Group& group, const job::TenantId& tenant, const QuarantineCounts& counts) {
  if (counts.empty()) {
    group.Delete(QuarantineCountKey(tenant));
  } else {
    group.Put(QuarantineCountKey(tenant), EncodeCounts(counts));
  }
}

}  // namespace

base::Result<bool> RocksQuarantine::Any(const job::TenantId& tenant, std::string_view work_class) {
  UT_TRY_ASSIGN(const auto row, database_.Get(QuarantineCountKey(tenant)));
  UT_TRY_ASSIGN(const QuarantineCounts counts, CountsOf(row));
  return counts.contains(work_class);
}

base::Result<std::vector<std::optional<job::Quarantined>>> RocksQuarantine::Find(
    const job::TenantId& tenant, const std::vector<job::QuarantineKey>& keys) {
  std::vector<std::optional<job::Quarantined>> found;
  found.reserve(keys.size());
  for (const job::QuarantineKey& key : keys) {
    UT_TRY_ASSIGN(const auto row, database_.Get(QuarantineRowKey(tenant, key)));
    std::optional<job::Quarantined>& entry = found.emplace_back();
    if (row) {
      UT_TRY_ASSIGN(entry, DecodeQuarantined(key, *row));
    }
  }
  return found;
}

base::Result<ports::QuarantinePage> RocksQuarantine::List(const job::TenantId& tenant,
                                                          const std::optional<job::QuarantineKey>& after,
                                                          std::size_t limit) {
  ports::QuarantinePage page;
  const std::string prefix = QuarantinePrefix(tenant);
  std::string from = prefix;
  if (after) {
    from = QuarantineRowKey(tenant, *after);
    from.push_back('\0');  // the key right after it
  }
  UT_TRY(database_.Scan(database_.main(), from, AfterPrefix(prefix),
                        [&](std::string_view key, std::string_view value) -> base::Result<Database::Walk> {
                          page.more = page.entries.size() >= limit;
                          if (page.more) return Database::Walk::kStop;
                          UT_TRY_ASSIGN(auto entry, EntryOf(key, prefix.size(), value));
                          page.entries.push_back(std::move(entry));
                          return Database::Walk::kOn;
                        }));
  return page;
}

base::Result<std::size_t> RocksQuarantine::Release(const job::TenantId& tenant, const base::Sha256& sha256) {
  return committer_.Run<std::size_t>(256, Grouping::kAlone, [&](Turn turn) -> base::Result<std::size_t> {
    const std::string prefix = QuarantinePrefix(tenant, sha256);
    std::vector<job::ToonType> types;
    UT_TRY(database_.Scan(database_.main(), prefix, AfterPrefix(prefix), [&](std::string_view key, std::string_view) {
      types.emplace_back(key.substr(prefix.size()));
      return Database::Walk::kOn;
    }));
    if (types.empty()) return 0;
    UT_TRY_ASSIGN(const auto row, turn.group.Get(QuarantineCountKey(tenant)));
    UT_TRY_ASSIGN(QuarantineCounts counts, CountsOf(row));
    for (const job::ToonType& type : types) {
      turn.group.Delete(QuarantineRowKey(tenant, {.sha256 = sha256, .type = type}));
      const auto count = counts.find(job::WorkClassOf(type));
      if (count != counts.end() && --count->second == 0) counts.erase(count);
    }
    PutCounts(turn.group, tenant, counts);
    return types.size();
  });
}

base::Result<QuarantineChange> QuarantineChangeOf(Group& group, const job::TenantId& tenant,
                                                  const std::vector<job::Quarantined>& entries) {
  QuarantineChange change;
  if (entries.empty()) return change;
  UT_TRY_ASSIGN(const auto row, group.Get(QuarantineCountKey(tenant)));
  UT_TRY_ASSIGN(change.counts, CountsOf(row));
  std::uint64_t total = 0;
  for (const auto& [work_class, count] : change.counts) total += count;
  for (const job::Quarantined& entry : entries) {
    std::string key = QuarantineRowKey(tenant, entry.bytes);
    UT_TRY_ASSIGN(const auto known, group.Get(key));
    const bool is_new = !known && !change.rows.contains(key);
    if (is_new && total >= job::kMaxQuarantinedPerTenant) continue;
    if (is_new) {
      change.counts[job::WorkClass(job::WorkClassOf(entry.bytes.type))] += 1;
      change.added += 1;
      total += 1;
    }
    change.rows[std::move(key)] = EncodeQuarantined(entry);
  }
  return change;
}

void PutQuarantine(Group& group, const job::TenantId& tenant, QuarantineChange change) {
  for (auto& [key, value] : change.rows) group.Put(key, std::move(value));
  if (change.added > 0) PutCounts(group, tenant, change.counts);
}

}  // namespace store
