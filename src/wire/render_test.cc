#include "wire/render.h"

#include <gtest/gtest.h>

#include "wire/strict_json.h"

namespace wire {
namespace {

job::Job Example() {
  job::Job job;
  job.spec.key.job = job::JobId("JOB001");
  job.spec.metadata_json = R"({"a":1})";
  job.spec.submitted_at = base::FromUnixMicros(1'700'000'000'000'000);
  job.state.updated_at = base::FromUnixMicros(1'700'000'001'500'000);
  return job;
}
bool IsJson(std::string_view text) {
  StrictParser parser;
  return parser.Parse(text).has_value();
}

TEST(RenderJob, ShowsAJobThatIsNotCountedYet) {
  EXPECT_EQ(RenderJob(Example(), {}),
            R"({"jobId":"JOB001","status":"Pending","toonCount":null,"processed":0,"succeeded":0,"failed":0,)"
            R"("metadata":{"a":1},"submittedAt":"2023-11-14T22:13:20.000Z","timestamp":"2023-11-14T22:13:21.500Z",)"
            R"("generation":1})");
}

TEST(RenderJob, ShowsAJobThatFailed) {
  job::Job job = Example();
  job.state.phase = job::Phase::kEnded;
  job.state.toon_count = 3;
  job.state.scope = 3;
  job.counters = {.succeeded = 1, .failed = 2};
  job.state.started_at = job.spec.submitted_at;
  job.state.completed_at = job.state.updated_at;
  job.state.reason = "too-many-failed";
  job.state.problems = {{"/3/toonId", "is \"bad\""}};
  job.state.reduced = {
      {.reducer = "none"},
      {.reducer = "summary",
       .artifacts = {
           {.name = "s.json", .content_type = "application/json", .bytes = 2, .sha256 = base::Sha256Of("abc")}}}};
  const std::string sha = base::ToHex(base::Sha256Of("abc"));
  EXPECT_EQ(RenderJob(job, {{"summary", "{\"n\":1}"}}),
            R"({"jobId":"JOB001","status":"Failed","toonCount":3,"processed":3,"succeeded":1,"failed":2,)"
            R"("metadata":{"a":1},"submittedAt":"2023-11-14T22:13:20.000Z","startedAt":"2023-11-14T22:13:20.000Z",)"
            R"("completedAt":"2023-11-14T22:13:21.500Z","timestamp":"2023-11-14T22:13:21.500Z",)"
            R"("reason":"too-many-failed","errors":[{"pointer":"/3/toonId","detail":"is \"bad\""}],"generation":1,)"
            R"("aggregates":{"summary":{"n":1}},"artifacts":[{"name":"s.json","contentType":"application/json",)"
            R"("bytes":2,"sha256":")" +
                sha + R"(","uri":"artifact://)" + sha + R"("}]})");
}

TEST(RenderAccepted, LinksBelowTheStage) {
  job::Job job = Example();
  job.state.toon_count = 2;
  EXPECT_EQ(RenderAccepted(job, "/prod"),
            R"({"jobId":"JOB001","status":"Pending","toonCount":2,"submittedAt":"2023-11-14T22:13:20.000Z",)"
            R"("links":{"status":"/prod/jobs/JOB001","results":"/prod/results?jobId=JOB001",)"
            R"("events":"/prod/jobs/JOB001/events"}})");
}

std::string Result(const job::Outcome& outcome) {
  std::string out;
  AppendResult(outcome, out);
  EXPECT_TRUE(IsJson(out)) << out;
  return out;
}

TEST(AppendQuarantined, HasItsMembersInOrder) {
  job::Quarantined entry{.bytes = {.type = "image"},
                         .error = {.code = "memory-limit", .message = "\"9\" GB"},
                         .job = job::JobId("J"),
                         .toon = job::ToonId("t\n"),
                         .at = base::FromUnixMicros(1'000'000)};
  entry.bytes.sha256.fill(0x11);
  std::string out;
  AppendQuarantined(entry, out);
  EXPECT_EQ(out, R"({"type":"image","sha256":")" + std::string(64, '1') +
                     R"(","code":"memory-limit","message":"\"9\" GB","jobId":"J","toonId":"t\n",)"
                     R"("quarantinedAt":"1970-01-01T00:00:01.000Z"})");
}

TEST(AppendResult, ShowsOnlyWhatIsKnownOfAPendingToon) {
  job::Outcome outcome{.state = job::ToonState::kPending};
  outcome.toon_id = job::ToonId("a\n\"");
  outcome.type = "message";
  EXPECT_EQ(Result(outcome), R"({"toonId":"a\n\"","type":"message","state":"Pending"})");
}

TEST(AppendResult, ShowsASuccessAndAFailure) {
  job::Outcome outcome{.state = job::ToonState::kSucceeded};
  outcome.toon_id = job::ToonId("a");
  outcome.type = "image";
  outcome.result_json = R"({"w":1})";
  outcome.sha256 = base::Sha256Of("abc");
  outcome.perceptual = "ff";
  outcome.duration = std::chrono::microseconds(1230);
  outcome.reused = true;
  const std::string sha = base::ToHex(base::Sha256Of("abc"));
  EXPECT_EQ(Result(outcome),
            R"({"toonId":"a","type":"image","state":"Succeeded","result":{"w":1},"fingerprint":{"sha256":")" + sha +
                R"(","perceptual":"ff"},"durationMs":1.23,"attempts":1,)"
                R"("processedAt":"1970-01-01T00:00:00.000Z","reused":true,"artifacts":[]})");
  job::Outcome failed{.state = job::ToonState::kFailed};
  failed.toon_id = job::ToonId("b");
  failed.type = "image";
  failed.duration = std::chrono::microseconds(12'000'005);
  failed.attempts = 3;
  failed.error = {"timeout", "too slow"};
  EXPECT_EQ(
      Result(failed),
      R"({"toonId":"b","type":"image","state":"Failed","result":{},"durationMs":12000.005,"attempts":3,)"
      R"("processedAt":"1970-01-01T00:00:00.000Z","artifacts":[],"error":{"code":"timeout","message":"too slow"}})");
}

TEST(RenderProblem, FollowsRfc9457) {
  base::Error error{.code = base::Code::kInvalid, .message = "no \"good\""};
  const std::string type = "https://ubertoons.dev/problems/" + std::string(base::PolicyOf(error.code).name);
  const std::string start = R"({"type":")" + type + R"(","title":")" + std::string(base::PolicyOf(error.code).title) +
                            R"(","status":400,"detail":"no \"good\"",)";
  EXPECT_EQ(RenderProblem(error, "", "abc"), start + R"("traceId":"abc"})");
  error.reason = "why";
  error.fields = {{"/a", "bad"}, {"", "worse"}};
  EXPECT_EQ(RenderProblem(error, "/jobs", "abc"),
            start + R"("instance":"/jobs","traceId":"abc","reason":"why",)"
                    R"("errors":[{"pointer":"/a","detail":"bad"},{"pointer":"","detail":"worse"}]})");
}

}  // namespace
}  // namespace wire
