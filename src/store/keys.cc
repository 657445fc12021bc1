#include "store/keys.h"

#include <bit>
#include <cstring>

namespace store {

namespace {

class Key {
 public:
  explicit Key(char kind) : bytes_(1, kind) { bytes_.reserve(64); }
  Key() = default;
  Key& Raw(std::string_view bytes) {
    bytes_ += bytes;
    return *this;
  }
  Key& Text(std::string_view text) {
    const auto size = static_cast<std::uint16_t>(text.size());
    bytes_.push_back(static_cast<char>(size >> 8U));
    bytes_.push_back(static_cast<char>(size & 0xFFU));
    return Raw(text);
  }
  Key& Big64(std::uint64_t value) {
    char bytes[8];
    value = __builtin_bswap64(value);
    std::memcpy(bytes, &value, sizeof value);
    return Raw({bytes, sizeof bytes});
  }
  Key& Big32(std::uint32_t value) {
    char bytes[4];
    value = __builtin_bswap32(value);
    std::memcpy(bytes, &value, sizeof value);
    return Raw({bytes, sizeof bytes});
  }
  // With the sign bit flipped, so that times before 1970 sort before the others.
  Key& Time(base::TimePoint time) {
    return Big64(static_cast<std::uint64_t>(base::UnixMicros(time)) ^ (std::uint64_t{1} << 63U));
  }
  Key& Tenant(const job::TenantId& tenant) { return Text(tenant.str()); }
  Key& Hash(const base::Sha256& sha256) { return Raw(base::View(sha256)); }
  operator std::string() const { return bytes_; }  // NOLINT(google-explicit-constructor)

 private:
  std::string bytes_;
};

static_assert(std::endian::native == std::endian::little, "the byte swaps below assume it");

}  // namespace

std::string FormatKey() {
  return "Mformat";
}
std::string SequenceKey() {
  return "Msequence";
}
std::string JobIndexKey(const job::JobKey& key) {
  return Key('i').Tenant(key.tenant).Raw(key.job.str());
}
std::string IdempotencyKey(const job::TenantId& tenant, std::string_view key) {
  return Key('k').Tenant(tenant).Raw(key);
}
std::string SpecKey(Uid uid) {
  return Key('j').Big64(uid);
}
std::string StateKey(Uid uid) {
  return Key('s').Big64(uid);
}
std::string AggregatePrefix(Uid uid) {
  return Key('a').Big64(uid);
}
std::string AggregateKey(Uid uid, std::string_view reducer) {
  return Key('a').Big64(uid).Raw(reducer);
}
std::string NotePrefix(Uid uid) {
  return Key('n').Big64(uid);
}
std::string NoteKey(Uid uid, job::Generation generation, job::Position position) {
  return Key('n').Big64(uid).Big32(generation).Big64(position);
}
std::string ListPrefix(const job::TenantId& tenant) {
  return Key('t').Tenant(tenant);
}
std::string ListKey(const job::TenantId& tenant, base::TimePoint submitted_at, std::string_view job) {
  return Key('t').Tenant(tenant).Time(submitted_at).Raw(job);
}
std::string UnfinishedPrefix() {
  return Key('u');
}
std::string UnfinishedKey(base::TimePoint submitted_at, Uid uid) {
  return Key('u').Time(submitted_at).Big64(uid);
}
std::string ExpiryKey(ExpiryKind kind, base::TimePoint time, Uid uid) {
  return Key(static_cast<char>(kind)).Time(time).Big64(uid);
}
std::string PlanPrefix(std::string_view blob) {
  return Key('p').Text(blob);
}
std::string PlanKey(std::string_view blob, job::Generation generation, std::uint32_t page) {
  return Key('p').Text(blob).Big32(generation).Big32(page);
}
std::string UploadKey(const job::TenantId& tenant, const base::Sha256& sha256) {
  return Key('U').Tenant(tenant).Hash(sha256);
}
std::string TiePrefix(const job::TenantId& tenant, const base::Sha256& sha256) {
  return Key('T').Tenant(tenant).Hash(sha256);
}
std::string TieKey(const job::JobKey& key, const base::Sha256& sha256) {
  return Key('T').Tenant(key.tenant).Hash(sha256).Raw(key.job.str());
}
std::string JobTiePrefix(const job::JobKey& key) {
  return Key('V').Tenant(key.tenant).Text(key.job.str());
}
std::string JobTieKey(const job::JobKey& key, const base::Sha256& sha256) {
  return Key('V').Tenant(key.tenant).Text(key.job.str()).Hash(sha256);
}
std::string ArtifactPrefix(const job::TenantId& tenant, const base::Sha256& sha256) {
  return Key('A').Tenant(tenant).Hash(sha256);
}
std::string ArtifactKey(const job::TenantId& tenant, const base::Sha256& sha256, Uid uid) {
  return Key('A').Tenant(tenant).Hash(sha256).Big64(uid);
}
std::string JobArtifactPrefix(Uid uid) {
  return Key('r').Big64(uid);
}
std::string JobArtifactKey(Uid uid, const base::Sha256& sha256) {
  return Key('r').Big64(uid).Hash(sha256);
}
std::string ReuseKey(const job::TenantId& tenant, const base::Sha256& reuse_key) {
  return Key('R').Tenant(tenant).Hash(reuse_key);
}
std::string JobReusePrefix(Uid uid) {
  return Key('q').Big64(uid);
}
std::string JobReuseKey(Uid uid, const base::Sha256& reuse_key) {
  return Key('q').Big64(uid).Hash(reuse_key);
}
std::string QuarantinePrefix(const job::TenantId& tenant) {
  return Key('Q').Tenant(tenant);
}
std::string QuarantinePrefix(const job::TenantId& tenant, const base::Sha256& sha256) {
  return Key('Q').Tenant(tenant).Hash(sha256);
}
std::string QuarantineRowKey(const job::TenantId& tenant, const job::QuarantineKey& bytes) {
  return Key('Q').Tenant(tenant).Hash(bytes.sha256).Raw(bytes.type);
}
std::string QuarantineCountKey(const job::TenantId& tenant) {
  return Key('C').Tenant(tenant);
}
std::string OutboxKey(std::string_view id) {
  return Key('x').Raw(id);
}

std::string OutcomePrefix(Uid uid) {
  return Key().Big64(uid);
}

void WriteOutcomeKey(char* out, Uid uid, job::Generation generation, job::Position position) {
  uid = __builtin_bswap64(uid);
  generation = __builtin_bswap32(generation);
  position = __builtin_bswap64(position);
  std::memcpy(out, &uid, 8);
  std::memcpy(out + 8, &generation, 4);
  std::memcpy(out + 12, &position, 8);
}

std::string OutcomeKey(Uid uid, job::Generation generation, job::Position position) {
  std::string key(kOutcomeKeyBytes, '\0');
  WriteOutcomeKey(key.data(), uid, generation, position);
  return key;
}

std::uint64_t ReadBigEndian64(std::string_view bytes) {
  std::uint64_t value = 0;
  std::memcpy(&value, bytes.data(), sizeof value);
  return __builtin_bswap64(value);
}

job::Position PositionOf(std::string_view key) {
  return ReadBigEndian64(key.substr(key.size() - 8));
}

std::string AfterPrefix(std::string prefix) {
  while (!prefix.empty() && prefix.back() == '\xFF') prefix.pop_back();
  if (!prefix.empty()) prefix.back() = static_cast<char>(static_cast<unsigned char>(prefix.back()) + 1);
  return prefix;
}

}  // namespace store
