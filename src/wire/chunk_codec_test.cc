#include "wire/chunk_codec.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "wire/generators.h"
#include "wire/outcome_codec.h"

namespace wire {
namespace {

ports::Chunk Process() {
  ports::Chunk chunk;
  chunk.key = {.tenant = job::TenantId("t \"1\""), .job = job::JobId("JOB001")};
  chunk.generation = 2;
  chunk.work_class = "data";
  chunk.traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  chunk.manifest_blob = "t/x/m/1.ndjson";
  chunk.segment = {.first = 1000, .count = 10, .offset = 99, .length = 5000, .work_class = "data"};
  chunk.only = {0, 3, 9};
  chunk.attempt = 3;
  chunk.after_death = true;
  chunk.operations_json = R"({"image":[{"op":"scale","by":1.50}]})";
  chunk.reducers = {"summary", "timeline"};
  chunk.reuse_keys = true;
  return chunk;
}

TEST(ChunkCodec, WritesTheDocumentedJson) {
  EXPECT_EQ(
      EncodeChunk(Process()),
      R"({"v":1,"kind":"process","tenant":"t \"1\"","job":"JOB001","generation":2,"class":"data",)"
      R"("traceparent":"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01","manifest":"t/x/m/1.ndjson",)"
      R"("segment":{"first":1000,"count":10,"offset":99,"length":5000,"class":"data"},"only":[0,3,9],)"
      R"("attempt":3,"afterDeath":true,"operations":{"image":[{"op":"scale","by":1.50}]},"reducers":["summary","timeline"],)"
      R"("reuseKeys":true})");
}

TEST(ChunkCodec, ReadsWhatItWrites) {
  const auto process = DecodeChunk(EncodeChunk(Process()));
  ASSERT_TRUE(process.has_value()) << process.error().message;
  EXPECT_EQ(*process, Process());
  ports::Chunk reduce;
  reduce.kind = ports::Chunk::Kind::kReduce;
  reduce.key = Process().key;
  reduce.work_class = "data";
  reduce.reducer = "timeline";
  reduce.params_json = R"({"step":5})";
  reduce.partial = std::string("\0\xff\x01", 3);
  reduce.toon_count = 10;
  reduce.succeeded = 9;
  reduce.failed = 1;
  const auto again = DecodeChunk(EncodeChunk(reduce));
  ASSERT_TRUE(again.has_value()) << again.error().message;
  EXPECT_EQ(*again, reduce);
}

TEST(ChunkCodec, RefusesOtherVersionsAndRangesOutsideTheSegment) {
  const std::string good = EncodeChunk(Process());
  const auto refused = [&](std::string_view from, std::string_view to) {
    std::string text = good;
    text.replace(text.find(from), from.size(), to);
    const auto result = DecodeChunk(text);
    return result ? std::string("good") : result.error().fields.at(0).pointer;
  };
  EXPECT_EQ(refused("\"v\":1", "\"v\":2"), "/v");
  EXPECT_EQ(refused("[0,3,9]", "[0,3,10]"), "/only");
  EXPECT_EQ(refused("[0,3,9]", "[3,3]"), "/only");
  EXPECT_EQ(refused("\"count\":10", "\"count\":5000000000"), "/segment/count");
  EXPECT_EQ(refused("\"process\"", "\"other\""), "/kind");
  EXPECT_FALSE(DecodeChunk("[]").has_value());
}

TEST(EventCodec, WritesWhatSqsGivesToLambda) {
  const Record record{.message_id = "m1", .body = "hello", .receive_count = 2, .sent_at = base::FromUnixMicros(1500)};
  EXPECT_EQ(EncodeEvent({record}, "arn:aws:sqs:us-east-1:123456789012:work"),
            R"({"Records":[{"messageId":"m1","receiptHandle":"m1#2","body":"hello",)"
            R"("attributes":{"ApproximateReceiveCount":"2","SentTimestamp":"1","SenderId":"ubertoons",)"
            R"("ApproximateFirstReceiveTimestamp":"1"},"messageAttributes":{},)"
            R"("md5OfBody":"5d41402abc4b2a76b9719d911017c592","eventSource":"aws:sqs",)"
            R"("eventSourceARN":"arn:aws:sqs:us-east-1:123456789012:work","awsRegion":"us-east-1"}]})");
}

// From the Lambda developer guide, with an attribute that is not in it.
TEST(EventCodec, ReadsAGenuineEventAndIgnoresWhatItDoesNotKnow) {
  const auto records = DecodeEvent(R"({"Records":[{"messageId":"059f36b4-87a3-44ab-83d2-661975830a7d",
    "receiptHandle":"AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a","body":"Test message.",
    "attributes":{"ApproximateReceiveCount":"3","SentTimestamp":"1545082649183","SenderId":"AIDAIENQZJOLO23YVJ4VO",
    "ApproximateFirstReceiveTimestamp":"1545082649185","AWSTraceHeader":"Root=1-5759e988-bd862e3fe1be46a994272793"},
    "messageAttributes":{"a":{"stringValue":"1","stringListValues":[],"binaryListValues":[],"dataType":"Number"}},
    "md5OfBody":"e4e68fb7bd0e697a0ae8f1bb342846b3","eventSource":"aws:sqs",
    "eventSourceARN":"arn:aws:sqs:us-east-2:123456789012:my-queue","awsRegion":"us-east-2"}]})");
  ASSERT_TRUE(records.has_value()) << records.error().message;
  ASSERT_EQ(records->size(), 1U);
  EXPECT_EQ(records->at(0).message_id, "059f36b4-87a3-44ab-83d2-661975830a7d");
  EXPECT_EQ(records->at(0).body, "Test message.");
  EXPECT_EQ(records->at(0).receive_count, 3U);
  EXPECT_EQ(base::UnixMicros(records->at(0).sent_at), 1545082649183000);
  EXPECT_FALSE(DecodeEvent("{}").has_value());
  EXPECT_FALSE(DecodeEvent(R"({"Records":[{"messageId":"a"}]})").has_value());
}

