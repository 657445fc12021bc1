// The table that the job stores share, and the ways they read and write it. Thread-safe; blocks. Errors are those of
// ports/job_store.h: kUnavailable for whatever may pass, kCorrupt, and kInternal for a request that the service calls
// wrong.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "aws/dynamodb.h"
#include "base/clock.h"
#include "base/random.h"
#include "ports/job_store.h"

namespace aws {

class DynamoTable {
 public:
  struct Parts {
    Caller& caller;
    base::Random& random;
    const base::Clock& clock;
    Pause& pause;
  };
  DynamoTable(Parts parts, std::string name) : parts_(parts), client_(parts.caller), name_(std::move(name)) {}

  // ---- reads, all consistent unless the query names an index -------------------------------------------------------
  [[nodiscard]] base::Result<std::optional<Item>> Get(std::string_view pk, std::string_view sk);
  // Distinct keys; what is absent is left out, in no order.
  [[nodiscard]] base::Result<std::vector<Item>> GetMany(const std::vector<Item>& keys);
  enum class Walk : std::uint8_t { kOn, kStop };
  using Visit = std::function<base::Result<Walk>(Item& item)>;
  // Every item of the query in its order, page by page.
  [[nodiscard]] base::Status Scan(Query query, const Visit& visit);

  // ---- writes ------------------------------------------------------------------------------------------------------
  // Not as one step; the order is kept between calls only. Repeated keys: the last one counts.
  [[nodiscard]] base::Status Put(const std::vector<Item>& items);
  [[nodiscard]] base::Status Delete(const std::vector<Item>& keys);
  // One transaction. Empty: it is done. Else nothing was written, and the reasons, one an action, say which conditions
  // failed. What may pass (another transaction on an item, throttling) is tried again after pauses with jitter.
  [[nodiscard]] base::Result<CancelReasons> Commit(const std::vector<WriteAction>& actions);
  // Waits longer with every retry (from 0), up to a second; with jitter.
  void PauseBefore(int retry);

  // ---- requests on this table; their names ("#version") and values (":v") ------------------------------------------
  [[nodiscard]] WriteAction PutAction(Item item, std::string condition = "", Item values = {}) const;
  [[nodiscard]] WriteAction UpdateAction(Item key, std::string update, std::string condition, Item values) const;
  [[nodiscard]] WriteAction DeleteAction(Item key, std::string condition = "", Item values = {}) const;
  [[nodiscard]] WriteAction CheckAction(Item key, std::string condition, Item values) const;
  [[nodiscard]] Query All(std::string_view pk) const;
  [[nodiscard]] Query Prefixed(std::string_view pk, std::string_view prefix) const;
  [[nodiscard]] Query Between(std::string_view pk, std::string_view first, std::string_view last) const;
  [[nodiscard]] Query After(std::string_view pk, std::string_view sk) const;
  [[nodiscard]] static Query KeysOnly(Query query);

  [[nodiscard]] base::Random& random() { return parts_.random; }
  [[nodiscard]] base::TimePoint Now() const { return parts_.clock.Now(); }
  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  const Parts parts_;
  DynamoClient client_;
  const std::string name_;
};

// A key, and the start of an item.
[[nodiscard]] Item KeyItem(std::string_view pk, std::string_view sk);
[[nodiscard]] inline Value BinaryValue(std::string bytes) {
  return {Binary{std::move(bytes)}};
}
// kCorrupt, naming the row: absent or of another kind.
[[nodiscard]] base::Result<std::string> TextAt(const Item& item, std::string_view name);
[[nodiscard]] base::Result<std::uint64_t> CountAt(const Item& item, std::string_view name);
[[nodiscard]] base::Result<std::string> BytesAt(const Item& item, std::string_view name);

// kInternal "over-store-limits" for a transaction that DynamoDB would refuse for its size.
[[nodiscard]] base::Status CheckLimits(const std::vector<WriteAction>& actions, const ports::StoreLimits& limits);

// Did the action at this place fail its condition?
[[nodiscard]] bool ConditionFailed(const CancelReasons& reasons, std::size_t place);

}  // namespace aws
