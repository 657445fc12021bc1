// The DynamoDB client against moto, with boto3 at the other end.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "aws/dynamodb.h"
#include "aws/moto.h"

namespace aws {
namespace {

using base::Code;
using ::testing::ElementsAre;

class DynamoTest : public ::testing::Test {
 protected:
  DynamoTest() {
    (void)moto.Boto("c(\"dynamodb\").create_table(TableName=\"" + table +
                    "\", BillingMode=\"PAY_PER_REQUEST\", KeySchema=[{\"AttributeName\": \"p\", \"KeyType\": \"HASH\"},"
                    " {\"AttributeName\": \"s\", \"KeyType\": \"RANGE\"}], AttributeDefinitions=[{\"AttributeName\": "
                    "\"p\", \"AttributeType\": \"S\"}, {\"AttributeName\": \"s\", \"AttributeType\": \"N\"}])");
  }
  static Item Key(std::string_view p, std::int64_t s) { return {{"p", TextValue(p)}, {"s", NumberValue(s)}}; }
  testing::Moto moto;
  std::string table = moto.NewName("t");
  DynamoClient dynamo{moto.caller()};
};

TEST_F(DynamoTest, EveryKindOfValueComesBackAndBotoReadsIt) {
  Item item = Key("a\"ñ", 1);
  item["null"] = {Null{}};
  item["yes"] = {true};
  item["number"] = {Number{"12345678901234567890.5"}};
  item["bytes"] = {Binary{std::string("\0\xff", 2)}};
  item["set"] = {Texts{"x", "y"}};
  item["list"] = {std::vector<Value>{TextValue("l"), {Item{{"deep", NumberValue(-7)}}}}};
  item["empty"] = {Item{}};
  ASSERT_TRUE(dynamo.Write({.table = table, .item = item}, Return::kNothing).has_value());
  const auto back = dynamo.Get(table, Key("a\"ñ", 1), Query::Read::kConsistent);
  ASSERT_TRUE(back.has_value()) << back.error().message;
  EXPECT_EQ(*back, item);
  EXPECT_EQ(
      moto.Boto("i = c(\"dynamodb\").scan(TableName=\"" + table +
                "\")[\"Items\"][0]\nprint(i[\"number\"][\"N\"], i[\"bytes\"][\"B\"].hex(), sorted(i[\"set\"][\"SS\"]), "
                "i[\"list\"][\"L\"][1][\"M\"][\"deep\"][\"N\"])"),
      "12345678901234567890.5 00ff ['x', 'y'] -7");
  EXPECT_EQ(*dynamo.Get(table, Key("none", 1), Query::Read::kEventual), std::nullopt);
  EXPECT_GT(dynamo.used_milliunits(), 0U);
}

TEST_F(DynamoTest, ConditionsDecideAndCountersAdd) {
  WriteAction put{.table = table, .item = Key("a", 1), .condition = "attribute_not_exists(p)"};
  ASSERT_TRUE(dynamo.Write(put, Return::kNothing).has_value());
  const auto second = dynamo.Write(put, Return::kNothing);
  EXPECT_EQ(second.error().code, Code::kConflict);
  EXPECT_EQ(second.error().reason, "ConditionalCheckFailedException");
  const WriteAction add{.kind = WriteAction::Kind::kUpdate,
                        .table = table,
                        .item = Key("a", 1),
                        .update = "ADD #n :by",
                        .placeholders = {.names = {{"#n", "count"}}, .values = {{":by", NumberValue(5)}}}};
  ASSERT_TRUE(dynamo.Write(add, Return::kNothing).has_value());
  const auto after = dynamo.Write(add, Return::kNew);
  ASSERT_TRUE(after.has_value() && after->has_value());
  EXPECT_EQ(NumberOf(**after, "count"), 10);
  const auto old =
      dynamo.Write({.kind = WriteAction::Kind::kDelete, .table = table, .item = Key("a", 1)}, Return::kOld);
  EXPECT_EQ(NumberOf(**old, "count"), 10);
}

TEST_F(DynamoTest, ATransactionIsAllOrNothingAndSaysWhy) {
  const std::vector<WriteAction> actions{{.table = table, .item = Key("a", 1)},
                                         {.table = table, .item = Key("a", 2), .condition = "attribute_not_exists(p)"}};
  ASSERT_TRUE(dynamo.Transact({actions[1]}, moto.random().Hex(16)).has_value());
  CancelReasons reasons;
  const auto refused = dynamo.Transact(actions, moto.random().Hex(16), &reasons);
  EXPECT_EQ(refused.error().code, Code::kConflict);
  EXPECT_EQ(refused.error().reason, "TransactionCanceledException");
  EXPECT_THAT(reasons, ElementsAre("None", "ConditionalCheckFailed"));
  EXPECT_EQ(*dynamo.Get(table, Key("a", 1), Query::Read::kConsistent), std::nullopt);
  const WriteAction check{
      .kind = WriteAction::Kind::kCheck, .table = table, .item = Key("a", 2), .condition = "attribute_exists(p)"};
  ASSERT_TRUE(dynamo.Transact({actions[0], check}, moto.random().Hex(16)).has_value());
}

TEST_F(DynamoTest, QueriesGoOnWhereAPageEnded) {
  std::vector<Item> items;
  for (int i = 0; i < 130; ++i) items.push_back(Key("a", i));
  ASSERT_TRUE(dynamo.WriteMany(table, items, {}).has_value());
  Query query{.table = table,
              .key_condition = "p = :p AND s >= :from",
              .placeholders = {.values = {{":p", TextValue("a")}, {":from", NumberValue(100)}}},
              .limit = 7,
              .order = Query::Order::kDescending};
  std::vector<std::int64_t> seen;
  do {
    const auto page = dynamo.Run(query);
    ASSERT_TRUE(page.has_value()) << page.error().message;
    EXPECT_LE(page->items.size(), 7U);
    for (const Item& item : page->items) seen.push_back(NumberOf(item, "s").value_or(-1));
    query.after = page->next;
  } while (query.after && seen.size() < 100);
  ASSERT_EQ(seen.size(), 30U);
  EXPECT_EQ(seen.front(), 129);
  EXPECT_EQ(seen.back(), 100);
  items.push_back(Key("none", 1));
  EXPECT_EQ(dynamo.GetMany(table, items, Query::Read::kConsistent)->size(), 130U);
  items.pop_back();
  ASSERT_TRUE(dynamo.WriteMany(table, {}, items).has_value());
  EXPECT_TRUE(dynamo.GetMany(table, items, Query::Read::kConsistent)->empty());
}

TEST_F(DynamoTest, AnAbsentTableIsSaidToBe) {
  EXPECT_EQ(dynamo.Get("none", Key("a", 1), Query::Read::kEventual).error().code, Code::kNotFound);
}

}  // namespace
}  // namespace aws
