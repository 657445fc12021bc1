// The typed clients against moto, with boto3 at the other end.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "aws/eventbridge.h"
#include "aws/kinesis.h"
#include "aws/kms.h"
#include "aws/moto.h"
#include "aws/sns.h"
#include "aws/sqs.h"
#include "aws/stepfunctions.h"
#include "base/hash.h"

namespace aws {
namespace {

using base::Code;
using std::chrono_literals::operator""s;

class ClientsTest : public ::testing::Test {
 protected:
  std::string NewQueue() {
    return moto.Boto("print(c(\"sqs\").create_queue(QueueName=\"" + moto.NewName("q") + "\")[\"QueueUrl\"])");
  }
  // How many messages boto3 takes from a queue until it is empty, and the first body.
  std::string Drain(const std::string& queue) {
    return moto.Boto("q = c(\"sqs\")\nall = []\nwhile True:\n  m = q.receive_message(QueueUrl=\"" + queue +
                     "\", MaxNumberOfMessages=10).get(\"Messages\", [])\n  if not m: break\n  all += m\n"
                     "print(len(all), min(m[\"Body\"] for m in all) if all else \"\")");
  }
  testing::Moto moto;
};

TEST_F(ClientsTest, BotoReceivesWhatWeSend) {
  SqsClient sqs(moto.caller());
  const std::string queue = NewQueue();
  std::vector<QueueEntry> entries;
  for (int i = 0; i < 25; ++i) entries.push_back({.body = "m\"ñ\n" + std::to_string(i + 10)});
  EXPECT_TRUE(sqs.Send(queue, entries).empty());
  EXPECT_EQ(Drain(queue), "25 m\"ñ\n10");
}

TEST_F(ClientsTest, WeReceiveExtendAndDeleteWhatBotoSends) {
  SqsClient sqs(moto.caller());
  const std::string queue = NewQueue();
  (void)moto.Boto("c(\"sqs\").send_message(QueueUrl=\"" + queue + "\", MessageBody=\"<hello>\")");
  auto messages = sqs.Receive(queue, {.visibility = 600s});
  ASSERT_TRUE(messages.has_value()) << messages.error().message;
  ASSERT_EQ(messages->size(), 1U);
  EXPECT_EQ(messages->at(0).body, "<hello>");
  EXPECT_EQ(messages->at(0).receive_count, 1U);
  EXPECT_GT(base::UnixMicros(messages->at(0).sent_at), 0);
  EXPECT_TRUE(sqs.Receive(queue, {})->empty()) << "not visible";
  EXPECT_TRUE(sqs.ChangeVisibility(queue, {messages->at(0).receipt_handle}, 0s).empty());
  messages = sqs.Receive(queue, {.wait = 1s, .visibility = 600s});
  ASSERT_EQ(messages->size(), 1U);
  EXPECT_EQ(messages->at(0).receive_count, 2U);
  const auto failures = sqs.Delete(queue, {messages->at(0).receipt_handle, "bogus"});
  ASSERT_EQ(failures.size(), 1U);
  EXPECT_EQ(failures[0].index, 1U);
  EXPECT_EQ(sqs.Attributes(queue)->at("ApproximateNumberOfMessagesNotVisible"), "0");
  EXPECT_EQ(sqs.Receive(queue + "-none", {}).error().code, Code::kNotFound);
}

TEST_F(ClientsTest, ATopicFansOutByAttribute) {
  SnsClient sns(moto.caller());
  const std::string queue = NewQueue();
  const std::string topic = moto.Boto(
      "t = c(\"sns\").create_topic(Name=\"" + moto.NewName("t") +
      "\")[\"TopicArn\"]\na = c(\"sqs\")"
      ".get_queue_attributes(QueueUrl=\"" +
      queue +
      "\", AttributeNames=[\"QueueArn\"])[\"Attributes\"][\"QueueArn\"]\n"
      "c(\"sns\").subscribe(TopicArn=t, Protocol=\"sqs\", Endpoint=a, Attributes={\"RawMessageDelivery\": \"true\", "
      "\"FilterPolicy\": json.dumps({\"class\": [\"image\"]})})\nprint(t)");
  std::vector<TopicEntry> entries;
  for (int i = 0; i < 12; ++i) {
    entries.push_back({.message = "{\"a\":\"é&" + std::to_string(i + 10) + "\"}",
                       .attributes = {{"class", i % 2 == 0 ? "image" : "media"}}});
  }
  EXPECT_TRUE(sns.Publish(topic, entries).empty());
  EXPECT_EQ(Drain(queue), "6 {\"a\":\"é&10\"}");
  const auto failures = sns.Publish(topic + "-none", entries);
  EXPECT_EQ(failures.size(), entries.size());
}

TEST_F(ClientsTest, EventsReachARulesTarget) {
  EventBridgeClient events(moto.caller());
  const std::string queue = NewQueue();
  const std::string bus = moto.NewName("bus");
  (void)moto.Boto("e = c(\"events\")\ne.create_event_bus(Name=\"" + bus +
                  "\")\n"
                  "a = c(\"sqs\").get_queue_attributes(QueueUrl=\"" +
                  queue +
                  "\", AttributeNames=[\"QueueArn\"])[\"Attributes\"][\"QueueArn\"]\n"
                  "e.put_rule(Name=\"r\", EventBusName=\"" +
                  bus +
                  "\", EventPattern=json.dumps({\"detail-type\": "
                  "[\"JobCompleted\"]}))\ne.put_targets(Rule=\"r\", EventBusName=\"" +
                  bus + "\", Targets=[{\"Id\": \"1\", \"Arn\": a, \"InputPath\": \"$.detail\"}])");
  std::vector<BusEvent> list(11,
                             {.source = "ubertoons", .detail_type = "JobCompleted", .detail_json = R"({"job":"j"})"});
  list.push_back({.source = "ubertoons", .detail_type = "Other", .detail_json = "{}"});
  EXPECT_TRUE(events.Put(bus, list).empty());
  EXPECT_THAT(Drain(queue), ::testing::StartsWith("11 "));
}

TEST_F(ClientsTest, RecordsReachAStream) {
  KinesisClient kinesis(moto.caller());
  const std::string stream = moto.NewName("s");
  (void)moto.Boto("c(\"kinesis\").create_stream(StreamName=\"" + stream + "\", ShardCount=1)");
  EXPECT_TRUE(kinesis
                  .Put(stream, {{.data = std::string("\0\xff", 2), .partition_key = "a"},
                                {.data = "two", .partition_key = "b"}})
                  .empty());
  EXPECT_EQ(moto.Boto("k = c(\"kinesis\")\ni = k.get_shard_iterator(StreamName=\"" + stream +
                      "\", ShardId=\"shardId-000000000000\", ShardIteratorType=\"TRIM_HORIZON\")[\"ShardIterator\"]\n"
                      "print([r[\"Data\"].hex() for r in k.get_records(ShardIterator=i)[\"Records\"]])"),
            "['00ff', '74776f']");
  EXPECT_EQ(kinesis.Put(stream + "x", {{.data = "a", .partition_key = "a"}}).at(0).error.code, Code::kNotFound);
}

TEST_F(ClientsTest, AMachineRunsOncePerName) {
  StepFunctionsClient machines(moto.caller());
  const std::string machine =
      moto.Boto("print(c(\"stepfunctions\").create_state_machine(name=\"" + moto.NewName("m") +
                "\", roleArn="
                "\"arn:aws:iam::123456789012:role/r\", definition=json.dumps({\"StartAt\": \"P\", \"States\": {\"P\": "
                "{\"Type\": \"Pass\", \"End\": True}}}))[\"stateMachineArn\"])");
  const auto started = machines.Start(machine, "job-1", R"({"a":"ñ"})");
  ASSERT_TRUE(started.has_value()) << started.error().message;
  Execution execution;
  const auto deadline = std::chrono::steady_clock::now() + 30s;
  do {
    execution = machines.Describe(*started).value_or(Execution{});
    std::this_thread::yield();
  } while (execution.status == "RUNNING" && std::chrono::steady_clock::now() < deadline);
  EXPECT_EQ(execution.status, "SUCCEEDED");
  EXPECT_THAT(execution.output, ::testing::HasSubstr("\"a\""));
  const auto again = machines.Start(machine, "job-1", R"({"a":"other"})");
  EXPECT_EQ(again.error().code, Code::kConflict);
  EXPECT_EQ(again.error().reason, "ExecutionAlreadyExists");
  EXPECT_TRUE(machines.Start(machine, "job-2", "{}").has_value());
  EXPECT_FALSE(machines.TaskSucceeded("no-such-token", "{}").has_value());
}

TEST_F(ClientsTest, BotoDecryptsWhatWeEncryptInTheSameContext) {
  KmsClient kms(moto.caller());
  const std::string key = moto.Boto("print(c(\"kms\").create_key()[\"KeyMetadata\"][\"KeyId\"])");
  const auto sealed = kms.Encrypt(key, "secret", {{"tenant", "ana"}});
  ASSERT_TRUE(sealed.has_value()) << sealed.error().message;
  EXPECT_EQ(moto.Boto("print(c(\"kms\").decrypt(CiphertextBlob=bytes.fromhex(\"" + base::ToHex(*sealed) +
                      "\"), EncryptionContext={\"tenant\": \"ana\"})[\"Plaintext\"].decode())"),
            "secret");
  EXPECT_EQ(kms.Decrypt(*sealed, {{"tenant", "ana"}}).value(), "secret");
  EXPECT_EQ(kms.Decrypt(*sealed, {{"tenant", "eva"}}).error().code, Code::kInvalid);
  EXPECT_EQ(kms.Describe(key)->state, "Enabled");
  EXPECT_EQ(kms.Encrypt(key, std::string(kMaxKmsPlaintext + 1, 'x'), {}).error().code, Code::kTooLarge);
}

}  // namespace
}  // namespace aws
