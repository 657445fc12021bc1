// DynamoDB items and the calls on them. Thread-safe; blocks. Errors as Caller::Send; kConflict with the reason
// "ConditionalCheckFailedException" or "TransactionCanceledException" when a condition does not hold.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "aws/call.h"
#include "base/error.h"

namespace aws {

inline constexpr std::size_t kMaxTransactionItems = 100;
inline constexpr std::size_t kMaxBatchGet = 100;
inline constexpr std::size_t kMaxBatchWrite = 25;
inline constexpr std::size_t kMaxItemBytes = 400 * 1024;

struct Value;
using Item = std::map<std::string, Value, std::less<>>;
struct Null {
  bool operator==(const Null&) const = default;
};
struct Number {
  std::string text;  // decimal, up to 38 digits
  bool operator==(const Number&) const = default;
};
struct Binary {
  std::string bytes;
  bool operator==(const Binary&) const = default;
};
using Texts = std::set<std::string>;  // a string set; never empty
struct Value {
  std::variant<Null, bool, std::string, Number, Binary, Texts, std::vector<Value>, Item> of;
  bool operator==(const Value&) const;
};
[[nodiscard]] Value TextValue(std::string_view text);
[[nodiscard]] Value NumberValue(std::int64_t number);
// nullopt: absent or of another kind.
[[nodiscard]] std::optional<std::string> TextOf(const Item& item, std::string_view name);
[[nodiscard]] std::optional<std::int64_t> NumberOf(const Item& item, std::string_view name);

// What an expression's placeholders stand for: "#n" and ":v".
struct Placeholders {
  std::map<std::string, std::string> names;
  Item values;
};

struct WriteAction {
  enum class Kind : std::uint8_t { kPut, kUpdate, kDelete, kCheck } kind = Kind::kPut;  // kCheck: in transactions only
  std::string table;
  Item item;              // the whole item of a put, else the key
  std::string update;     // expression, of kUpdate
  std::string condition;  // expression; "" for none
  Placeholders placeholders;
};
enum class Return : std::uint8_t { kNothing, kOld, kNew };

// Why a transaction was cancelled, one per action: "None", "ConditionalCheckFailed", "TransactionConflict",
// "ThrottlingError" ...
using CancelReasons = std::vector<std::string>;

struct Query {
  std::string table;
  std::string index;          // "" for the table
  std::string key_condition;  // expression
  std::string filter;         // expression; "" for none
  std::string projection;     // expression; "" for all
  Placeholders placeholders;
  std::uint32_t limit = 0;  // items looked at; 0: up to 1 MB of them
  enum class Order : std::uint8_t { kAscending, kDescending } order = Order::kAscending;
  enum class Read : std::uint8_t { kEventual, kConsistent } read = Read::kEventual;
  std::optional<Item> after;  // `next` of the page before
};
struct QueryPage {
  std::vector<Item> items;
  std::optional<Item> next;  // absent after the last page; a page may be empty and not the last
};

class DynamoClient {
 public:
  explicit DynamoClient(Caller& caller) : caller_(caller) {}  // which outlives it

  [[nodiscard]] base::Result<std::optional<Item>> Get(const std::string& table, const Item& key, Query::Read read);
  // The old or new item if asked for and there is one. kIfRefused unless the write may well happen twice: with a
  // condition, a repeat whose first answer was lost finds its own write.
  [[nodiscard]] base::Result<std::optional<Item>> Write(const WriteAction& action, Return wanted,
                                                        Repeat repeat = Repeat::kIfRefused);
  // All or nothing, up to kMaxTransactionItems. token: up to 36 characters; the same one within ten minutes is the same
  // transaction, so that a repeat does nothing. reasons may be null.
  [[nodiscard]] base::Status Transact(const std::vector<WriteAction>& actions, const std::string& token,
                                      CancelReasons* reasons = nullptr);
  [[nodiscard]] base::Result<QueryPage> Run(const Query& query);
  // Any number of distinct keys; what is absent is left out, in no order.
  [[nodiscard]] base::Result<std::vector<Item>> GetMany(const std::string& table, const std::vector<Item>& keys,
                                                        Query::Read read);
  // Any number of puts and deletes without conditions, not as one step. kThrottled: some were not taken.
  [[nodiscard]] base::Status WriteMany(const std::string& table, const std::vector<Item>& puts,
                                       const std::vector<Item>& deletes);

  // Capacity units that the calls have used, in thousandths: what the bill counts.
  [[nodiscard]] std::uint64_t used_milliunits() const { return used_milliunits_.load(std::memory_order_relaxed); }

 private:
  class Answer;
  [[nodiscard]] base::Status Send(std::string_view operation, const std::string& body, Repeat repeat, Answer& answer,
                                  std::string* refusal = nullptr);
  Caller& caller_;
  std::atomic<std::uint64_t> used_milliunits_{0};
};

// {"S":"x"}: for tests and for streams, whose records hold items so.
[[nodiscard]] std::string ItemJson(const Item& item);
// kCorrupt: not an item.
[[nodiscard]] base::Result<Item> ItemOfJson(std::string_view text);

}  // namespace aws
