// The API behind the real server, the real verifier and a real client: what only a socket shows.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "api/testing/world.h"
#include "http/client.h"
#include "http/server.h"

namespace api {
namespace {

using ::testing::HasSubstr;

struct Served : World {
  explicit Served(job::Limits limits_in_use = {}) : World(limits_in_use) {
    const std::string keys = dir + "/keys";
    EXPECT_EQ(::mkdir(keys.c_str(), 0700), 0);
    issuer = *auth::LocalIssuer::Open(keys);
    verifier = auth::NewVerifier(
        {.issuer = issuer->issuer()}, [this] { return base::Result<std::string>(issuer->Jwks()); }, clock);
    bearer = NewBearerAuthenticator(*verifier);
    real_api = std::make_unique<Api>(Services{.submit = submit,
                                              .query = query,
                                              .control = control,
                                              .upload = upload,
                                              .feed = feed,
                                              .blobs = blobs,
                                              .authenticator = *bearer,
                                              .clock = clock,
                                              .random = random,
                                              .limits = limits,
                                              .url_secret = issuer->url_secret(),
                                              .blob_file = [this](std::string_view key) { return BlobFile(key); },
                                              .jwks = [this] { return issuer->Jwks(); },
                                              .event_interval = std::chrono::milliseconds(1)});
    auto listening = http::Server::Listen({}, *real_api);
    EXPECT_TRUE(listening);
    server = *std::move(listening);
    server->Start();
  }
  ~Served() { server.reset(); }

  std::string Token(std::string subject, auth::Role role = auth::Role::kOperator) {
    return issuer->Mint({.subject = std::move(subject), .role = role}, clock.Now(), random);
  }
  std::string Url(std::string_view target) const {
    return fmt::format("http://127.0.0.1:{}{}", server->port(), target);
  }
  http::ClientResponse Ask(http::ClientRequest request, std::string_view token = "") {
    http::Client client;
    if (!token.empty()) request.headers.emplace_back("Authorization", fmt::format("Bearer {}", token));
    auto response = client.Send(request);
    EXPECT_TRUE(response) << response.error().message;
    return response ? *std::move(response) : http::ClientResponse{};
  }

