#include "aws/dynamo_references.h"

#include <fmt/format.h>

#include <map>
#include <set>
#include <utility>

#include "wire/outcome_codec.h"
#include "wire/row_codec.h"

namespace aws {

namespace {

using Walk = DynamoTable::Walk;

constexpr std::size_t kRemovedAtOnce = 100;

base::Result<job::Outcome> OutcomeOf(const Item& row) {
  UT_TRY_ASSIGN(const job::Position position, PositionOfRow(row));
  UT_TRY_ASSIGN(const std::string bytes, BytesAt(row, "v"));
  UT_TRY_ASSIGN(const ports::OutcomeRow decoded, wire::DecodeOutcomeRow(position, bytes));
  return wire::DecodeOutcome(decoded.row);
}

using KeyText = std::pair<std::string, std::string>;
KeyText KeyOf(const Item& item) {
  return {TextOf(item, "pk").value_or(""), TextOf(item, "sk").value_or("")};
}

// The outcome that a reuse entry names.
base::Result<Item> PlaceOf(const Item& entry) {
  UT_TRY_ASSIGN(const std::string uid, TextAt(entry, "uid"));
  UT_TRY_ASSIGN(const std::uint64_t generation, CountAt(entry, "generation"));
  UT_TRY_ASSIGN(const std::uint64_t position, CountAt(entry, "position"));
  return OutcomeKey(uid, static_cast<job::Generation>(generation), position);
}

}  // namespace

std::vector<Item> TieItems(const job::JobKey& key, const base::Sha256& sha256) {
  const std::string prefix(kTiePrefix);
  return {KeyItem(UploadPartition(key.tenant, sha256), prefix + key.job.str()),
          KeyItem(JobPartition(key), prefix + base::ToHex(sha256))};
}

base::Status DynamoReferences::PutUpload(const ports::UploadRecord& upload) {
  Item item = KeyItem(UploadPartition(upload.tenant, upload.sha256), kUploadRow);
  item["v"] = BinaryValue(wire::EncodeUpload(upload));
  if (!upload.complete) {
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(upload.expires_at + upload_grace_).time_since_epoch();
    item["expiresAt"] = NumberValue(seconds.count());
  }
  return table_.Put({std::move(item)});
}

base::Result<std::optional<ports::UploadRecord>> DynamoReferences::GetUpload(const job::TenantId& tenant,
                                                                             const base::Sha256& sha256) {
  UT_TRY_ASSIGN(const auto row, table_.Get(UploadPartition(tenant, sha256), kUploadRow));
  if (!row) return std::nullopt;
  UT_TRY_ASSIGN(const std::string bytes, BytesAt(*row, "v"));
  UT_TRY_ASSIGN(auto upload, wire::DecodeUpload(tenant, sha256, bytes));
  return upload;
}

base::Result<std::optional<job::Artifact>> DynamoReferences::FindArtifact(const job::TenantId& tenant,
                                                                          const base::Sha256& sha256) {
  std::optional<job::Artifact> first;
  Query query = table_.All(ArtifactPartition(tenant, sha256));
  query.limit = 1;  // names of jobs sort by time
  UT_TRY(table_.Scan(std::move(query), [&](Item& row) -> base::Result<Walk> {
    UT_TRY_ASSIGN(const std::string bytes, BytesAt(row, "v"));
    UT_TRY_ASSIGN(first, wire::DecodeArtifact(sha256, bytes));
    return Walk::kStop;
  }));
  return first;
}

// A tie counts while its job is there: one made before a submission that was then refused holds nothing.
base::Result<bool> DynamoReferences::IsTied(const job::TenantId& tenant, const base::Sha256& sha256) {
  bool tied = false;
  Query query = table_.KeysOnly(table_.Prefixed(UploadPartition(tenant, sha256), kTiePrefix));
  UT_TRY(table_.Scan(std::move(query), [&](Item& row) -> base::Result<Walk> {
    UT_TRY_ASSIGN(std::string id, TextAt(row, "sk"));
    const job::JobKey owner{.tenant = tenant, .job = job::JobId(id.substr(kTiePrefix.size()))};
    UT_TRY_ASSIGN(const auto state, table_.Get(JobPartition(owner), kStateRow));
    tied = state && !state->contains("going");
    return tied ? Walk::kStop : Walk::kOn;
  }));
  return tied;
}

base::Result<bool> DynamoReferences::IsReferenced(const job::TenantId& tenant, const base::Sha256& sha256,
                                                  base::TimePoint now) {
  UT_TRY_ASSIGN(const auto upload, GetUpload(tenant, sha256));
  if (upload && now <= upload->expires_at + upload_grace_) return true;
  UT_TRY_ASSIGN(const auto artifact, FindArtifact(tenant, sha256));
  if (artifact) return true;
  return IsTied(tenant, sha256);
}

base::Status DynamoReferences::TieUploads(const job::JobKey& key, const std::vector<base::Sha256>& uploads) {
  std::vector<Item> by_upload;
  std::vector<Item> by_job;
  for (const base::Sha256& sha256 : uploads) {
    std::vector<Item> items = TieItems(key, sha256);
    by_upload.push_back(std::move(items[0]));
    by_job.push_back(std::move(items[1]));
  }
  UT_TRY(table_.Put(by_job));  // first: by these the job's deletion finds the others
  return table_.Put(by_upload);
}

base::Result<std::vector<std::optional<job::Outcome>>> DynamoReferences::Find(const job::TenantId& tenant,
                                                                              const std::vector<base::Sha256>& keys) {
  std::vector<Item> wanted;
  for (const base::Sha256& key : keys) wanted.push_back(KeyItem(ReusePartition(tenant, key), kReuseRow));
  UT_TRY_ASSIGN(const std::vector<Item> entries, table_.GetMany(wanted));
  std::map<std::string, Item> places;  // by the entry's partition
  std::vector<Item> outcome_keys;
  for (const Item& entry : entries) {
    UT_TRY_ASSIGN(Item place, PlaceOf(entry));
    outcome_keys.push_back(place);
    places[KeyOf(entry).first] = std::move(place);
  }
  UT_TRY_ASSIGN(const std::vector<Item> rows, table_.GetMany(outcome_keys));
  std::map<KeyText, job::Outcome> outcomes;
  for (const Item& row : rows) {
    UT_TRY_ASSIGN(outcomes[KeyOf(row)], OutcomeOf(row));
  }
  std::vector<std::optional<job::Outcome>> found;
  found.reserve(keys.size());
  for (const base::Sha256& key : keys) {
    std::optional<job::Outcome>& answer = found.emplace_back();
    const auto place = places.find(ReusePartition(tenant, key));
    if (place == places.end()) continue;
    // Absent: its job is being deleted, or its commit was refused.
    if (const auto at = outcomes.find(KeyOf(place->second)); at != outcomes.end()) answer = at->second;
  }
  return found;
}

base::Status DynamoReferences::Add(const job::TenantId& tenant, const JobUid& uid, const Named& named) {
  if (named.artifacts.empty() && named.reuse.empty()) return {};
  const std::string left_partition = LeftPartition(uid);
  std::vector<Item> left;
  std::vector<Item> keys;
  std::map<KeyText, Item> items;
  for (const job::Artifact& artifact : named.artifacts) {
    Item item = KeyItem(ArtifactPartition(tenant, artifact.sha256), uid);
    const KeyText key = KeyOf(item);
    if (items.contains(key)) continue;
    keys.push_back(item);
    item["v"] = BinaryValue(wire::EncodeArtifact(artifact));
    items[key] = std::move(item);
    left.push_back(KeyItem(left_partition, "A#" + base::ToHex(artifact.sha256)));
  }
  UT_TRY_ASSIGN(const std::vector<Item> known, table_.GetMany(keys));
  for (const Item& item : known) items.erase(KeyOf(item));
  for (const Named::Reuse& reuse : named.reuse) {
    Item item = KeyItem(ReusePartition(tenant, reuse.key), kReuseRow);
    item["uid"] = TextValue(uid);
    item["generation"] = NumberValue(reuse.generation);
    item["position"] = NumberValue(static_cast<std::int64_t>(reuse.position));
    items[KeyOf(item)] = std::move(item);
    left.push_back(KeyItem(left_partition, "R#" + base::ToHex(reuse.key)));
  }
  if (items.empty()) return {};  // every artifact is known, and so noted
  UT_TRY(table_.Put(left));
  std::vector<Item> fresh;
  fresh.reserve(items.size());
  for (auto& [key, item] : items) fresh.push_back(std::move(item));
  return table_.Put(fresh);
}

// Whose reuse entries are still the job's own; the others have been taken over by a later job.
base::Status DynamoReferences::RemoveBatch(const JobUid& uid, std::vector<Item> left, const std::vector<Item>& reuse) {
  UT_TRY_ASSIGN(const std::vector<Item> entries, table_.GetMany(reuse));
  std::vector<Item> gone;
  for (const Item& entry : entries) {
    const auto [pk, sk] = KeyOf(entry);
    if (TextOf(entry, "uid") == uid) gone.push_back(KeyItem(pk, sk));
  }
  UT_TRY(table_.Delete(gone));
  return table_.Delete(left);  // last: what is not noted is never found again
}

base::Status DynamoReferences::Remove(const job::TenantId& tenant, const JobUid& uid) {
  std::vector<Item> left;
  std::vector<Item> artifacts;
  std::vector<Item> reuse;
  const auto flush = [&]() -> base::Status {
    UT_TRY(table_.Delete(std::exchange(artifacts, {})));
    return RemoveBatch(uid, std::exchange(left, {}), std::exchange(reuse, {}));
  };
  UT_TRY(table_.Scan(table_.All(LeftPartition(uid)), [&](Item& row) -> base::Result<Walk> {
    UT_TRY_ASSIGN(const std::string kind, TextAt(row, "sk"));
    const auto sha256 = kind.size() > 2 ? base::Sha256FromHex(std::string_view(kind).substr(2)) : std::nullopt;
    if (!sha256) return base::Fail(base::Code::kCorrupt, "row " + kind + " of a job names nothing");
    if (kind.starts_with('A')) {
      artifacts.push_back(KeyItem(ArtifactPartition(tenant, *sha256), uid));
    } else {
      reuse.push_back(KeyItem(ReusePartition(tenant, *sha256), kReuseRow));
    }
    left.push_back(std::move(row));
    if (left.size() >= kRemovedAtOnce) UT_TRY(flush());
    return Walk::kOn;
  }));
  return flush();
}

}  // namespace aws
