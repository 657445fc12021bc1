#include "aws/batch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "aws/json_call.h"
#include "aws/sns.h"
#include "aws/sqs.h"
#include "aws/testing/scripted_server.h"
#include "fakes/clock.h"

namespace aws {
namespace {

using base::Code;
using testing::Answer;
using ::testing::ElementsAre;
using testing::ScriptedServer;
using testing::SeenRequest;

class NoPause final : public Pause {
 public:
  void For(std::chrono::milliseconds /*span*/) override { ++pauses; }
  int pauses = 0;
};

class BatchTest : public ::testing::Test {
 protected:
  Caller& Start(ScriptedServer::Script script) {
    server.emplace(std::move(script));
    caller.emplace(
        Caller::Parts{
            .transport = transport, .credentials = credentials, .clock = clock, .random = random, .pause = pause},
        Settings{.region = "eu-west-1", .endpoint_url = server->url()});
    return *caller;
  }
  fakes::ManualClock clock;
  base::SeededRandom random{7};
  NoPause pause;
  FixedCredentials credentials{{.access_key_id = "a", .secret_access_key = "s"}};
  PooledTransport transport;
  std::optional<ScriptedServer> server;
  std::optional<Caller> caller;
};

std::vector<std::size_t> Indexes(const std::vector<EntryFailure>& failures) {
  std::vector<std::size_t> out;
  for (const EntryFailure& failure : failures) out.push_back(failure.index);
  return out;
}

TEST_F(BatchTest, OnlyWhatWasRefusedIsSentAgain) {
  SqsClient sqs(Start([](int index, const SeenRequest&) {
    if (index > 0) return Answer(200, R"({"Successful":[]})");
    return Answer(200, R"({"Failed":[{"Id":"1","Code":"InternalError","SenderFault":false},
                                     {"Id":"2","Code":"InvalidMessageContents","Message":"bad","SenderFault":true}]})");
  }));
  const auto failures = sqs.Send("q", {{.body = "a"}, {.body = "b"}, {.body = "c"}});
  EXPECT_THAT(Indexes(failures), ElementsAre(2));
  EXPECT_EQ(failures[0].error.code, Code::kInvalid);
  EXPECT_EQ(failures[0].error.reason, "InvalidMessageContents");
  ASSERT_EQ(server->seen().size(), 2U);
  EXPECT_EQ(server->seen()[1].body, R"({"QueueUrl":"q","Entries":[{"Id":"1","MessageBody":"b","DelaySeconds":0}]})");
  EXPECT_EQ(pause.pauses, 1);
}

TEST_F(BatchTest, WhatStaysRefusedIsAFailureInTheEnd) {
  SqsClient sqs(Start([](int, const SeenRequest&) {
    return Answer(200, R"({"Failed":[{"Id":"0","Code":"ThrottlingException","SenderFault":false}]})");
  }));
  const auto failures = sqs.Send("q", {{.body = "a"}});
  EXPECT_THAT(Indexes(failures), ElementsAre(0));
  EXPECT_EQ(failures[0].error.code, Code::kThrottled);
  EXPECT_EQ(server->seen().size(), 4U);
  EXPECT_FALSE(FirstFailure(failures, "x").has_value());
}

TEST_F(BatchTest, BatchesKeepToTheServicesLimits) {
  SqsClient sqs(Start([](int, const SeenRequest&) { return Answer(200, "{}"); }));
  EXPECT_TRUE(sqs.Send("q", std::vector<QueueEntry>(21)).empty());
  EXPECT_EQ(server->seen().size(), 3U);
  for (const auto& [bytes, requests] : std::vector<std::pair<std::size_t, std::size_t>>{
           {kSqsMessageBytes / 2 - 1, 1}, {kSqsMessageBytes / 2, 1}, {kSqsMessageBytes / 2 + 1, 2}}) {
    SqsClient two(Start([](int, const SeenRequest&) { return Answer(200, "{}"); }));
    EXPECT_TRUE(two.Send("q", std::vector<QueueEntry>(2, {.body = std::string(bytes, 'x')})).empty());
    EXPECT_EQ(server->seen().size(), requests) << bytes;
  }
  SqsClient large(Start([](int, const SeenRequest&) { return Answer(200, "{}"); }));
  const auto failures =
      large.Send("q", {{.body = std::string(kSqsMessageBytes, 'x')}, {.body = std::string(kSqsMessageBytes + 1, 'x')}});
  EXPECT_THAT(Indexes(failures), ElementsAre(1));
  EXPECT_EQ(failures[0].error.code, Code::kTooLarge);
}

TEST_F(BatchTest, ARequestThatFailsEndsTheRest) {
  SqsClient sqs(Start([](int index, const SeenRequest&) {
    return index == 0 ? Answer(200, "{}") : Answer(400, R"({"__type":"com.amazonaws.sqs#QueueDoesNotExist"})");
  }));
  const auto failures = sqs.Send("q", std::vector<QueueEntry>(25));
  EXPECT_EQ(failures.size(), 15U);
  EXPECT_EQ(failures[0].index, 10U);
  EXPECT_EQ(failures[0].error.code, Code::kNotFound);
  EXPECT_EQ(server->seen().size(), 2U);
}

TEST_F(BatchTest, AListThatAnswersByPlaceIsReadByPlace) {
  JsonAnswer answer;
  ASSERT_TRUE(answer.Parse(R"({"Entries":[{"EventId":"1"},{"ErrorCode":"ThrottlingException"},{}]})", "x").has_value());
  const std::vector<std::size_t> indexes{4, 7, 9};
  EXPECT_THAT(Indexes(FailuresByPlace(answer.root(), "Entries", indexes, "x")), ElementsAre(7));
}

TEST_F(BatchTest, ATopicsRefusalsAreReadFromXml) {
  SnsClient sns(Start([](int, const SeenRequest&) {
    return Answer(200,
                  "<PublishBatchResponse><PublishBatchResult><Failed><member><Id>1</Id><Code>InvalidParameter</Code>"
                  "<SenderFault>true</SenderFault></member></Failed></PublishBatchResult></PublishBatchResponse>");
  }));
  EXPECT_THAT(Indexes(sns.Publish("t", {{.message = "a"}, {.message = "b"}})), ElementsAre(1));
}

}  // namespace
}  // namespace aws