rc::Gen<std::vector<RecordAnswer>> AnyAnswers() {
  return rc::gen::exec([] {
    return Some<RecordAnswer>(4, [] {
      RecordAnswer record{.message_id = *AnyBytes(), .failed = AnyBool(), .failure = *AnyBytes()};
      record.answer.outcomes = Some<ports::OutcomeRow>(4, [] { return ToRow(*AnyOutcome()); });
      record.answer.retries = Some<job::RetryNote>(3, [] {
        return job::RetryNote{.position = *rc::gen::arbitrary<std::uint64_t>(),
                              .attempts = *rc::gen::arbitrary<std::uint32_t>(),
                              .not_before = AnyTime(),
                              .last_error = AnyError()};
      });
      record.answer.partials =
          Some<ports::Partial>(3, [] { return ports::Partial{.reducer = *AnyBytes(), .bytes = *AnyBytes()}; });
      if (AnyBool()) {
        record.answer.reduced =
            job::ReduceResult{.reducer = *AnyBytes(), .artifacts = Some<job::Artifact>(3, AnyArtifact)};
        if (AnyBool()) record.answer.reduced->error = AnyError();
      }
      return record;
    });
  });
}

RC_GTEST_PROP(AnswerCodec, DecodesWhatItEncodes, ()) {
  const auto answers = *AnyAnswers();
  const auto decoded = DecodeAnswers(EncodeAnswers(answers));
  RC_ASSERT(decoded.has_value());
  RC_ASSERT(*decoded == answers);
}

RC_GTEST_PROP(AnswerCodec, SurvivesFlippedBitsAndTruncation, ()) {
  std::string bytes = EncodeAnswers(*AnyAnswers());
  const auto at = *rc::gen::inRange<std::size_t>(0, bytes.size());
  bytes[at] = static_cast<char>(bytes[at] ^ *rc::gen::inRange(1, 256));
  if (const auto decoded = DecodeAnswers(bytes)) RC_ASSERT(EncodeAnswers(*decoded) == bytes);
  RC_ASSERT(!DecodeAnswers(std::string_view(bytes).substr(0, at)).has_value());
}

RC_GTEST_PROP(AnswerCodec, SurvivesRandomBytes, ()) {
  const std::string bytes = *AnyBytes();
  (void)DecodeAnswers(bytes);
  (void)DecodeAnswers("UTAN\x01" + bytes);
}

TEST(AnswerCodec, WritesTheDocumentedBytes) {
  RecordAnswer record{.message_id = "m1"};
  record.answer.outcomes = {
      {.position = 300, .state = job::ToonState::kSucceeded, .has_references = true, .row = "row"}};
  record.answer.partials = {{.reducer = "summary", .bytes = "p"}};
  EXPECT_EQ(base::ToHex(EncodeAnswers({record})),
            "5554414e0101026d31000001ac020101"
            "03726f77"
            "00"
            "010773756d6d6172790170");
}

TEST(AnswerCodec, RefusesACountThatCannotFollow) {
  EXPECT_FALSE(DecodeAnswers(std::string("UTAN\x01\xff\xff\xff\xff\x7f", 10)).has_value());
}

