#include "api/api.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/testing/world.h"

namespace api {
namespace {

using ::testing::HasSubstr;

constexpr std::string_view kToon = R"({"toonId":"t0","type":"message","json":1})";

std::string With(std::string_view toon) {
  return fmt::format(R"({{"toons":[{}]}})", toon);
}

TEST(Api, TheThreeCallsOfTheDocumentWorkAsTheyStand) {
  World world;
  // curl -d sends this content type.
  const Reply submitted =
      world.Post("/prod/submit-job", R"({"jobId":"JOB001","toons":[{"toonId":"a","type":"message","text":"hi"}]})",
                 {{"Content-Type", "application/x-www-form-urlencoded"}});
  EXPECT_EQ(submitted.status, 202) << submitted.body;
  EXPECT_EQ(submitted.header("Location"), "/prod/jobs/JOB001");
  EXPECT_EQ(At(submitted.body, "/jobId"), "JOB001");
  EXPECT_EQ(At(submitted.body, "/status"), "Pending");
  EXPECT_EQ(At(submitted.body, "/toonCount"), "1");
  EXPECT_EQ(At(submitted.body, "/links/events"), "/prod/jobs/JOB001/events");

  const Reply status = world.Get("/prod/jobs/JOB001");
  EXPECT_EQ(status.status, 200);
  EXPECT_EQ(At(status.body, "/status"), "Pending");

  const Reply results = world.Get("/prod/results?jobId=JOB001");
  EXPECT_EQ(results.status, 200) << results.body;
  EXPECT_EQ(results.body, R"({"jobId":"JOB001","results":[]})");
  const Reply pending = world.Get("/prod/results?jobId=JOB001&state=Pending");
  EXPECT_EQ(At(pending.body, "/results/0/toonId"), "a");
  EXPECT_EQ(At(pending.body, "/results/0/state"), "Pending");
}

TEST(Api, ABodyMayComeByteByByte) {
  World world;
  const Reply reply = world.Send({.method = "POST", .target = "/submit-job", .body = With(kToon), .piece = 1});
  EXPECT_EQ(reply.status, 202) << reply.body;
  EXPECT_EQ(reply.header("Location"), "/jobs/" + At(reply.body, "/jobId"));
}

struct BadBody {
  std::string body;
  std::string pointer;
  int status = 400;
};
class BadSubmission : public ::testing::TestWithParam<BadBody> {};

TEST_P(BadSubmission, IsRefusedWithThePlace) {
  World world;
  const Reply reply = world.Post("/submit-job", GetParam().body);
  EXPECT_EQ(reply.status, GetParam().status) << reply.body;
  EXPECT_EQ(reply.header("Content-Type"), "application/problem+json");
  EXPECT_EQ(At(reply.body, "/errors/0/pointer"), GetParam().pointer) << reply.body;
  EXPECT_EQ(world.store.commits(), 0U);
}

std::string Deep(int depth) {
  return With(R"({"toonId":"t","type":"message","json":)" + std::string(static_cast<std::size_t>(depth), '[') +
              std::string(static_cast<std::size_t>(depth), ']') + "}");
}

INSTANTIATE_TEST_SUITE_P(
    All, BadSubmission,
    ::testing::Values(
        BadBody{"{", ""}, BadBody{"[]", ""}, BadBody{"nonsense", ""}, BadBody{With(kToon) + "x", ""},
        BadBody{R"({"toons":[{"toonId":"t","toonId":"u","type":"message","json":1}]})", "/toons/0/toonId"},
        BadBody{Deep(70), "/toons/0"}, BadBody{With(R"({"toonId":"t","type":"message","json":NaN})"), "/toons/0"},
        BadBody{R"({"toons":[{"toonId":"t","type":"message","json":1}],"extra":1})", "/extra"},
        BadBody{With(R"({"toonId":"t","type":"message","json":1,"more":2})"), "/toons/0/more"},
        BadBody{With(R"({"toonId":"","type":"message","json":1})"), "/toons/0/toonId"},
        BadBody{With(fmt::format(R"({{"toonId":"{}","type":"message","json":1}})", std::string(257, 'x'))),
                "/toons/0/toonId"},
        BadBody{With(R"({"toonId":"t","type":"Bad Type","json":1})"), "/toons/0/type"},
        BadBody{With(R"({"toonId":"t","type":"binary","data":"***"})"), "/toons/0/data"},
        BadBody{With(R"({"toonId":"t","type":"binary","uri":"http://evil"})"), "/toons/0/uri"},
        BadBody{R"({"jobId":"a/b","toons":[{"toonId":"t","type":"message","json":1}]})", "/jobId"},
        BadBody{fmt::format(R"({{"jobId":"{}","toons":[{}]}})", std::string(129, 'j'), kToon), "/jobId"}));

TEST(Api, ALoneSurrogateOrBrokenUtf8IsRefused) {
  World world;
  EXPECT_EQ(world.Post("/submit-job", With(R"({"toonId":"t","type":"message","text":"\ud800"})")).status, 400);
  EXPECT_EQ(world.Post("/submit-job", With("{\"toonId\":\"\xff\",\"type\":\"message\",\"json\":1}")).status, 400);
  EXPECT_EQ(world.store.commits(), 0U);
}

TEST(Api, ABodyOverTheLimitIsRefusedBeforeItIsReadAndNamesTheLimit) {
  World world({.max_body_bytes = 100});
  const Reply reply = world.Post("/submit-job", std::string(101, ' '));
  EXPECT_EQ(reply.status, 413);
  EXPECT_THAT(At(reply.body, "/detail"), HasSubstr("maxBodyBytes"));
}

TEST(Api, EqualSubmissionsGetTheFirstAnswerAgain) {
  World world;
  const Reply first = world.SubmitJob("J", 2);
  world.clock.Advance(std::chrono::hours(1));
  world.Succeed("J", 0);
  const Reply second = world.SubmitJob("J", 2);
  EXPECT_EQ(second.status, 202);
  EXPECT_EQ(second.body, first.body);
  EXPECT_EQ(second.header("Idempotent-Replayed"), "true");
  EXPECT_EQ(first.header("Idempotent-Replayed"), "");
  const Reply other = world.SubmitJob("J", 3);
  EXPECT_EQ(other.status, 409);
  EXPECT_EQ(At(other.body, "/reason"), "job-id-taken");
}

TEST(Api, AnIdempotencyKeyStandsForTheMissingJobId) {
  World world;
  const http::Headers key{{"Idempotency-Key", "k1"}};
  const Reply first = world.Post("/submit-job", With(kToon), key);
  const Reply second = world.Post("/submit-job", With(kToon), key);
  EXPECT_EQ(first.body, second.body);
  EXPECT_EQ(second.header("Idempotent-Replayed"), "true");
  EXPECT_NE(At(world.Post("/submit-job", With(kToon)).body, "/jobId"), At(first.body, "/jobId"));
  const Reply other = world.Post("/submit-job", With(R"({"toonId":"t0","type":"message","json":2})"), key);
  EXPECT_EQ(other.status, 409);
  const Reply bad = world.Post("/submit-job", With(kToon), {{"Idempotency-Key", std::string(256, 'k')}});
  EXPECT_EQ(bad.status, 400);
  EXPECT_EQ(At(bad.body, "/errors/0/pointer"), "/Idempotency-Key");
}

TEST(Api, PastTheBacklogTheAnswerSaysWhenToComeBack) {
  World world;
  world.starter.backlog.toons = world.limits.max_pending_toons;
  const Reply reply = world.SubmitJob("J");
  EXPECT_EQ(reply.status, 429);
  EXPECT_EQ(reply.header("Retry-After"), "5");
  EXPECT_EQ(At(reply.body, "/type"), "https://ubertoons.dev/problems/too-many-requests");
  EXPECT_EQ(world.store.commits(), 0U);
}

TEST(Api, ATenantThatAsksTooFastIsToldTheLimitAndWhenToComeBack) {
  World world({.max_requests_per_second_per_tenant = 2});
  for (int i = 0; i < 4; ++i) EXPECT_EQ(world.Get("/jobs").status, 200);
  const Reply refused = world.SubmitJob("J");
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.header("Retry-After"), "1");
  EXPECT_EQ(At(refused.body, "/reason"), "request-rate");
  EXPECT_THAT(At(refused.body, "/detail"), HasSubstr("2 a second that may be (maxRequestsPerSecondPerTenant)"));
  EXPECT_EQ(world.store.commits(), 0U);
  EXPECT_EQ(world.api->throttled(), 1U);
  // Neither others nor what needs no token are held up.
  EXPECT_EQ(world.Get("/jobs", "bob:viewer").status, 200);
  EXPECT_EQ(world.Get("/healthz", "").status, 200);
  world.clock.Advance(std::chrono::seconds(1));
  EXPECT_EQ(world.SubmitJob("J").status, 202);
}

TEST(Api, WithoutAValidTokenTheAnswerIsAChallenge) {
  World world;
  const Reply none = world.Get("/jobs", "");
  EXPECT_EQ(none.status, 401);
  EXPECT_EQ(none.header("WWW-Authenticate"), R"(Bearer realm="ubertoons")");
  const Reply bad = world.Get("/jobs", "junk");
  EXPECT_EQ(bad.status, 401);
  EXPECT_EQ(bad.header("WWW-Authenticate"), R"(Bearer realm="ubertoons", error="invalid_token")");
  EXPECT_EQ(At(bad.body, "/reason"), "expired");
}

TEST(Api, RolesGateWhatMayBeDone) {
  World world;
  EXPECT_EQ(world.SubmitJob("J").status, 202);
  EXPECT_EQ(world.Get("/jobs/J", "ana:none").status, 403);
  EXPECT_EQ(world.Get("/jobs/J", "ana:viewer").status, 200);
  for (const char* target : {"/submit-job", "/uploads", "/jobs/J/cancel", "/jobs/J/retry"}) {
    const Reply reply = world.Send({.method = "POST", .target = target, .body = "{}", .token = "ana:viewer"});
    EXPECT_EQ(reply.status, 403) << target;
    EXPECT_THAT(reply.header("WWW-Authenticate"), HasSubstr("insufficient_scope"));
  }
}

TEST(Api, AnotherTenantsJobIsAbsentEverywhere) {
  World world;
  world.SubmitJob("J");
  world.Succeed("J", 0, "bytes");
  const std::string sha256 = base::ToHex(base::Sha256Of("bytes"));
  for (const std::string target : {"/jobs/J", "/jobs/J/events", "/results?jobId=J", "/jobs/NONE"}) {
    const Reply reply = world.Get(target, "bob:admin");
    EXPECT_EQ(reply.status, 404) << target;
  }
  EXPECT_EQ(world.Get("/artifacts/" + sha256, "bob:admin").status, 404);
  EXPECT_EQ(world.Get("/artifacts/" + sha256).status, 200);
  for (const char* target : {"/jobs/J/cancel", "/jobs/J/retry"}) {
    EXPECT_EQ(world.Send({.method = "POST", .target = target, .token = "bob:admin"}).status, 404) << target;
  }
  EXPECT_EQ(world.Get("/jobs", "bob:admin").body, R"({"jobs":[]})");
}

TEST(Api, AnUnknownPathIs404AndAnotherMethodIs405) {
  World world;
  for (const char* target :
       {"/", "/nowhere", "/jobs/", "/jobs/J/other", "/a/b/jobs", "/prod/", "/pr%0d%0aX/jobs", "/jobs/a%2Fb"}) {
    EXPECT_EQ(world.Get(target).status, 404) << target;
  }
  const Reply reply = world.Send({.method = "DELETE", .target = "/prod/jobs/J"});
  EXPECT_EQ(reply.status, 405);
  EXPECT_EQ(reply.header("Allow"), "GET");
  EXPECT_EQ(At(reply.body, "/status"), "405");
}

TEST(Api, UnknownOrBadParametersAreNamed) {
  World world;
  world.SubmitJob("J");
  const auto pointer = [&](const std::string& target) {
    const Reply reply = world.Get(target);
    EXPECT_EQ(reply.status, 400) << target;
    return At(reply.body, "/errors/0/pointer");
  };
  EXPECT_EQ(pointer("/results"), "/jobId");
  EXPECT_EQ(pointer("/results?jobId=a%20b"), "/jobId");
  EXPECT_EQ(pointer("/results?jobId=J&state=pending"), "/state");
  EXPECT_EQ(pointer("/results?jobId=J&pageSize=0"), "/pageSize");
  EXPECT_EQ(pointer("/results?jobId=J&pageSize=1001"), "/pageSize");
  EXPECT_EQ(pointer("/results?jobId=J&pageSize=ten"), "/pageSize");
  EXPECT_EQ(pointer("/results?jobId=J&pageToken=zz"), "/pageToken");
  EXPECT_EQ(pointer("/results?jobId=J&type=A"), "/type");
  EXPECT_EQ(pointer("/results?jobId=J&sort=x"), "/sort");
  EXPECT_EQ(pointer("/jobs?status=completed"), "/status");
  EXPECT_EQ(pointer("/jobs?pageToken=AAAA"), "/pageToken");
  EXPECT_EQ(pointer("/jobs/J?x=1"), "/x");
  EXPECT_EQ(pointer("/healthz?x=1"), "/x");
  EXPECT_EQ(world.Get("/jobs?status=%zz").status, 400);
  EXPECT_EQ(world.Get("/jobs/J%20x").status, 404);
}

TEST(Api, JobsAreListedNewestFirstInPages) {
  World world;
  for (const char* id : {"A", "B", "C"}) {
    world.SubmitJob(id);
    world.clock.Advance(std::chrono::seconds(1));
  }
  const Reply first = world.Get("/jobs?pageSize=2");
  EXPECT_EQ(At(first.body, "/jobs/0/jobId"), "C");
  EXPECT_EQ(At(first.body, "/jobs/1/jobId"), "B");
  const std::string token = At(first.body, "/nextPageToken");
  const Reply second = world.Get("/jobs?pageSize=2&pageToken=" + token);
  EXPECT_EQ(At(second.body, "/jobs/0/jobId"), "A");
  EXPECT_EQ(At(second.body, "/nextPageToken"), "<none>");
  // A token is good for its tenant and filter only.
  EXPECT_EQ(world.Get("/jobs?pageToken=" + token, "bob:viewer").status, 400);
  EXPECT_EQ(world.Get("/jobs?status=Failed&pageToken=" + token).status, 400);
  EXPECT_EQ(world.Get("/jobs?status=Completed").body, R"({"jobs":[]})");
}

TEST(Api, ResultsArePagedAndFilteredWhileTheJobRuns) {
  World world;
  world.SubmitJob("J", 3);
  world.Succeed("J", 1);
  const Reply done = world.Get("/results?jobId=J&state=Succeeded&type=message");
  EXPECT_EQ(At(done.body, "/results/0/toonId"), "t1");
  EXPECT_EQ(At(done.body, "/results/0/result/ok"), "true");
  EXPECT_EQ(At(done.body, "/results/1"), "<none>");
  world.Succeed("J", 2);
  world.Succeed("J", 0);
  const Reply page = world.Get("/results?jobId=J&pageSize=2");
  EXPECT_EQ(At(page.body, "/results/1/toonId"), "t1");
  const Reply rest = world.Get("/results?jobId=J&pageSize=2&pageToken=" + At(page.body, "/nextPageToken"));
  EXPECT_EQ(At(rest.body, "/results/0/toonId"), "t2");
  EXPECT_EQ(At(rest.body, "/results/1"), "<none>");
  const Reply status = world.Get("/jobs/J");
  EXPECT_EQ(At(status.body, "/processed"), "3");
  EXPECT_NE(At(status.body, "/aggregates/summary"), "<none>");
}

TEST(Api, CancelAndRetryAnswerTheJob) {
  World world;
  world.SubmitJob("J", 2);
  EXPECT_EQ(world.Post("/jobs/J/retry", "").status, 409);
  const Reply cancelled = world.Post("/prod/jobs/J/cancel", "");
  EXPECT_EQ(cancelled.status, 200) << cancelled.body;
  EXPECT_EQ(At(cancelled.body, "/status"), "Failed");
  EXPECT_EQ(At(cancelled.body, "/reason"), "cancelled");
  EXPECT_EQ(world.Post("/jobs/J/cancel", "{}").status, 200);
  const Reply retried = world.Post("/prod/jobs/J/retry", "{}");
  EXPECT_EQ(retried.status, 202) << retried.body;
  EXPECT_EQ(retried.header("Location"), "/prod/jobs/J");
  EXPECT_EQ(At(retried.body, "/generation"), "2");
  const Reply bad = world.Post("/jobs/J/cancel", R"({"why":1})");
  EXPECT_EQ(bad.status, 400);
  EXPECT_EQ(At(bad.body, "/errors/0/pointer"), "/why");
}

TEST(Api, EveryAnswerContinuesTheCallersTrace) {
  World world;
  const std::string id = "4bf92f3577b34da6a3ce929d0e0e4736";
  for (const char* target : {"/jobs", "/nowhere", "/healthz"}) {
    const Reply reply =
        world.Send({.target = target, .headers = {{"traceparent", "00-" + id + "-00f067aa0ba902b7-01"}}, .token = ""});
    EXPECT_EQ(reply.header("X-Trace-Id"), id);
    EXPECT_THAT(reply.header("traceparent"), HasSubstr("00-" + id + "-"));
    EXPECT_THAT(reply.header("traceparent"), ::testing::Not(HasSubstr("00f067aa0ba902b7")));
    if (reply.status >= 400) {
      EXPECT_EQ(At(reply.body, "/traceId"), id);
    }
  }
  world.Send({.method = "POST",
              .target = "/submit-job",
              .headers = {{"traceparent", "00-" + id + "-00f067aa0ba902b7-01"}},
              .body = fmt::format(R"({{"jobId":"J","toons":[{}]}})", kToon)});
  EXPECT_THAT(world.store.Get(World::Key("J")).value().value().spec.traceparent, HasSubstr(id));
}

TEST(Api, AStoreThatFailsIsOurFaultAndWorthARetry) {
  World world;
  world.SubmitJob("J");
  world.store.read_fault.FailNext(1);
  const Reply reply = world.Get("/jobs/J");
  EXPECT_EQ(reply.status, 503);
  EXPECT_EQ(reply.header("Retry-After"), "2");
}

TEST(Api, SystemPathsAnswer) {
  World world;
  EXPECT_EQ(world.Get("/healthz", "").body, R"({"status":"ok"})");
  EXPECT_EQ(world.Get("/readyz", "").status, 200);
  world.ready = base::Fail(base::Code::kUnavailable, "draining");
  EXPECT_EQ(world.Get("/readyz", "").status, 503);
  EXPECT_EQ(world.Get("/.well-known/jwks.json", "").body, R"({"keys":[]})");
  EXPECT_EQ(At(world.Get("/prod/openapi.json", "").body, "/openapi"), "3.1.0");
}

// Nobody without a token may get, at one small request each, large answers that count as transfers.
TEST(Api, ThePublicDocumentIsOneForAll) {
  World world;
  const http::RequestHead head{.method = "GET", .target = "/openapi.json", .path = "/openapi.json"};
  const http::Handler::Plan plan = world.api->Begin(head);
  ASSERT_TRUE(plan.call);
  std::optional<http::Response> answer;
  plan.call->Finish([&](http::Response response) { answer = std::move(response); });
  ASSERT_TRUE(answer);
  EXPECT_TRUE(std::holds_alternative<http::StaticBody>(answer->body));
}

TEST(Api, MetricsAreForThisMachineOrAnAdmin) {
  World world;
  EXPECT_EQ(world.Send({.target = "/metrics", .token = ""}).body, "ubertoons_workers 1\n");
  EXPECT_EQ(world.Send({.target = "/metrics", .peer = "::1", .token = ""}).status, 200);
  EXPECT_EQ(world.Send({.target = "/metrics", .peer = "10.0.0.9", .token = ""}).status, 401);
  EXPECT_EQ(world.Send({.target = "/metrics", .peer = "10.0.0.9", .token = "a:operator"}).status, 403);
  EXPECT_EQ(world.Send({.target = "/metrics", .peer = "10.0.0.9", .token = "a:admin"}).status, 200);
}

TEST(Api, WhatIsNotARequestIsAProblemToo) {
  World world;
  const auto answer = [&](base::Code code, std::string_view reason) {
    return ToReply(world.api->Malformed({.code = code, .message = "m", .reason = std::string(reason)}));
  };
  EXPECT_EQ(answer(base::Code::kInvalid, "").status, 400);
  EXPECT_EQ(answer(base::Code::kTimeout, http::kReasonHeaderTimeout).status, 408);
  EXPECT_EQ(answer(base::Code::kTooLarge, http::kReasonTargetTooLong).status, 414);
  EXPECT_EQ(answer(base::Code::kUnsupported, http::kReasonExpectation).status, 417);
  testing::internal::CaptureStderr();
  for (const std::string_view reason : {http::kReasonCrowded, http::kReasonTransfers}) {
    const Reply crowded = answer(base::Code::kUnavailable, reason);
    EXPECT_EQ(crowded.status, 503);
    EXPECT_EQ(crowded.header("Retry-After"), "2");
    EXPECT_EQ(At(crowded.body, "/reason"), reason);
  }
  // A flood of them would be one of the log's; what else is our fault is told.
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
  testing::internal::CaptureStderr();
  EXPECT_EQ(answer(base::Code::kUnavailable, "other").status, 503);
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("request-failed"));
  const Reply large = answer(base::Code::kTooLarge, http::kReasonHeaderTooLarge);
  EXPECT_EQ(large.status, 431);
  EXPECT_EQ(At(large.body, "/status"), "431");
}

}  // namespace
}  // namespace api
