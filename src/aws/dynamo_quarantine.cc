#include "aws/dynamo_quarantine.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "job/limits.h"
#include "wire/row_codec.h"

namespace aws {

namespace {

using Walk = DynamoTable::Walk;

constexpr std::string_view kCountRow = "!count";  // sorts before every hash
constexpr std::string_view kClassPrefix = "class-";
constexpr int kReleaseTries = 12;
constexpr std::size_t kReleasedAtOnce = kMaxTransactionItems - 1;  // and the count

std::string RowOf(const job::QuarantineKey& key) {
  return fmt::format("{}#{}", base::ToHex(key.sha256), key.type);
}

base::Result<job::Quarantined> EntryOf(const Item& item) {
  UT_TRY_ASSIGN(const std::string row, TextAt(item, "sk"));
  const std::size_t mark = row.find('#');
  const auto sha256 = base::Sha256FromHex(std::string_view(row).substr(0, mark));
  if (!sha256 || mark == std::string::npos) {
    return base::Fail(base::Code::kCorrupt, "row " + row + " of a quarantine does not decode");
  }
  UT_TRY_ASSIGN(const std::string bytes, BytesAt(item, "v"));
  return wire::DecodeQuarantined({.sha256 = *sha256, .type = row.substr(mark + 1)}, bytes);
}

}  // namespace

std::uint64_t QuarantineCount::total() const {
  std::uint64_t total = 0;
  for (const auto& [work_class, count] : of) total += count;
  return total;
}

base::Result<QuarantineCount> DynamoQuarantine::ReadCount(const job::TenantId& tenant) {
  QuarantineCount count;
  UT_TRY_ASSIGN(const auto row, table_.Get(QuarantinePartition(tenant), kCountRow));
  if (!row) return count;
  UT_TRY_ASSIGN(count.version, CountAt(*row, "version"));
  for (const auto& [name, value] : *row) {
    if (!name.starts_with(kClassPrefix)) continue;
    UT_TRY_ASSIGN(count.of[name.substr(kClassPrefix.size())], CountAt(*row, name));
  }
  return count;
}

// Replaces the count if it still has this version.
WriteAction DynamoQuarantine::CountAction(const job::TenantId& tenant, const QuarantineCount& count) const {
  Item item = KeyItem(QuarantinePartition(tenant), kCountRow);
  item["version"] = NumberValue(static_cast<std::int64_t>(count.version) + 1);
  for (const auto& [work_class, number] : count.of) {
    if (number > 0) item[std::string(kClassPrefix) + work_class] = NumberValue(static_cast<std::int64_t>(number));
  }
  if (count.version == 0) return table_.PutAction(std::move(item), "attribute_not_exists(pk)");
  return table_.PutAction(std::move(item), "#version = :version",
                          {{":version", NumberValue(static_cast<std::int64_t>(count.version))}});
}

base::Result<bool> DynamoQuarantine::Any(const job::TenantId& tenant, std::string_view work_class) {
  UT_TRY_ASSIGN(const QuarantineCount count, ReadCount(tenant));
  return count.of.contains(work_class);
}

base::Result<std::vector<std::optional<job::Quarantined>>> DynamoQuarantine::Find(
    const job::TenantId& tenant, const std::vector<job::QuarantineKey>& keys) {
  const std::string partition = QuarantinePartition(tenant);
  std::vector<Item> wanted;
  wanted.reserve(keys.size());
  for (const job::QuarantineKey& key : keys) wanted.push_back(KeyItem(partition, RowOf(key)));
  UT_TRY_ASSIGN(const std::vector<Item> rows, table_.GetMany(wanted));
  std::map<job::QuarantineKey, job::Quarantined> entries;
  for (const Item& row : rows) {
    UT_TRY_ASSIGN(job::Quarantined entry, EntryOf(row));
    entries[entry.bytes] = std::move(entry);
  }
  std::vector<std::optional<job::Quarantined>> found;
  found.reserve(keys.size());
  for (const job::QuarantineKey& key : keys) {
    const auto at = entries.find(key);
    found.push_back(at == entries.end() ? std::nullopt : std::optional(at->second));
  }
  return found;
}

base::Result<ports::QuarantinePage> DynamoQuarantine::List(const job::TenantId& tenant,
                                                           const std::optional<job::QuarantineKey>& after,
                                                           std::size_t limit) {
  ports::QuarantinePage page;
  const std::string from = after ? RowOf(*after) : std::string(kCountRow);
  Query query = table_.After(QuarantinePartition(tenant), from);
  constexpr std::size_t kMostAtOnce = 1'000;
  query.limit = static_cast<std::uint32_t>(std::min(limit, kMostAtOnce - 1) + 1);
  UT_TRY(table_.Scan(std::move(query), [&](Item& item) -> base::Result<Walk> {
    page.more = page.entries.size() >= limit;
    if (page.more) return Walk::kStop;
    UT_TRY_ASSIGN(page.entries.emplace_back(), EntryOf(item));
    return Walk::kOn;
  }));
  return page;
}

base::Result<std::size_t> DynamoQuarantine::Release(const job::TenantId& tenant, const base::Sha256& sha256) {
  const std::string partition = QuarantinePartition(tenant);
  std::size_t released = 0;
  for (int attempt = 0; attempt < kReleaseTries; ++attempt) {
    if (attempt > 0) table_.PauseBefore(attempt - 1);
    UT_TRY_ASSIGN(QuarantineCount count, ReadCount(tenant));
    std::vector<WriteAction> actions;
    Query query = DynamoTable::KeysOnly(table_.Prefixed(partition, base::ToHex(sha256) + "#"));
    UT_TRY(table_.Scan(std::move(query), [&](Item& key) -> base::Result<Walk> {
      UT_TRY_ASSIGN(const std::string row, TextAt(key, "sk"));
      const auto number = count.of.find(job::WorkClassOf(std::string_view(row).substr(row.find('#') + 1)));
      if (number != count.of.end() && number->second > 0) --number->second;
      actions.push_back(table_.DeleteAction(std::move(key), "attribute_exists(pk)"));
      return actions.size() == kReleasedAtOnce ? Walk::kStop : Walk::kOn;
    }));
    if (actions.empty()) return released;
    const std::size_t types = actions.size();
    actions.push_back(CountAction(tenant, count));
    UT_TRY_ASSIGN(const CancelReasons reasons, table_.Commit(actions));
    if (!reasons.empty()) continue;
    released += types;
    if (types < kReleasedAtOnce) return released;
  }
  return base::Fail(base::Code::kUnavailable, "the quarantine changes faster than bytes are released");
}

base::Result<std::uint64_t> DynamoQuarantine::AddTo(const job::TenantId& tenant,
                                                    const std::vector<job::Quarantined>& entries,
                                                    std::vector<WriteAction>& actions) {
  if (entries.empty()) return 0;
  UT_TRY_ASSIGN(QuarantineCount count, ReadCount(tenant));
  const std::string partition = QuarantinePartition(tenant);
  std::vector<Item> keys;
  keys.reserve(entries.size());
  for (const job::Quarantined& entry : entries) keys.push_back(KeyItem(partition, RowOf(entry.bytes)));
  UT_TRY_ASSIGN(const std::vector<Item> rows, table_.GetMany(keys));
  std::set<std::string> known;
  for (const Item& row : rows) known.insert(TextOf(row, "sk").value_or(""));
  std::uint64_t added = 0;
  std::uint64_t total = count.total();
  for (const job::Quarantined& entry : entries) {
    const std::string row = RowOf(entry.bytes);
    const bool is_known = known.contains(row);
    if (!is_known && total >= job::kMaxQuarantinedPerTenant) continue;
    Item item = KeyItem(partition, row);
    item["v"] = BinaryValue(wire::EncodeQuarantined(entry));
    actions.push_back(
        table_.PutAction(std::move(item), is_known ? "attribute_exists(pk)" : "attribute_not_exists(pk)"));
    if (is_known) continue;
    ++count.of[job::WorkClass(job::WorkClassOf(entry.bytes.type))];
    ++added;
    ++total;
  }
  if (added > 0) actions.push_back(CountAction(tenant, count));
  return added;
}

}  // namespace aws