TEST(CustomCodec, WritesOneToonWithItsBytesInline) {
  CustomRecord record{.job_id = "j", .toon_id = "t", .type = "my-type", .attempt = 2, .traceparent = "00"};
  record.metadata_json = R"({"a":1})";
  record.operations = {{.name = "score"}, {.name = "cut", .params_json = R"({"at":3})"}};
  record.bytes = "hi";
  const std::string start =
      R"({"jobId":"j","toonId":"t","type":"my-type","attempt":2,"traceparent":"00","metadata":{"a":1},)"
      R"("operations":[{"op":"score"},{"op":"cut","at":3}],)";
  EXPECT_EQ(EncodeCustomRecord(record), start + R"("data":"aGk="})");
  record.form = ports::SourceForm::kText;
  EXPECT_EQ(EncodeCustomRecord(record), start + R"("text":"hi"})");
  record.form = ports::SourceForm::kJson;
  record.bytes = "[1]";
  record.put_url = "http://p";
  EXPECT_EQ(EncodeCustomRecord(record), start + R"("json":[1],"putUrl":"http://p"})");
  record.get_url = "http://g";
  EXPECT_EQ(EncodeCustomRecord(record), start + R"("getUrl":"http://g","form":"json","putUrl":"http://p"})");
}

TEST(CustomCodec, ReadsResultsErrorsAndFailures) {
  const std::string sha(64, 'b');
  const auto answer = DecodeCustomAnswer(
      R"({"outcomes":[{"messageId":"1","result":{"score": 5},"artifacts":[
        {"name":"a.svg","contentType":"image/svg+xml","data":"aGk="},
        {"name":"b.bin","contentType":"application/octet-stream","sha256":")" +
      sha + R"(","bytes":7}]},
        {"messageId":"2","error":{"code":"bad-input","message":"no","retryable":true}}],
        "batchItemFailures":[{"itemIdentifier":"3"}]})");
  ASSERT_TRUE(answer.has_value()) << answer.error().message;
  ASSERT_EQ(answer->outcomes.size(), 2U);
  const CustomOutcome& first = answer->outcomes[0];
  EXPECT_EQ(first.result_json, R"({"score":5})");
  ASSERT_EQ(first.artifacts.size(), 2U);
  EXPECT_EQ(first.artifacts[0].inline_bytes.bytes, "hi");
  EXPECT_FALSE(first.artifacts[0].stored.has_value());
  ASSERT_TRUE(first.artifacts[1].stored.has_value());
  EXPECT_EQ(first.artifacts[1].stored->bytes, 7U);
  ASSERT_TRUE(answer->outcomes[1].failure.has_value());
  EXPECT_EQ(answer->outcomes[1].failure->blame, ports::Blame::kResource);
  EXPECT_EQ(answer->failed_message_ids, std::vector<std::string>{"3"});
}

TEST(CustomCodec, NamesWhatIsWrong) {
  const auto pointer = [](std::string_view json) {
    const auto answer = DecodeCustomAnswer(json);
    return answer ? std::string("good") : answer.error().fields.at(0).pointer;
  };
  EXPECT_EQ(pointer("[]"), "");
  EXPECT_EQ(pointer(R"({"results":[]})"), "/results");
  EXPECT_EQ(pointer(R"({"outcomes":[{"messageId":"1"}]})"), "/outcomes/0/result");
  EXPECT_EQ(pointer(R"({"outcomes":[{"messageId":"1","result":[]}]})"), "/outcomes/0/result");
  EXPECT_EQ(pointer(R"({"outcomes":[{"messageId":"1","result":{},"error":{"code":"a","message":""}}]})"),
            "/outcomes/0/error");
  EXPECT_EQ(pointer(R"({"outcomes":[{"messageId":"1","error":{"code":"A b","message":""}}]})"),
            "/outcomes/0/error/code");
  EXPECT_EQ(pointer(R"({"outcomes":[{"messageId":"1","result":{}},{"messageId":"1","result":{}}]})"),
            "/outcomes/1/messageId");
  const auto artifact = [&](std::string_view name, std::string_view type) {
    return pointer(R"({"outcomes":[{"messageId":"1","result":{},"artifacts":[{"name":")" + std::string(name) +
                   R"(","contentType":")" + std::string(type) + R"(","data":""}]}]})");
  };
  EXPECT_EQ(artifact("a", "text/plain"), "good");
  EXPECT_EQ(artifact("../a", "text/plain"), "/outcomes/0/artifacts/0/name");
  EXPECT_EQ(artifact("a", "text/plain\\r\\nX: y"), "/outcomes/0/artifacts/0/contentType");
}

}  // namespace
}  // namespace wire
