#include "aws/dynamo_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "aws/dynamo_rows.h"
#include "aws/testing/scripted_server.h"
#include "fakes/clock.h"

namespace aws {
namespace {

using base::Code;
using testing::Answer;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::ScriptedServer;
using testing::SeenRequest;

class NoPause final : public Pause {
 public:
  void For(std::chrono::milliseconds span) override { spans.push_back(span); }
  std::vector<std::chrono::milliseconds> spans;
};

std::string Cancelled(const std::string& reasons) {
  return R"({"__type":"com.amazonaws.dynamodb.v20120810#TransactionCanceledException","CancellationReasons":[)" +
         reasons + "]}";
}
constexpr const char* kConflict = R"({"Code":"None"},{"Code":"TransactionConflict"})";

class DynamoTableTest : public ::testing::Test {
 protected:
  DynamoTable& Start(ScriptedServer::Script script) {
    server.emplace(std::move(script));
    caller.emplace(
        Caller::Parts{
            .transport = transport, .credentials = credentials, .clock = clock, .random = random, .pause = pause},
        Settings{.region = "eu-west-1", .endpoint_url = server->url()});
    table.emplace(DynamoTable::Parts{.caller = *caller, .random = random, .clock = clock, .pause = pause}, "t");
    return *table;
  }
  std::vector<WriteAction> TwoPuts() {
    return {table->PutAction(KeyItem("a", "1")),
            table->PutAction(KeyItem("a", "2"), "#version = :v", {{":v", NumberValue(1)}})};
  }
  fakes::ManualClock clock;
  base::SeededRandom random{7};
  NoPause pause;
  FixedCredentials credentials{{.access_key_id = "a", .secret_access_key = "s"}};
  PooledTransport transport;
  std::optional<ScriptedServer> server;
  std::optional<Caller> caller;
  std::optional<DynamoTable> table;
};

TEST_F(DynamoTableTest, ATransactionThatMeetsAnotherIsSentAgainWithATokenOfItsOwn) {
  Start(
      [](int index, const SeenRequest&) { return index < 2 ? Answer(400, Cancelled(kConflict)) : Answer(200, "{}"); });
  const auto done = table->Commit(TwoPuts());
  ASSERT_TRUE(done.has_value()) << done.error().message;
  EXPECT_TRUE(done->empty());
  EXPECT_EQ(pause.spans.size(), 2U);
  const auto seen = server->seen();
  ASSERT_EQ(seen.size(), 3U);
  EXPECT_THAT(seen[0].body, HasSubstr(R"("ExpressionAttributeNames":{"#version":"version"})"));
  EXPECT_NE(seen[0].body, seen[1].body);
}

TEST_F(DynamoTableTest, ATransactionThatAlwaysMeetsOthersEnds) {
  Start([](int, const SeenRequest&) { return Answer(400, Cancelled(kConflict)); });
  const auto done = table->Commit(TwoPuts());
  EXPECT_EQ(done.error().code, Code::kUnavailable);
  EXPECT_LT(server->seen().size(), 20U);
}

TEST_F(DynamoTableTest, AFailedConditionIsSaidAlsoBesideAConflict) {
  Start([](int, const SeenRequest&) {
    return Answer(400, Cancelled(R"({"Code":"TransactionConflict"},{"Code":"ConditionalCheckFailed"})"));
  });
  const auto done = table->Commit(TwoPuts());
  ASSERT_TRUE(done.has_value());
  EXPECT_FALSE(ConditionFailed(*done, 0));
  EXPECT_TRUE(ConditionFailed(*done, 1));
  EXPECT_FALSE(ConditionFailed(*done, 2));
  EXPECT_EQ(server->seen().size(), 1U);
}

TEST_F(DynamoTableTest, ErrorsAreThoseOfThePort) {
  const auto code_of = [&](int status, const std::string& type) {
    // By value: the server answers once more after this has returned.
    Start([status, type](int, const SeenRequest&) { return Answer(status, R"({"__type":"x#)" + type + R"("})"); });
    const auto put = table->Put({KeyItem("a", "1")});
    const auto done = table->Commit(TwoPuts());
    EXPECT_EQ(put.error().code, done.error().code) << type;
    return done.error().code;
  };
  EXPECT_EQ(code_of(400, "ResourceNotFoundException"), Code::kUnavailable) << "the table, not a job";
  EXPECT_EQ(code_of(400, "AccessDeniedException"), Code::kUnavailable);
  EXPECT_EQ(code_of(400, "ThrottlingException"), Code::kUnavailable);
  EXPECT_EQ(code_of(500, "InternalServerError"), Code::kUnavailable);
  EXPECT_EQ(code_of(400, "ValidationException"), Code::kInternal);
  EXPECT_EQ(table->Get("a", "1").error().code, Code::kInternal);
}

TEST_F(DynamoTableTest, AQueryGoesOnThroughEmptyPagesAndStopsWhenTold) {
  Start([](int index, const SeenRequest&) {
    const std::string next = R"(,"LastEvaluatedKey":{"pk":{"S":"a"},"sk":{"S":"1"}})";
    if (index == 0) return Answer(200, R"({"Items":[])" + next + "}");
    return Answer(200, R"({"Items":[{"pk":{"S":"a"},"sk":{"S":"2"}},{"pk":{"S":"a"},"sk":{"S":"3"}}])" + next + "}");
  });
  std::vector<std::string> seen;
  ASSERT_TRUE(table
                  ->Scan(table->All("a"),
                         [&](Item& item) -> base::Result<DynamoTable::Walk> {
                           seen.push_back(*TextOf(item, "sk"));
                           return seen.size() < 3 ? DynamoTable::Walk::kOn : DynamoTable::Walk::kStop;
                         })
                  .has_value());
  EXPECT_THAT(seen, ElementsAre("2", "3", "2"));
  EXPECT_EQ(server->seen().size(), 3U);
  EXPECT_THAT(server->seen()[0].body, HasSubstr(R"("ConsistentRead":true)"));
}

TEST_F(DynamoTableTest, AKeyThatComesTwiceIsWrittenOnceAsTheLastSays) {
  Start([](int, const SeenRequest&) { return Answer(200, "{}"); });
  Item first = KeyItem("a", "1");
  first["x"] = TextValue("first");
  Item last = first;
  last["x"] = TextValue("last");
  ASSERT_TRUE(table->Put({first, last}).has_value());
  const std::string body = server->seen().at(0).body;
  EXPECT_THAT(body, HasSubstr("last"));
  EXPECT_EQ(body.find("first"), std::string::npos);
}

TEST(DynamoRows, TimesSortAsText) {
  const auto at = [](std::int64_t micros) { return TimeText(base::FromUnixMicros(micros)); };
  EXPECT_LT(at(-5), at(-1));
  EXPECT_LT(at(-1), at(0));
  EXPECT_LT(at(0), at(1'767'225'600'000'000));
  EXPECT_EQ(at(0).size(), 16U);
}

TEST(DynamoRows, APartitionNamesItsJob) {
  const job::JobKey key{.tenant = job::TenantId("a#ñ"), .job = job::JobId("j:1")};
  EXPECT_EQ(JobPartition(key), "J#6123c3b1#j:1");
  EXPECT_EQ(JobOfPartition(JobPartition(key)), key);
  EXPECT_EQ(JobOfPartition("J#6x#j"), std::nullopt);
  EXPECT_EQ(JobOfPartition("J#61"), std::nullopt);
  EXPECT_EQ(JobOfPartition("O#61#j"), std::nullopt);
}

TEST(DynamoRows, AJobHasOneShardPerTwoThousandToonsUpToSixteen) {
  EXPECT_EQ(ShardsFor(0), 1U);
  EXPECT_EQ(ShardsFor(2'000), 1U);
  EXPECT_EQ(ShardsFor(2'001), 2U);
  EXPECT_EQ(ShardsFor(1'000'000), 16U);
  EXPECT_EQ(ShardsFor(std::nullopt), 16U);
}

TEST(DynamoRows, OfAJobThatChangesWhileItIsReadAreNoJob) {
  StoredJob stored{.uid = "u", .shards = 2};
  stored.job.spec.key = {.tenant = job::TenantId("a"), .job = job::JobId("j")};
  const auto tally = [&](std::uint32_t shard, job::Generation generation) {
    return TallyItem(stored.job.spec.key, "u",
                     {.shard = shard, .generation = generation, .counters = {.succeeded = 3, .failed = 1}, .end = 7});
  };
  const auto whole = JobOf({SpecItem(stored), StateItem(stored), tally(0, 1), tally(1, 1)});
  ASSERT_TRUE(whole.has_value() && whole->has_value());
  EXPECT_EQ((*whole)->job.counters, (job::Counters{.succeeded = 6, .failed = 2}));
  EXPECT_EQ((*whole)->end(), 7U);
  EXPECT_EQ(*JobOf({SpecItem(stored), tally(0, 1), tally(1, 1)}), std::nullopt);
  EXPECT_EQ(*JobOf({SpecItem(stored), StateItem(stored), tally(0, 1)}), std::nullopt);
  EXPECT_EQ(*JobOf({SpecItem(stored), StateItem(stored), tally(0, 1), tally(1, 2)}), std::nullopt);
  Item bad = tally(0, 1);
  bad.erase("end");
  EXPECT_EQ(JobOf({SpecItem(stored), StateItem(stored), bad, tally(1, 1)}).error().code, Code::kCorrupt);
}

}  // namespace
}  // namespace aws