  std::unique_ptr<auth::LocalIssuer> issuer;
  std::unique_ptr<auth::Verifier> verifier;
  std::unique_ptr<Authenticator> bearer;
  std::unique_ptr<Api> real_api;
  std::unique_ptr<http::Server> server;
};

TEST(Socket, TheThreeCallsOfTheDocument) {
  Served served;
  const std::string token = served.Token("ana");
  const auto submitted =
      served.Ask({.method = "POST",
                  .url = served.Url("/prod/submit-job"),
                  .headers = {{"Content-Type", "application/x-www-form-urlencoded"}},
                  .body = R"({"jobId":"JOB001","toons":[{"toonId":"a","type":"message","text":"x"}]})"},
                 token);
  EXPECT_EQ(submitted.status, 202) << submitted.body;
  EXPECT_EQ(submitted.header("location"), "/prod/jobs/JOB001");
  EXPECT_EQ(At(served.Ask({.url = served.Url("/prod/jobs/JOB001")}, token).body, "/toonCount"), "1");
  EXPECT_EQ(
      At(served.Ask({.url = served.Url("/prod/results?jobId=JOB001&state=Pending")}, token).body, "/results/0/toonId"),
      "a");
  EXPECT_EQ(served.Ask({.url = served.Url("/prod/jobs/JOB001")}, served.Token("bob")).status, 404);
}

TEST(Socket, TokensAreVerified) {
  Served served;
  EXPECT_EQ(served.Ask({.url = served.Url("/jobs")}).status, 401);
  EXPECT_EQ(served.Ask({.url = served.Url("/jobs")}, "a.b.c").status, 401);
  const std::string token = served.Token("ana", auth::Role::kViewer);
  EXPECT_EQ(served.Ask({.url = served.Url("/jobs")}, token).status, 200);
  EXPECT_EQ(served.Ask({.method = "POST", .url = served.Url("/submit-job"), .body = "{}"}, token).status, 403);
  served.clock.Advance(std::chrono::hours(2));
  const auto late = served.Ask({.url = served.Url("/jobs")}, token);
  EXPECT_EQ(late.status, 401);
  EXPECT_EQ(At(late.body, "/reason"), "expired");
  EXPECT_THAT(std::string(late.header("www-authenticate")), HasSubstr("invalid_token"));
}

TEST(Socket, ALargeSubmissionStreamsThroughAndATooLargeOneIsRefused) {
  Served served({.max_body_bytes = 4U << 20U});
  const std::string token = served.Token("ana");
  std::string body = R"({"toons":[)";
  for (int i = 0; body.size() < (3U << 20U); ++i) {
    body += fmt::format(R"({}{{"toonId":"t{}","type":"message","text":"{}"}})", i == 0 ? "" : ",", i,
                        std::string(1000, 'x'));
  }
  body += "]}";
  const auto accepted = served.Ask({.method = "POST", .url = served.Url("/submit-job"), .body = body}, token);
  EXPECT_EQ(accepted.status, 202) << accepted.body;
  const std::string huge(5U << 20U, ' ');
  const auto refused = served.Ask({.method = "POST", .url = served.Url("/submit-job"), .body = huge}, token);
  EXPECT_EQ(refused.status, 413);
  EXPECT_THAT(refused.body, HasSubstr("maxBodyBytes"));
}

TEST(Socket, AnUploadTravelsByItsSignedUrlAndAnArtifactComesBack) {
  Served served;
  const std::string token = served.Token("ana");
  const std::string bytes(100'000, 'b');
  const std::string body =
      fmt::format(R"({{"bytes":{},"sha256":"{}"}})", bytes.size(), base::ToHex(base::Sha256Of(bytes)));
  const auto promise = served.Ask({.method = "POST", .url = served.Url("/uploads"), .body = body}, token);
  ASSERT_EQ(promise.status, 200) << promise.body;
  EXPECT_THAT(At(promise.body, "/url"), HasSubstr(served.Url("/blobs/uploads/")));
  const auto put = served.Ask({.method = "PUT", .url = At(promise.body, "/url"), .body = bytes});
  EXPECT_EQ(put.status, 200) << put.body;

  const std::string submission = R"({"jobId":"J","toons":[{"toonId":"t0","type":"message","json":1}]})";
  EXPECT_EQ(served.Ask({.method = "POST", .url = served.Url("/submit-job"), .body = submission}, token).status, 202);
  served.Succeed("J", 0, bytes);
  const auto artifact = served.Ask({.url = served.Url("/artifacts/" + base::ToHex(base::Sha256Of(bytes)))}, token);
  EXPECT_EQ(artifact.status, 200);
  EXPECT_EQ(artifact.body, bytes);
  EXPECT_EQ(artifact.header("content-type"), "text/csv");
}

TEST(Socket, EventsFollowAJobToItsEndAndResume) {
  Served served;
  const std::string token = served.Token("ana", auth::Role::kViewer);
  served.SubmitJob("J", 2);
  std::string seen;
  bool succeeded = false;
  http::ClientRequest request{.url = served.Url("/prod/jobs/J/events")};
  request.on_data = [&](std::string_view bytes) {
    seen += bytes;
    if (!succeeded && seen.contains("event: progress")) {
      succeeded = true;
      served.Succeed("J", 0);
      served.Succeed("J", 1);
      served.End("J");
    }
    return true;
  };
  EXPECT_EQ(served.Ask(std::move(request), token).status, 200);
  EXPECT_THAT(seen, HasSubstr("event: end\ndata: {\"jobId\":\"J\",\"status\":\"Completed\"}"));
  const std::size_t at = seen.rfind("id: ") + 4;
  const std::string last = seen.substr(at, seen.find('\n', at) - at);
  const auto resumed = served.Ask({.url = served.Url("/jobs/J/events"), .headers = {{"Last-Event-ID", last}}}, token);
  EXPECT_EQ(resumed.status, 204);
}

TEST(Socket, WhatIsNotHttpGetsAProblem) {
  Served served;
  const auto reply = served.Ask({.url = served.Url("/jobs"), .headers = {{"X-Long", std::string(20'000, 'x')}}});
  EXPECT_EQ(reply.status, 431);
  EXPECT_EQ(At(reply.body, "/type"), "https://ubertoons.dev/problems/header-too-large");
  EXPECT_EQ(served.Ask({.url = served.Url("/.well-known/jwks.json")}).status, 200);
}

}  // namespace
}  // namespace api
