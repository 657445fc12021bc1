#include "aws/dynamo_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <utility>

namespace aws {

namespace {

constexpr std::string_view kConditionFailed = "ConditionalCheckFailed";
constexpr std::string_view kPassing[] = {"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded",
                                         "RequestLimitExceeded"};
constexpr int kCommitTries = 12;
constexpr std::chrono::milliseconds kPauseBase{10};
constexpr int kMostDoublings = 7;  // of the base: 1.3 s

// The port's errors: our caller tries kUnavailable again and needs no word for each cause.
base::Error StoreError(base::Error error) {
  using base::Code;
  switch (error.code) {
    case Code::kCorrupt:
    case Code::kUnavailable:
      return error;
    case Code::kInvalid:
    case Code::kTooLarge:
    case Code::kConflict:
    case Code::kUnsupported:
    case Code::kInternal:
      error.code = Code::kInternal;
      return error;
    case Code::kUnauthenticated:
    case Code::kForbidden:
    case Code::kNotFound:  // the table, not a row
    case Code::kThrottled:
    case Code::kTimeout:
    case Code::kCancelled:
      error.code = Code::kUnavailable;
      return error;
  }
  return error;
}
std::unexpected<base::Error> Failed(base::Error error) {
  return std::unexpected(StoreError(std::move(error)));
}

bool MayPass(const CancelReasons& reasons) {
  return std::ranges::any_of(
      reasons, [](const std::string& reason) { return std::ranges::find(kPassing, reason) != std::end(kPassing); });
}

// The names that the expression uses: "#version" stands for "version".
void AddNames(std::string_view expression, Placeholders& placeholders) {
  for (std::size_t at = expression.find('#'); at != std::string_view::npos; at = expression.find('#', at + 1)) {
    std::size_t end = at + 1;
    while (end < expression.size() && std::isalnum(static_cast<unsigned char>(expression[end])) != 0) ++end;
    const std::string name(expression.substr(at, end - at));
    placeholders.names[name] = name.substr(1);
  }
}

// As the service counts an item: names and values.
std::size_t BytesOf(const Item& item);
std::size_t BytesOf(const Value& value) {
  struct Measure {
    std::size_t operator()(Null /*null*/) const { return 1; }
    std::size_t operator()(bool /*flag*/) const { return 1; }
    std::size_t operator()(const std::string& text) const { return text.size(); }
    std::size_t operator()(const Number& number) const { return number.text.size() / 2 + 2; }
    std::size_t operator()(const Binary& binary) const { return binary.bytes.size(); }
    std::size_t operator()(const Texts& texts) const {
      std::size_t bytes = 0;
      for (const std::string& text : texts) bytes += text.size();
      return bytes;
    }
    std::size_t operator()(const std::vector<Value>& list) const {
      std::size_t bytes = 3;
      for (const Value& element : list) bytes += BytesOf(element) + 1;
      return bytes;
    }
    std::size_t operator()(const Item& map) const { return BytesOf(map) + 3; }
  };
  return std::visit(Measure{}, value.of);
}
std::size_t BytesOf(const Item& item) {
  std::size_t bytes = 0;
  for (const auto& [name, value] : item) bytes += name.size() + BytesOf(value);
  return bytes;
}

// Of items with one key the last, since a batch takes a key once.
std::vector<Item> Distinct(const std::vector<Item>& items) {
  std::map<std::pair<std::string, std::string>, const Item*> by_key;
  for (const Item& item : items) by_key[{TextOf(item, "pk").value_or(""), TextOf(item, "sk").value_or("")}] = &item;
  std::vector<Item> distinct;
  distinct.reserve(by_key.size());
  for (const auto& [key, item] : by_key) distinct.push_back(*item);
  return distinct;
}

std::unexpected<base::Error> Corrupt(const Item& item, std::string_view name) {
  return base::Fail(base::Code::kCorrupt, fmt::format("row {} {} has no good {}", TextOf(item, "pk").value_or("?"),
                                                      TextOf(item, "sk").value_or("?"), name));
}

}  // namespace

base::Result<std::optional<Item>> DynamoTable::Get(std::string_view pk, std::string_view sk) {
  auto item = client_.Get(name_, KeyItem(pk, sk), Query::Read::kConsistent);
  if (!item) return Failed(std::move(item).error());
  return item;
}

base::Result<std::vector<Item>> DynamoTable::GetMany(const std::vector<Item>& keys) {
  if (keys.empty()) return std::vector<Item>();
  auto items = client_.GetMany(name_, Distinct(keys), Query::Read::kConsistent);
  if (!items) return Failed(std::move(items).error());
  return items;
}

base::Status DynamoTable::Scan(Query query, const Visit& visit) {
  do {
    auto page = client_.Run(query);
    if (!page) return Failed(std::move(page).error());
    for (Item& item : page->items) {
      UT_TRY_ASSIGN(const Walk walk, visit(item));
      if (walk == Walk::kStop) return {};
    }
    query.after = std::move(page->next);
  } while (query.after);
  return {};
}

base::Status DynamoTable::Put(const std::vector<Item>& items) {
  auto done = client_.WriteMany(name_, Distinct(items), {});
  if (!done) return Failed(std::move(done).error());
  return {};
}

base::Status DynamoTable::Delete(const std::vector<Item>& keys) {
  auto done = client_.WriteMany(name_, {}, Distinct(keys));
  if (!done) return Failed(std::move(done).error());
  return {};
}

base::Result<CancelReasons> DynamoTable::Commit(const std::vector<WriteAction>& actions) {
  for (int attempt = 0;; ++attempt) {
    CancelReasons reasons;
    constexpr std::size_t kTokenBytes = 16;
    auto done = client_.Transact(actions, parts_.random.Hex(kTokenBytes), &reasons);
    if (done) return CancelReasons{};
    if (std::ranges::find(reasons, kConditionFailed) != reasons.end()) return reasons;
    if (!MayPass(reasons)) return Failed(std::move(done).error());
    if (attempt + 1 >= kCommitTries) {
      return base::Fail(base::Code::kUnavailable, "others write the same rows: " + done.error().message);
    }
    PauseBefore(attempt);
  }
}

void DynamoTable::PauseBefore(int retry) {
  parts_.pause.For(JitteredPause(kPauseBase, std::min(retry, kMostDoublings), parts_.random));
}

WriteAction DynamoTable::PutAction(Item item, std::string condition, Item values) const {
  WriteAction action{.kind = WriteAction::Kind::kPut,
                     .table = name_,
                     .item = std::move(item),
                     .condition = std::move(condition),
                     .placeholders = {.values = std::move(values)}};
  AddNames(action.condition, action.placeholders);
  return action;
}

WriteAction DynamoTable::UpdateAction(Item key, std::string update, std::string condition, Item values) const {
  WriteAction action = PutAction(std::move(key), std::move(condition), std::move(values));
  action.kind = WriteAction::Kind::kUpdate;
  action.update = std::move(update);
  AddNames(action.update, action.placeholders);
  return action;
}

WriteAction DynamoTable::DeleteAction(Item key, std::string condition, Item values) const {
  WriteAction action = PutAction(std::move(key), std::move(condition), std::move(values));
  action.kind = WriteAction::Kind::kDelete;
  return action;
}

WriteAction DynamoTable::CheckAction(Item key, std::string condition, Item values) const {
  WriteAction action = PutAction(std::move(key), std::move(condition), std::move(values));
  action.kind = WriteAction::Kind::kCheck;
  return action;
}

Query DynamoTable::All(std::string_view pk) const {
  return {.table = name_,
          .key_condition = "pk = :pk",
          .placeholders = {.values = {{":pk", TextValue(pk)}}},
          .read = Query::Read::kConsistent};
}

Query DynamoTable::Prefixed(std::string_view pk, std::string_view prefix) const {
  Query query = All(pk);
  query.key_condition += " AND begins_with(sk, :prefix)";
  query.placeholders.values[":prefix"] = TextValue(prefix);
  return query;
}

Query DynamoTable::Between(std::string_view pk, std::string_view first, std::string_view last) const {
  Query query = All(pk);
  query.key_condition += " AND sk BETWEEN :first AND :last";
  query.placeholders.values[":first"] = TextValue(first);
  query.placeholders.values[":last"] = TextValue(last);
  return query;
}

Query DynamoTable::After(std::string_view pk, std::string_view sk) const {
  Query query = All(pk);
  query.key_condition += " AND sk > :after";
  query.placeholders.values[":after"] = TextValue(sk);
  return query;
}

Query DynamoTable::KeysOnly(Query query) {
  query.projection = "pk, sk";
  return query;
}

Item KeyItem(std::string_view pk, std::string_view sk) {
  return {{"pk", TextValue(pk)}, {"sk", TextValue(sk)}};
}

base::Result<std::string> TextAt(const Item& item, std::string_view name) {
  auto text = TextOf(item, name);
  if (!text) return Corrupt(item, name);
  return std::move(*text);
}

base::Result<std::uint64_t> CountAt(const Item& item, std::string_view name) {
  const auto number = NumberOf(item, name);
  if (!number || *number < 0) return Corrupt(item, name);
  return static_cast<std::uint64_t>(*number);
}

base::Result<std::string> BytesAt(const Item& item, std::string_view name) {
  const auto found = item.find(name);
  const auto* binary = found == item.end() ? nullptr : std::get_if<Binary>(&found->second.of);
  if (binary == nullptr) return Corrupt(item, name);
  return binary->bytes;
}

base::Status CheckLimits(const std::vector<WriteAction>& actions, const ports::StoreLimits& limits) {
  const auto refuse = [](std::string_view what, std::size_t has, std::size_t most) {
    return base::Fail(base::Code::kInternal, fmt::format("a commit of {} {} is over the store's {}", has, what, most),
                      "over-store-limits");
  };
  if (actions.size() > limits.max_items_per_commit) return refuse("items", actions.size(), limits.max_items_per_commit);
  std::size_t bytes = 0;
  for (const WriteAction& action : actions) {
    const std::size_t size = BytesOf(action.item) + BytesOf(action.placeholders.values);
    if (size > limits.max_item_bytes) return refuse("bytes in one item", size, limits.max_item_bytes);
    bytes += size;
  }
  if (bytes > limits.max_bytes_per_commit) return refuse("bytes", bytes, limits.max_bytes_per_commit);
  return {};
}

bool ConditionFailed(const CancelReasons& reasons, std::size_t place) {
  return place < reasons.size() && reasons[place] == kConditionFailed;
}

}  // namespace aws
