#include "aws/call.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "aws/testing/scripted_server.h"
#include "fakes/clock.h"

namespace aws {
namespace {

using base::Code;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;
using testing::Answer;
using ::testing::HasSubstr;
using testing::Reaction;
using testing::ScriptedServer;
using testing::SeenRequest;
using testing::Then;

// Moves the clock instead of waiting.
class RecordedPause final : public Pause {
 public:
  explicit RecordedPause(fakes::ManualClock& clock) : clock_(clock) {}
  void For(std::chrono::milliseconds span) override {
    pauses.push_back(span);
    clock_.Advance(span);
  }
  std::vector<std::chrono::milliseconds> pauses;

 private:
  fakes::ManualClock& clock_;
};

// Answers keys that are numbered: each Expired gives the next ones.
class NumberedCredentials final : public CredentialSource {
 public:
  base::Result<Credentials> Get() override {
    return Credentials{.access_key_id = "AK" + std::to_string(number), .secret_access_key = "s", .session_token = "t"};
  }
  void Expired(const Credentials& used) override {
    if (used.access_key_id == "AK" + std::to_string(number)) ++number;
  }
  int number = 1;
};

class CallTest : public ::testing::Test {
 protected:
  Caller& Start(ScriptedServer::Script script) {
    server.emplace(std::move(script));
    caller.emplace(Caller::Parts{.transport = transport,
                                 .credentials = credentials,
                                 .clock = clock,
                                 .random = random,
                                 .pause = pause,
                                 .on_try = [this](const TryNote& note) { statuses.push_back(note.status); }},
                   Settings{.region = "eu-west-1", .endpoint_url = server->url()});
    return *caller;
  }
  static Call Put() {
    return {.service = Service::kS3, .operation = "PutObject", .method = "PUT", .path = "/b/k", .body = "hello"};
  }
  static Call Post(Repeat repeat = Repeat::kHarmless) {
    return {.service = Service::kDynamoDb, .operation = "UpdateItem", .body = "{}", .repeat = repeat};
  }

