#include "aws/dynamodb.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "aws/dynamodb_item.h"
#include "aws/json_call.h"

namespace aws {

namespace {

constexpr std::string_view kCapacity = R"("ReturnConsumedCapacity":"TOTAL")";

void AppendMember(std::string& out, std::string_view name, std::string_view json) {
  if (!out.ends_with('{')) out += ',';
  out += fmt::format(R"("{}":{})", name, json);
}
void AppendExpression(std::string& out, std::string_view name, const std::string& expression) {
  if (!expression.empty()) AppendMember(out, name, Quoted(expression));
}

void AppendPlaceholders(std::string& out, const Placeholders& placeholders) {
  if (!placeholders.names.empty()) {
    std::string names = "{";
    for (const auto& [name, meaning] : placeholders.names) AppendMember(names, name, Quoted(meaning));
    AppendMember(out, "ExpressionAttributeNames", names + "}");
  }
  if (!placeholders.values.empty()) AppendMember(out, "ExpressionAttributeValues", ItemJson(placeholders.values));
}

// The members of one write, as its own call and as part of a transaction.
std::string WriteBody(const WriteAction& action) {
  std::string out = "{";
  AppendMember(out, "TableName", Quoted(action.table));
  AppendMember(out, action.kind == WriteAction::Kind::kPut ? "Item" : "Key", ItemJson(action.item));
  AppendExpression(out, "UpdateExpression", action.update);
  AppendExpression(out, "ConditionExpression", action.condition);
  AppendPlaceholders(out, action.placeholders);
  return out;
}

std::string_view TransactName(WriteAction::Kind kind) {
  switch (kind) {
    case WriteAction::Kind::kPut:
      return "Put";
    case WriteAction::Kind::kUpdate:
      return "Update";
    case WriteAction::Kind::kDelete:
      return "Delete";
    case WriteAction::Kind::kCheck:
      break;
  }
  return "ConditionCheck";
}

std::string_view ReturnName(Return wanted) {
  switch (wanted) {
    case Return::kNothing:
      return "NONE";
    case Return::kOld:
      return "ALL_OLD";
    case Return::kNew:
      break;
  }
  return "ALL_NEW";
}

std::string_view JsonBool(bool value) {
  return value ? "true" : "false";
}

CancelReasons ReasonsOf(const std::string& refusal) {
  CancelReasons reasons;
  JsonAnswer answer;
  if (!answer.Parse(refusal, "")) return reasons;
  const auto list = JsonAnswer::List(answer.root(), "CancellationReasons");
  if (!list) return reasons;
  for (const wire::Element element : *list) {
    wire::Object reason;
    reasons.push_back(element.get(reason) == simdjson::SUCCESS ? JsonAnswer::Text(reason, "Code") : "");
  }
  return reasons;
}

base::Result<std::vector<Item>> ItemsOf(const std::optional<wire::Array>& list) {
  std::vector<Item> items;
  if (!list) return items;
  for (const wire::Element element : *list) {
    wire::Object object;
    if (element.get(object) != simdjson::SUCCESS) return base::Fail(base::Code::kCorrupt, "An item is no object");
    UT_TRY_ASSIGN(Item item, ReadItem(object));
    items.push_back(std::move(item));
  }
  return items;
}

base::Result<std::optional<Item>> ItemAt(const wire::Object& root, std::string_view name) {
  const auto object = JsonAnswer::Member(root, name);
  if (!object) return std::optional<Item>();
  UT_TRY_ASSIGN(Item item, ReadItem(*object));
  return item;
}

double UnitsOf(const wire::Element& element) {
  double units = 0;
  return element.at_key("CapacityUnits").get(units) == simdjson::SUCCESS ? units : 0;
}

}  // namespace

class DynamoClient::Answer : public JsonAnswer {
 public:
  // One object, or a list of them where a call touches several tables.
  [[nodiscard]] double Units() const {
    wire::Element used;
    if (root().at_key("ConsumedCapacity").get(used) != simdjson::SUCCESS) return 0;
    wire::Array tables;
    if (used.get(tables) != simdjson::SUCCESS) return UnitsOf(used);
    double units = 0;
    for (const wire::Element table : tables) units += UnitsOf(table);
    return units;
  }
};

base::Status DynamoClient::Send(std::string_view operation, const std::string& body, Repeat repeat, Answer& answer,
                                std::string* refusal) {
  UT_TRY(SendJson(
      caller_,
      {.service = Service::kDynamoDb, .operation = operation, .body = body, .repeat = repeat, .refusal_body = refusal},
      answer));
  used_milliunits_.fetch_add(static_cast<std::uint64_t>(answer.Units() * 1000 + 0.5), std::memory_order_relaxed);
  return {};
}

base::Result<std::optional<Item>> DynamoClient::Get(const std::string& table, const Item& key, Query::Read read) {
  const std::string body = fmt::format(R"({{"TableName":{},"Key":{},"ConsistentRead":{},{}}})", Quoted(table),
                                       ItemJson(key), JsonBool(read == Query::Read::kConsistent), kCapacity);
  Answer answer;
  UT_TRY(Send("GetItem", body, Repeat::kHarmless, answer));
  return ItemAt(answer.root(), "Item");
}

base::Result<std::optional<Item>> DynamoClient::Write(const WriteAction& action, Return wanted, Repeat repeat) {
  if (action.kind == WriteAction::Kind::kCheck) {
    return base::Fail(base::Code::kInternal, "A condition alone is only part of a transaction");
  }
  std::string body = WriteBody(action);
  AppendMember(body, "ReturnValues", Quoted(ReturnName(wanted)));
  body += fmt::format(",{}}}", kCapacity);
  Answer answer;
  UT_TRY(Send(fmt::format("{}Item", TransactName(action.kind)), body, repeat, answer));
  return ItemAt(answer.root(), "Attributes");
}

base::Status DynamoClient::Transact(const std::vector<WriteAction>& actions, const std::string& token,
                                    CancelReasons* reasons) {
  std::string body = R"({"TransactItems":[)";
  for (const WriteAction& action : actions) {
    if (!body.ends_with('[')) body += ',';
    body += fmt::format(R"({{"{}":{}}}}})", TransactName(action.kind), WriteBody(action));
  }
  body += fmt::format(R"(],"ClientRequestToken":{},{}}})", Quoted(token), kCapacity);
  Answer answer;
  std::string refusal;
  auto sent = Send("TransactWriteItems", body, Repeat::kHarmless, answer, &refusal);
  if (!sent && reasons != nullptr) *reasons = ReasonsOf(refusal);
  return sent;
}

base::Result<QueryPage> DynamoClient::Run(const Query& query) {
  std::string body = "{";
  AppendMember(body, "TableName", Quoted(query.table));
  AppendExpression(body, "IndexName", query.index);
  AppendExpression(body, "KeyConditionExpression", query.key_condition);
  AppendExpression(body, "FilterExpression", query.filter);
  AppendExpression(body, "ProjectionExpression", query.projection);
  AppendPlaceholders(body, query.placeholders);
  if (query.limit > 0) AppendMember(body, "Limit", fmt::to_string(query.limit));
  if (query.after) AppendMember(body, "ExclusiveStartKey", ItemJson(*query.after));
  AppendMember(body, "ScanIndexForward", JsonBool(query.order == Query::Order::kAscending));
  AppendMember(body, "ConsistentRead", JsonBool(query.read == Query::Read::kConsistent));
  body += fmt::format(",{}}}", kCapacity);
  Answer answer;
  UT_TRY(Send("Query", body, Repeat::kHarmless, answer));
  QueryPage page;
  UT_TRY_ASSIGN(page.items, ItemsOf(JsonAnswer::List(answer.root(), "Items")));
  UT_TRY_ASSIGN(page.next, ItemAt(answer.root(), "LastEvaluatedKey"));
  return page;
}

base::Result<std::vector<Item>> DynamoClient::GetMany(const std::string& table, const std::vector<Item>& keys,
                                                      Query::Read read) {
  std::vector<Item> items;
  std::vector<Item> left = keys;
  int retry = 0;
  while (!left.empty()) {
    const std::size_t count = std::min(left.size(), kMaxBatchGet);
    std::string list;
    for (std::size_t i = 0; i < count; ++i) list += (i == 0 ? "" : ",") + ItemJson(left[i]);
    const std::string body = fmt::format(R"({{"RequestItems":{{{}:{{"Keys":[{}],"ConsistentRead":{}}}}},{}}})",
                                         Quoted(table), list, JsonBool(read == Query::Read::kConsistent), kCapacity);
    Answer answer;
    UT_TRY(Send("BatchGetItem", body, Repeat::kHarmless, answer));
    const auto responses = JsonAnswer::Member(answer.root(), "Responses");
    if (responses) {
      UT_TRY_ASSIGN(std::vector<Item> found, ItemsOf(JsonAnswer::List(*responses, table)));
      std::ranges::move(found, std::back_inserter(items));
    }
    left.erase(left.begin(), left.begin() + static_cast<std::ptrdiff_t>(count));
    const auto unprocessed = JsonAnswer::Member(answer.root(), "UnprocessedKeys");
    const auto again = unprocessed ? JsonAnswer::Member(*unprocessed, table) : std::nullopt;
    if (!again) {
      retry = 0;
      continue;
    }
    UT_TRY_ASSIGN(std::vector<Item> refused, ItemsOf(JsonAnswer::List(*again, "Keys")));
    const bool progress = refused.size() < count;
    std::ranges::move(refused, std::back_inserter(left));
    retry = progress ? 0 : retry + 1;
    if (retry >= caller_.settings().max_attempts || !caller_.PauseBeforeRetry(Service::kDynamoDb, retry, {})) {
      return base::Fail(base::Code::kThrottled, fmt::format("dynamodb did not read {} keys of {}", left.size(), table));
    }
  }
  return items;
}

base::Status DynamoClient::WriteMany(const std::string& table, const std::vector<Item>& puts,
                                     const std::vector<Item>& deletes) {
  std::vector<std::string> left;
  for (const Item& item : puts) left.push_back(fmt::format(R"({{"PutRequest":{{"Item":{}}}}})", ItemJson(item)));
  for (const Item& key : deletes) left.push_back(fmt::format(R"({{"DeleteRequest":{{"Key":{}}}}})", ItemJson(key)));
  int retry = 0;
  while (!left.empty()) {
    const std::size_t count = std::min(left.size(), kMaxBatchWrite);
    std::string list;
    for (std::size_t i = 0; i < count; ++i) list += (i == 0 ? "" : ",") + left[i];
    const std::string body = fmt::format(R"({{"RequestItems":{{{}:[{}]}},{}}})", Quoted(table), list, kCapacity);
    Answer answer;
    UT_TRY(Send("BatchWriteItem", body, Repeat::kHarmless, answer));
    left.erase(left.begin(), left.begin() + static_cast<std::ptrdiff_t>(count));
    const auto unprocessed = JsonAnswer::Member(answer.root(), "UnprocessedItems");
    const auto again = unprocessed ? JsonAnswer::List(*unprocessed, table) : std::nullopt;
    if (!again || again->size() == 0) {
      retry = 0;
      continue;
    }
    retry = again->size() < count ? 0 : retry + 1;
    for (const wire::Element request : *again) left.push_back(wire::Minify(request));
    if (retry >= caller_.settings().max_attempts || !caller_.PauseBeforeRetry(Service::kDynamoDb, retry, {})) {
      return base::Fail(base::Code::kThrottled,
                        fmt::format("dynamodb did not take {} writes to {}", left.size(), table));
    }
  }
  return {};
}

}  // namespace aws