  fakes::ManualClock clock;
  base::SeededRandom random{7};
  RecordedPause pause{clock};
  NumberedCredentials credentials;
  PooledTransport transport;
  std::vector<int> statuses;
  std::optional<ScriptedServer> server;
  std::optional<Caller> caller;
};

Reaction Throttled() {
  return Answer(400, R"({"__type":"com.amazonaws.dynamodb.v20120810#ThrottlingException","message":"Rate exceeded"})");
}

TEST_F(CallTest, IsSignedAndSentOnce) {
  const auto response = Start([](int, const SeenRequest&) { return Answer(200, "fine"); }).Send(Put());
  ASSERT_TRUE(response.has_value()) << response.error().message;
  EXPECT_EQ(response->body, "fine");
  const SeenRequest request = server->seen().at(0);
  EXPECT_TRUE(request.head.starts_with("PUT /b/k HTTP/1.1\r\n")) << request.head;
  EXPECT_EQ(request.body, "hello");
  EXPECT_THAT(request.header("authorization"), HasSubstr("Credential=AK1/20260101/eu-west-1/s3/aws4_request"));
  EXPECT_EQ(request.header("x-amz-content-sha256"), "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
  EXPECT_EQ(request.header("x-amz-security-token"), "t");
  EXPECT_EQ(request.header("expect"), "");
  EXPECT_THAT(statuses, ::testing::ElementsAre(200));
}

TEST_F(CallTest, AThrottledCallIsTriedAgainAfterPauses) {
  const auto response =
      Start([](int index, const SeenRequest&) { return index < 2 ? Throttled() : Answer(200, "{}"); }).Send(Post());
  ASSERT_TRUE(response.has_value()) << response.error().message;
  EXPECT_THAT(statuses, ::testing::ElementsAre(400, 400, 200));
  ASSERT_EQ(pause.pauses.size(), 2U);
  EXPECT_LT(pause.pauses[0], 250ms);
  EXPECT_LT(pause.pauses[1], 500ms);
  EXPECT_NE(pause.pauses[0], pause.pauses[1]) << "jitter";
  EXPECT_EQ(caller->quota(Service::kDynamoDb).tokens(), RetryQuota::kCapacity - RetryQuota::kRetryCost)
      << "the last retry's tokens come back, the first one's do not";
}

TEST_F(CallTest, WhatStaysThrottledIsSaidToBe) {
  const auto response = Start([](int, const SeenRequest&) { return Throttled(); }).Send(Post());
  ASSERT_FALSE(response.has_value());
  EXPECT_EQ(response.error().code, Code::kThrottled);
  EXPECT_EQ(response.error().reason, "ThrottlingException");
  EXPECT_EQ(statuses.size(), 4U);
}

TEST_F(CallTest, AnEmptyBucketOfTokensEndsTheRetries) {
  Start([](int, const SeenRequest&) { return Throttled(); });
  for (int i = 0; i < 40; ++i) (void)caller->Send(Post());
  EXPECT_LT(caller->quota(Service::kDynamoDb).tokens(), RetryQuota::kRetryCost);
  statuses.clear();
  EXPECT_FALSE(caller->Send(Post()).has_value());
  EXPECT_EQ(statuses.size(), 1U);
  EXPECT_EQ(caller->quota(Service::kSqs).tokens(), RetryQuota::kCapacity) << "each service has its own";
}

TEST_F(CallTest, ARetryAfterHeaderIsHeeded) {
  const auto response = Start([](int index, const SeenRequest&) {
                          return index == 0 ? Answer(503, "", "Retry-After: 7\r\n") : Answer(200, "");
                        }).Send(Put());
  ASSERT_TRUE(response.has_value());
  EXPECT_THAT(pause.pauses, ::testing::ElementsAre(7000ms));
}

TEST_F(CallTest, NoPauseReachesBeyondTheDeadline) {
  Call call = Put();
  call.deadline = clock.Steady() + 5s;
  const auto response = Start([](int, const SeenRequest&) { return Answer(503, "", "Retry-After: 7\r\n"); }).Send(call);
  EXPECT_EQ(response.error().code, Code::kThrottled);
  EXPECT_TRUE(pause.pauses.empty());
  call.deadline = clock.Steady();
  EXPECT_EQ(caller->Send(call).error().code, Code::kTimeout);
  EXPECT_EQ(statuses.size(), 1U) << "nothing is sent past the deadline";
}

TEST_F(CallTest, AHalfResponseIsTriedAgainOnlyWhereThatIsHarmless) {
  const auto script = [](int index, const SeenRequest&) {
    return index == 0 ? Reaction{"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", Then::kClose} : Answer(200, "{}");
  };
  EXPECT_TRUE(Start(script).Send(Post()).has_value());
  EXPECT_THAT(statuses, ::testing::ElementsAre(0, 200));
  statuses.clear();
  const auto once = Start(script).Send(Post(Repeat::kIfRefused));
  EXPECT_EQ(once.error().code, Code::kUnavailable);
  EXPECT_THAT(statuses, ::testing::ElementsAre(0));
}

TEST_F(CallTest, AKeptConnectionThatIsResetIsReplacedOnlyWhereThatIsHarmless) {
  const auto script = [](int index, const SeenRequest&) {
    return index == 1 ? Reaction{"", Then::kReset} : Answer(200, std::to_string(index));
  };
  Start(script);
  ASSERT_TRUE(caller->Send(Post()).has_value());
  const auto again = caller->Send(Post());
  ASSERT_TRUE(again.has_value()) << again.error().message;
  EXPECT_EQ(again->body, "2");
  EXPECT_EQ(server->seen()[1].connection, 0) << "the reset came on the kept connection";
  EXPECT_EQ(server->seen()[2].connection, 1);

  Start(script);
  ASSERT_TRUE(caller->Send(Post(Repeat::kIfRefused)).has_value());
  const auto once = caller->Send(Post(Repeat::kIfRefused));
  ASSERT_FALSE(once.has_value()) << once->body;
  EXPECT_EQ(once.error().code, Code::kUnavailable);
  EXPECT_EQ(server->seen().size(), 2U) << "the service saw it once";
}

TEST_F(CallTest, ARefusedCallIsTriedAgainEvenWhereARepeatWouldHarm) {
  const auto response = Start([](int index, const SeenRequest&) {
                          return index == 0 ? Throttled() : Answer(200, "{}");
                        }).Send(Post(Repeat::kIfRefused));
  EXPECT_TRUE(response.has_value());
}

TEST_F(CallTest, WhatCouldNotBeSentIsTriedAgain) {
  std::string gone;
  {
    gone = ScriptedServer([](int, const SeenRequest&) { return Reaction{}; }).url();
  }
  Caller nobody({.transport = transport,
                 .credentials = credentials,
                 .clock = clock,
                 .random = random,
                 .pause = pause,
                 .on_try = [this](const TryNote& note) { statuses.push_back(note.status); }},
                Settings{.region = "eu-west-1", .endpoint_url = gone});
  EXPECT_EQ(nobody.Send(Post(Repeat::kIfRefused)).error().code, Code::kUnavailable);
  EXPECT_EQ(statuses.size(), 4U);
}

TEST_F(CallTest, ASlowAnswerEndsAtTheTimeOut) {
  Call call = Put();
  call.deadline = clock.Steady() + 150ms;
  Start([](int, const SeenRequest&) { return Reaction{"HTTP/1.1 200 OK\r\n", Then::kHang}; });
  EXPECT_EQ(caller->Send(call).error().code, Code::kTimeout);
}

TEST_F(CallTest, AWrongClockIsCorrectedOnceAndRemembered) {
  clock.JumpTo(*base::ParseTime("2026-01-01T03:00:00Z"));
  Start([](int index, const SeenRequest&) {
    if (index > 0) return Answer(200, "{}");
    return Answer(403, "<Error><Code>RequestTimeTooSkewed</Code></Error>", "Date: Thu, 01 Jan 2026 00:00:10 GMT\r\n");
  });
  ASSERT_TRUE(caller->Send(Put()).has_value());
  ASSERT_TRUE(caller->Send(Put()).has_value());
  EXPECT_EQ(server->seen()[0].header("x-amz-date"), "20260101T030000Z");
  EXPECT_EQ(server->seen()[1].header("x-amz-date"), "20260101T000010Z");
  EXPECT_EQ(server->seen()[2].header("x-amz-date"), "20260101T000010Z");
  EXPECT_TRUE(pause.pauses.empty());
}

TEST_F(CallTest, ASignatureRefusedWithARightClockIsFinal) {
  Start([](int, const SeenRequest&) {
    return Answer(403, "<Error><Code>SignatureDoesNotMatch</Code><Message>no</Message></Error>",
                  "Date: Thu, 01 Jan 2026 00:01:00 GMT\r\n");
  });
  const auto response = caller->Send(Put());
  EXPECT_EQ(response.error().code, Code::kForbidden);
  EXPECT_EQ(response.error().reason, "SignatureDoesNotMatch");
  EXPECT_EQ(statuses.size(), 1U);
}

TEST_F(CallTest, EndedCredentialsAreRenewedOnce) {
  Start([](int, const SeenRequest& request) {
    const bool old = request.header("authorization").find("Credential=AK1/") != std::string::npos;
    return old ? Answer(400, "<Error><Code>ExpiredToken</Code></Error>") : Answer(200, "");
  });
  EXPECT_TRUE(caller->Send(Put()).has_value());
  EXPECT_THAT(statuses, ::testing::ElementsAre(400, 200));
  Start([](int, const SeenRequest&) { return Answer(400, R"({"__type":"ExpiredTokenException"})"); });
  statuses.clear();
  EXPECT_EQ(caller->Send(Put()).error().code, Code::kForbidden);
  EXPECT_EQ(statuses.size(), 2U);
}

TEST_F(CallTest, AnErrorInsideA200CountsWhereTheServiceAnswersSo) {
  Call call = Put();
  call.success = Success::kByBody;
  Start([](int index, const SeenRequest&) {
    return Answer(200, index == 0 ? "<?xml version=\"1.0\"?>\n<Error><Code>InternalError</Code></Error>" : "<Ok/>");
  });
  const auto response = caller->Send(call);
  ASSERT_TRUE(response.has_value());
  EXPECT_EQ(response->body, "<Ok/>");
}

TEST_F(CallTest, AFinalRefusalIsToldWithItsBody) {
  std::string body;
  Call call = Post();
  call.refusal_body = &body;
  const std::string text = R"({"__type":"x#TransactionCanceledException","Message":"m","CancellationReasons":[]})";
  Start([&](int, const SeenRequest&) { return Answer(400, text); });
  const auto response = caller->Send(call);
  EXPECT_EQ(response.error().code, Code::kConflict);
  EXPECT_EQ(response.error().message, "dynamodb UpdateItem was refused (TransactionCanceledException): m");
  EXPECT_EQ(body, text);
}

TEST_F(CallTest, OneConnectionServesManyCalls) {
  Start([](int, const SeenRequest&) { return Answer(200, ""); });
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(caller->Send(Put()).has_value());
  EXPECT_EQ(server->seen().back().connection, 0);
}

TEST_F(CallTest, ThreadsShareTheConnectionsThatAreIdle) {
  Start([](int, const SeenRequest&) { return Answer(200, ""); });
  constexpr int kThreads = 4;
  caller.emplace(
      Caller::Parts{
          .transport = transport, .credentials = credentials, .clock = clock, .random = random, .pause = pause},
      Settings{.region = "eu-west-1", .endpoint_url = server->url()});
  std::atomic<int> good = 0;
  for (int round = 0; round < 5; ++round) {
    std::vector<std::jthread> threads;
    for (int i = 0; i < kThreads; ++i) threads.emplace_back([&] { good += caller->Send(Put()).has_value() ? 1 : 0; });
  }
  EXPECT_EQ(good, 5 * kThreads);
  for (const SeenRequest& request : server->seen()) EXPECT_LT(request.connection, kThreads);
}

TEST_F(CallTest, ABucketStandsInThePathOfAnotherHost) {
  Start([](int, const SeenRequest&) { return Answer(200, ""); });
  Call call = Put();
  call.host_label = "bucket";
  ASSERT_TRUE(caller->Send(call).has_value());
  EXPECT_TRUE(server->seen()[0].head.starts_with("PUT /bucket/b/k ")) << server->seen()[0].head;
  EXPECT_THAT(*caller->Presign(call, 60s), HasSubstr(server->url() + "/bucket/b/k?X-Amz-Algorithm="));
  EXPECT_EQ(caller->Presign(call, 8 * 24 * 3600s).error().code, Code::kInvalid);
}

TEST_F(CallTest, ABucketIsPartOfTheHostOfAws) {
  Caller real({.transport = transport, .credentials = credentials, .clock = clock, .random = random, .pause = pause},
              Settings{.region = "eu-west-1"});
  Call call = Put();
  call.host_label = "bucket";
  EXPECT_TRUE(real.Presign(call, 60s)->starts_with("https://bucket.s3.eu-west-1.amazonaws.com/b/k?"));
  call.host_label = "with.dots";
  EXPECT_TRUE(real.Presign(call, 60s)->starts_with("https://s3.eu-west-1.amazonaws.com/with.dots/b/k?"));
}

}  // namespace
}  // namespace aws
